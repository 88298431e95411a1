"""ID tokens and /userinfo: who signed in, with the tokens and afterwards (threats O-01 to O-06)."""

import base64
import hashlib
import itertools

import jwt
import pytest

from rxauth.domain import users
from rxauth.domain.names import Name
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from tests.live import Live, challenge_attributes, decode
from tests.token_holders import Holders
from tests.world import ISSUER, NOW


@pytest.fixture
def holders(sqlite_live: Live) -> Holders:
    """Clients and people."""
    return Holders(sqlite_live)


def test_an_id_token_says_what_the_published_clients_check(holders: Holders) -> None:
    """O-04, OpenID Connect Core §3.1.3.7: verified with the published keys by another library."""
    session, _ = holders.session(holders.person(), ("pwd", "otp"))
    holders.live.clock.advance(30)
    got = holders.redeemed(holders.code(session))
    keys = jwt.PyJWKSet.from_dict(holders.live.http.get("/.well-known/jwks.json").json())
    header = jwt.get_unverified_header(got["id_token"])
    claims = jwt.decode(
        got["id_token"],
        keys[header["kid"]],
        algorithms=["RS256"],
        audience=holders.spa.client_id,
        issuer=ISSUER,
        options={"verify_exp": False, "verify_iat": False},
    )

    assert (header["alg"], header["typ"]) == ("RS256", "JWT")
    assert (claims["sub"], claims["sid"], claims["azp"]) == (session.user_id, session.id, holders.spa.client_id)
    assert (claims["iat"], claims["exp"]) == (NOW + 30, NOW + 3_630)
    assert (claims["auth_time"], claims["acr"], claims["amr"]) == (NOW, "aal2", ["pwd", "otp"])
    assert (claims["org_id"], claims["org_name"]) == (holders.organization_id, "alder clinic")
    half = hashlib.sha256(got["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()


@pytest.mark.parametrize("nonce", ["n", "a" * 2_000, "é \U0001f600 <>\"'", None], ids=["short", "long", "odd", "none"])
def test_the_nonce_comes_back_as_it_was_sent_or_not_at_all(holders: Holders, nonce: str | None) -> None:
    """O-03."""
    claims = decode(holders.tokens(nonce=nonce)["id_token"])[1]

    assert claims.get("nonce") == nonce
    assert ("nonce" in claims) == (nonce is not None)


RELEASED = {
    "profile": {"name", "given_name", "family_name", "nickname"},
    "email": {"email", "email_verified"},
}


@pytest.mark.parametrize("scope", ["", "profile", "email", "profile email", "read:patient", "phone address"])
def test_each_scope_releases_its_claims_and_no_more(holders: Holders, scope: str) -> None:
    got = holders.tokens(scope=f"openid {scope}".strip())
    claims = decode(got["id_token"])[1]
    wanted = set(itertools.chain.from_iterable(RELEASED.get(name, set()) for name in scope.split()))
    told = holders.live.http.get("/userinfo", headers={"authorization": f"Bearer {got['access_token']}"}).json()

    assert claims.keys() & set().union(*RELEASED.values()) == wanted
    assert told.keys() == wanted | {"sub"}
    assert told["sub"] == claims["sub"]
    assert "refresh_token" not in got


def test_without_openid_there_is_no_id_token(holders: Holders) -> None:
    assert "id_token" not in holders.tokens(scope="profile offline_access")


def test_acr_claims_no_more_than_was_proven(holders: Holders) -> None:
    """O-05."""
    for methods, acr in (("pwd",), "aal1"), (("pwd", "otp"), "aal2"), (("pop", "user"), "aal2"), (("otp",), "aal1"):
        session, _ = holders.session(holders.person(), methods)
        got = holders.redeemed(holders.code(session))
        assert decode(got["id_token"])[1]["acr"] == decode(got["access_token"])[1]["acr"] == acr


def test_an_address_that_goes_to_somebody_else_does_not_take_the_subject_along(holders: Holders) -> None:
    """O-06: a subject is never given twice, and never derived from an address."""
    first = holders.person()
    holders.write(lambda tx: users.change_email(tx, first, "gone@example.com", NOW))
    second = User(new_id(Kind.USER, NOW * 1000), "person1@example.com", None, Name("Bea", "Marsh"), None)
    holders.write(lambda tx: users.add(tx, second, NOW))

    one, other = (decode(holders.tokens(who, organization_id=None)["id_token"])[1] for who in (first, second.id))
    assert one["sub"] != other["sub"]
    assert other["email"] == "person1@example.com"


def test_userinfo_takes_the_token_from_the_header_and_from_the_form_of_a_post(holders: Holders) -> None:
    """O-02; both kinds of audience."""
    for audience in ({}, {"audience": None}):
        got = holders.tokens(**audience)
        token, sub = got["access_token"], decode(got["id_token"])[1]["sub"]
        bearer = {"authorization": f"Bearer {token}"}
        post = holders.live.http.post
        for answer in (
            holders.live.http.get("/userinfo", headers=bearer),
            post("/userinfo", headers=bearer),
            post("/userinfo", data={"access_token": token}),
        ):
            assert (answer.status_code, answer.json()["sub"]) == (200, sub)
            assert answer.headers["cache-control"] == "no-store"
        assert post("/userinfo", headers=bearer, data={"access_token": token}).status_code == 400
        assert holders.live.http.get("/userinfo", params={"access_token": token}).status_code == 401


def test_userinfo_refuses_a_machine_and_who_did_not_ask_who_signed_in(holders: Holders) -> None:
    """O-01."""
    machine = holders.live.token(holders.live.world.alder)
    for token in (machine, holders.tokens(scope="profile email")["access_token"]):
        answer = holders.live.http.get("/userinfo", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 403
        told = challenge_attributes(answer)
        assert (told["error"], told["scope"]) == ("insufficient_scope", "openid")


def test_userinfo_refuses_what_holds_no_more_and_what_is_no_access_token(holders: Holders) -> None:
    user_id = holders.person()
    got = holders.tokens(user_id)
    assert challenge_attributes(holders.live.http.get("/userinfo")) == {"realm": "rxauth"}
    for token in (got["id_token"], got["refresh_token"], "x.y.z"):
        answer = holders.live.http.get("/userinfo", headers={"authorization": f"Bearer {token}"})
        assert (answer.status_code, challenge_attributes(answer)["error"]) == (401, "invalid_token")

    holders.write(lambda tx: users.disable(tx, user_id, NOW))
    answer = holders.live.http.get("/userinfo", headers={"authorization": f"Bearer {got['access_token']}"})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")

"""What `explain` says of a token: sentences for people, for every token that somebody could paste."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.crypto.jws import new_signing_key
from rxauth.domain import clients, organizations, provider_acts, sessions
from rxauth.oauth.explain import Explanation, explain
from rxauth.storage.database import Transaction
from tests.live import Live
from tests.providers import OPERATOR
from tests.security.forging import forged, good_header, part, served
from tests.token_holders import Holders
from tests.world import AUDIENCE, ISSUER, NOW, Template


@pytest.fixture(scope="module")
def api(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from served(templates, tmp_path_factory)


def _explain(live: Live, token: str) -> Explanation:
    return explain(live.server, token)


def _fact(explanation: Explanation, name: str) -> str:
    facts = {line[2:15].strip(): line[15:] for line in explanation.lines if line.startswith("  ")}
    return facts[name]


def test_a_good_token_is_described_and_would_be_accepted(api: Live) -> None:
    tenant = api.world.alder
    explanation = _explain(api, api.token(tenant))

    assert explanation.accepted
    assert explanation.lines[0] == "This is an access token of a machine: an organization's backend."
    assert explanation.lines[-1] == "The server would accept it."
    assert _fact(explanation, "signed with") == f"RS256, key {api.world.current_key.key_id}"
    assert _fact(explanation, "issued by") == ISSUER
    assert _fact(explanation, "for") == AUDIENCE
    assert _fact(explanation, "client") == tenant.client_id
    assert _fact(explanation, "organization") == tenant.organization_id
    assert _fact(explanation, "secret") == tenant.secret_id
    assert _fact(explanation, "permissions") == (
        "read:patient, write:patient, read:prescription, read:order, write:order"
    )
    assert _fact(explanation, "issued") == "2026-11-23 12:00:00 UTC, 0 seconds ago"
    assert _fact(explanation, "expires") == "2026-11-24 12:00:00 UTC, in 1 day"


def test_an_expired_token_is_described_and_would_be_refused(sqlite_live: Live) -> None:
    token = sqlite_live.token(sqlite_live.world.alder)
    sqlite_live.clock.advance(86_400 + 180)
    explanation = _explain(sqlite_live, token)

    assert not explanation.accepted
    assert explanation.lines[-1] == "The server would refuse it. The token expired 3 minutes ago. Get a new one."
    assert _fact(explanation, "expires") == "2026-11-24 12:00:00 UTC, 3 minutes ago"


@pytest.mark.parametrize(
    ("header", "claims", "told"),
    [
        ({}, {"aud": "https://x.example"}, f"for audience https://x.example, this API is {AUDIENCE}."),
        ({}, {"iss": "https://x.example/"}, f"issued by https://x.example/, this server is {ISSUER}."),
        ({}, {"sub": "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "do not belong together"),
        ({}, {"jti": None}, "lacks a claim"),
        ({"typ": "JWT"}, {}, "not an access token"),
        ({"kid": "unknown"}, {}, "not signed with a key that this server publishes"),
        ({"alg": "none"}, {}, "signature does not verify"),
    ],
)
def test_a_token_that_would_be_refused_is_told_why(
    api: Live, header: dict[str, Any], claims: dict[str, Any], told: str
) -> None:
    explanation = _explain(api, forged(api, header, **claims))

    assert not explanation.accepted
    assert explanation.lines[-1].startswith("The server would refuse it. ")
    assert told in explanation.lines[-1]


@pytest.mark.parametrize("ended", ["secret", "tokens", "client", "organization"])
def test_a_revoked_token_is_told_what_ended_it(sqlite_live: Live, ended: str) -> None:
    tenant = sqlite_live.world.alder
    token = sqlite_live.token(tenant)

    def end(transaction: Transaction) -> None:
        if ended == "secret":
            clients.revoke_secret(transaction, tenant.client_id, tenant.secret_id, NOW)
        elif ended == "tokens":
            clients.revoke_tokens(transaction, tenant.client_id, NOW)
        elif ended == "client":
            clients.disable(transaction, tenant.client_id, NOW)
        else:
            organizations.disable(transaction, tenant.organization_id, NOW)

    sqlite_live.server.database.write(end)
    explanation = _explain(sqlite_live, token)

    assert not explanation.accepted
    told = {"secret": "client secret", "tokens": "Every token", "client": "disabled", "organization": "disabled"}
    assert told[ended] in explanation.lines[-1]


@pytest.mark.parametrize(
    ("header", "claims", "kind"),
    [
        ({"typ": "JWT"}, {}, "This is a signed token of type JWT, not an access token."),
        ({"typ": None}, {}, "This is a signed token without a type, not an access token."),
        ({}, {"sub": "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV"}, "This is an access token of a person."),
        ({"typ": "application/at+jwt"}, {}, "This is an access token of a machine: an organization's backend."),
    ],
)
def test_the_first_line_says_what_kind_of_token_it_is(
    api: Live, header: dict[str, Any], claims: dict[str, Any], kind: str
) -> None:
    assert _explain(api, forged(api, header, **claims)).lines[0] == kind


def test_a_token_of_a_foreign_server_is_described_all_the_same(api: Live) -> None:
    claims = api.claims(api.world.alder, iss="https://elsewhere.example/")
    explanation = _explain(api, api.sign(claims, key=new_signing_key()))

    assert not explanation.accepted
    assert _fact(explanation, "issued by") == "https://elsewhere.example/"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "three base64url parts"),
        ("rxs_0123456789", "three base64url parts"),
        ("a.b.c", "length"),
        ("e30.e30", "three base64url parts"),
        ("bm90.e30.e30", "header is not JSON"),
        ("e30.bm90.e30", "payload is not JSON"),
        ("W10.e30.e30", "header is not a JSON object"),
    ],
)
def test_what_is_no_token_is_told_so(api: Live, text: str, told: str) -> None:
    explanation = _explain(api, text)

    assert not explanation.accepted
    assert explanation.lines[0].startswith("This is no token of rxauth: ")
    assert told in explanation.lines[0]
    assert explanation.lines[-1] == "The server would refuse it."


ODD: list[Any] = [None, True, 0, -1, 1.5, 10**30, "", "text", [], ["x", 1], {}, {"a": []}, 1e308]


@pytest.mark.parametrize("where", ["typ", "kid", "alg", "sub", "aud", "permissions", "iat", "exp", "secret_id", "jti"])
def test_a_token_with_odd_values_is_described_and_breaks_nothing(api: Live, where: str) -> None:
    for value in ODD:
        header = good_header(api)
        claims = api.claims(api.world.alder)
        (header if where in header else claims)[where] = value
        explanation = _explain(api, f"{part(header)}.{part(claims)}.{part(b'signature')}")

        assert not explanation.accepted
        assert explanation.lines[-1].startswith("The server would refuse it.")


def test_any_text_at_all_is_explained(api: Live) -> None:
    @given(st.text(alphabet="eyJ0.ABab_-= \n\u00e9", max_size=80))
    def holds(text: str) -> None:
        assert not _explain(api, text).accepted

    holds()


def test_a_permission_that_a_token_names_and_its_holder_lost_is_explained(sqlite_live: Live) -> None:
    holders = Holders(sqlite_live)
    user_id = holders.provider()
    token = holders.tokens(user_id)["access_token"]
    good = _explain(sqlite_live, token)
    holders.write(
        lambda tx: provider_acts.suspend(tx, holders.organization_id, user_id, "board_action", doer=OPERATOR, now=NOW)
    )
    suspended = _explain(sqlite_live, token)

    assert good.accepted
    assert "write:prescription" in _fact(good, "permissions")
    assert not [line for line in good.lines if "does not open" in line]
    assert suspended.accepted
    assert suspended.lines[-2:] == [
        "It does not open write:prescription: this provider's authority is suspended: board_action.",
        "The server would accept it.",
    ]


def test_a_persons_token_is_described_with_its_session_until_that_ends(sqlite_live: Live) -> None:
    holders = Holders(sqlite_live)
    session, _ = holders.session(holders.person())
    token = holders.redeemed(holders.code(session))["access_token"]
    good = _explain(sqlite_live, token)
    holders.write(lambda tx: sessions.end(tx, session.id, session.user_id, NOW))
    ended = _explain(sqlite_live, token)

    assert good.accepted
    assert good.lines[0] == "This is an access token of a person."
    assert _fact(good, "session") == session.id
    assert not ended.accepted
    assert "The session that this token belongs to has ended." in ended.lines[-1]

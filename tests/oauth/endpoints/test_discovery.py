"""What the server publishes of itself, over HTTP: every word of it is used, and nothing else is said."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from rxauth.crypto.jws import new_signing_key
from rxauth.domain import clients, organizations, signing_keys, users
from rxauth.domain.names import Name
from rxauth.domain.signing_keys import TooEarlyError
from rxauth.policy.permissions import PERMISSIONS, Machine
from rxauth.policy.roles import Role
from rxauth.settings import Settings, SettingsError, check
from rxauth.storage.database import Transaction
from tests.live import Live, basic, credentials, decode
from tests.security.forging import served
from tests.signing_in import Cast, answered
from tests.token_holders import App, Holders
from tests.world import AUDIENCE, ISSUER, NOW, Template, Tenant

DOCUMENTS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
KEY_SET = "/.well-known/jwks.json"
PROTOCOL_CLAIMS = ["iss", "sub", "aud", "azp", "exp", "iat", "nonce", "auth_time", "acr", "amr", "sid", "at_hash"]
PERSONAL_CLAIMS = [
    *("org_id", "org_name", "name", "given_name", "middle_name", "family_name", "nickname"),
    *("email", "email_verified"),
]
BY_SECRET = ["client_secret_basic", "client_secret_post"]
ALL = [permission.name for permission in PERMISSIONS]
GRANTABLE = [permission.name for permission in PERMISSIONS if permission.machine is not Machine.NEVER]


@pytest.fixture(scope="module")
def api(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    yield from served(templates, tmp_path_factory)


def _metadata(live: Live) -> dict[str, Any]:
    answer = live.http.get(DOCUMENTS[1])
    assert answer.status_code == 200
    content: dict[str, Any] = answer.json()
    return content


def _path(url: str) -> str:
    assert url.startswith(ISSUER)
    return urlsplit(url).path


def _machine_with(live: Live, permissions: list[str]) -> Tenant:
    """Adds an organization whose machine has the given permissions."""

    def work(transaction: Transaction) -> Tenant:
        organization = organizations.create(transaction, "Cedar Clinic", NOW)
        secret = clients.create_machine_client(transaction, organization.id, "Cedar backend", permissions, NOW)
        return Tenant(organization.id, secret.client_id, secret.id, secret.text)

    return live.server.database.write(work)


def test_the_whole_of_the_metadata_is_this(api: Live) -> None:
    """A member that is added here promises something: add the test that uses it."""
    assert _metadata(api) == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}authorize",
        "token_endpoint": f"{ISSUER}oauth/token",
        "userinfo_endpoint": f"{ISSUER}userinfo",
        "revocation_endpoint": f"{ISSUER}oauth/revoke",
        "introspection_endpoint": f"{ISSUER}oauth/introspect",
        "end_session_endpoint": f"{ISSUER}oidc/logout",
        "jwks_uri": f"{ISSUER}.well-known/jwks.json",
        "grant_types_supported": ["client_credentials", "authorization_code", "refresh_token"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post", "web_message"],
        "prompt_values_supported": ["none", "login", "select_account", "consent"],
        "acr_values_supported": ["aal1", "aal2"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "claims_parameter_supported": False,
        "token_endpoint_auth_methods_supported": [*BY_SECRET, "none"],
        "revocation_endpoint_auth_methods_supported": [*BY_SECRET, "none"],
        "introspection_endpoint_auth_methods_supported": BY_SECRET,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access", *ALL],
        "claims_supported": [*PROTOCOL_CLAIMS, *PERSONAL_CLAIMS],
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }


def test_both_names_of_the_metadata_give_the_same_document(api: Live) -> None:
    first, second = (api.http.get(path) for path in DOCUMENTS)

    assert first.content == second.content
    assert first.headers["content-type"] == "application/json"


def test_the_issuer_is_the_one_of_the_tokens_and_has_neither_query_nor_fragment(api: Live) -> None:
    """RFC 8414 §2, §3.3."""
    issuer = _metadata(api)["issuer"]
    _, claims = decode(api.token(api.world.alder))

    assert issuer == claims["iss"] == api.world.settings.issuer
    assert issuer.endswith("/")
    assert not set("?#") & set(issuer)


@pytest.mark.parametrize(
    "header",
    [
        {"host": "evil.example.com"},
        {"host": "evil.example.com:8000"},
        {"x-forwarded-host": "evil.example.com"},
        {"x-forwarded-proto": "https", "x-forwarded-port": "443"},
        {"forwarded": "host=evil.example.com;proto=https"},
        {"x-forwarded-prefix": "/evil"},
    ],
)
def test_no_header_of_the_request_changes_what_is_published(api: Live, header: dict[str, str]) -> None:
    for path in [*DOCUMENTS, KEY_SET]:
        assert api.http.get(path, headers=header).content == api.http.get(path).content
    token = api.http.post("/oauth/token", json=credentials(api.world.alder), headers=header)
    assert decode(token.json()["access_token"])[1]["iss"] == ISSUER


@pytest.mark.parametrize(
    "issuer",
    [
        "http://auth.example.com/",
        "https://auth.example.com/?a=b",
        "https://auth.example.com/#f",
        "ftp://localhost/",
        "localhost:8000",
        "https://",
    ],
)
def test_an_issuer_that_no_client_could_trust_is_refused_before_the_server_starts(api: Live, issuer: str) -> None:
    given = dataclasses.asdict(api.world.settings) | {"issuer": issuer}
    del given["sealing_key"], given["owner_database_url"]

    with pytest.raises(SettingsError, match="RXAUTH_ISSUER"):
        check(given)


def test_each_advertised_endpoint_answers(sqlite_live: Live) -> None:
    published, http = _metadata(sqlite_live), sqlite_live.http
    endpoints = {name: _path(url) for name, url in published.items() if name.endswith(("_endpoint", "_uri"))}

    assert http.get(endpoints["jwks_uri"]).status_code == 200
    assert http.post(endpoints["token_endpoint"], json=credentials(sqlite_live.world.alder)).status_code == 200
    assert "does not say which application" in http.get(endpoints["authorization_endpoint"]).text
    assert http.get(endpoints["userinfo_endpoint"]).status_code == 401
    for name in ("revocation_endpoint", "introspection_endpoint"):
        assert http.post(endpoints[name], data={"token": "x"}).json()["error"] == "invalid_client"
    assert "You are signed out" in http.get(endpoints["end_session_endpoint"]).text


def _as(method: str, app: App, body: dict[str, str]) -> dict[str, Any]:
    """Returns a request by a client that authenticates in a certain way."""
    own = {name: value for name, value in body.items() if not name.startswith("client_")}
    if method == "client_secret_basic":
        return {"data": own, "headers": {"authorization": basic(app.client_id, app.secret or "")}}
    assert method in {"client_secret_post", "none"}
    return {"data": own | app.credentials}


def test_each_advertised_grant_and_each_way_to_authenticate_gets_a_token(sqlite_live: Live) -> None:
    published, holders, alder = _metadata(sqlite_live), Holders(sqlite_live), sqlite_live.world.alder
    web, machine = holders.web(), App(alder.client_id, alder.secret)
    for method in published["token_endpoint_auth_methods_supported"]:
        app = holders.spa if method == "none" else web
        code = holders.code(holders.session(holders.person())[0], app)
        first = sqlite_live.http.post("/oauth/token", **_as(method, app, code.request()))
        assert first.status_code == 200, (method, first.text)
        body = {"grant_type": "refresh_token", "refresh_token": first.json()["refresh_token"]}
        assert sqlite_live.http.post("/oauth/token", **_as(method, app, body)).status_code == 200
        if method != "none":
            asked = _as(method, machine, {"grant_type": "client_credentials"})
            assert sqlite_live.http.post("/oauth/token", **asked).status_code == 200
        assert method in published["revocation_endpoint_auth_methods_supported"]
        given_back = _as(method, app, {"token": first.json()["refresh_token"]})
        assert sqlite_live.http.post("/oauth/revoke", **given_back).status_code == 200
        assert holders.refresh(first.json()["refresh_token"], app).status_code == 400
    for method in published["introspection_endpoint_auth_methods_supported"]:
        asked = _as(method, machine, {"token": sqlite_live.token(alder)})
        assert sqlite_live.http.post("/oauth/introspect", **asked).json()["active"] is True


def test_a_grant_that_is_not_advertised_gets_no_token(api: Live) -> None:
    published = _metadata(api)
    for grant in ("password", "implicit", "urn:ietf:params:oauth:grant-type:device_code", "none"):
        assert grant not in published["grant_types_supported"]
        assert api.exchange(api.world.alder, grant_type=grant).json()["error"] == "unsupported_grant_type"


def test_each_advertised_scope_can_be_had_by_a_machine_or_a_person_that_was_given_it(sqlite_live: Live) -> None:
    scopes, holders = _metadata(sqlite_live)["scopes_supported"], Holders(sqlite_live)
    machine, session = _machine_with(sqlite_live, GRANTABLE), holders.session(holders.provider(roles=tuple(Role)))[0]
    for scope in scopes:
        if scope in GRANTABLE:
            assert sqlite_live.exchange(machine, scope=scope).json()["scope"] == scope
        got = holders.redeemed(holders.code(session, scope=f"openid {scope}"))
        assert scope in got["scope"].split()
    assert sqlite_live.exchange(machine).json()["scope"].split() == GRANTABLE


def test_a_scope_that_is_advertised_for_authorized_providers_is_no_machines(api: Live) -> None:
    assert "write:prescription" in _metadata(api)["scopes_supported"]
    assert api.exchange(api.world.alder, scope="write:prescription").json()["error"] == "invalid_scope"


def test_each_advertised_claim_stands_in_an_id_token(sqlite_live: Live) -> None:
    holders = Holders(sqlite_live)
    user_id = holders.person()
    name = Name("Ada", "Marsh", None, "Mae")
    holders.write(lambda tx: users.change_profile(tx, user_id, NOW, name=name, phone=None, npi=None))
    header, claims = decode(holders.tokens(user_id)["id_token"])

    published = _metadata(sqlite_live)
    assert set(published["claims_supported"]) == set(claims)
    assert header["alg"] in published["id_token_signing_alg_values_supported"]
    assert claims["acr"] in published["acr_values_supported"]


def test_each_advertised_response_mode_and_prompt_is_answered(sqlite_live: Live) -> None:
    published, cast = _metadata(sqlite_live), Cast(sqlite_live)
    browser = cast.signed_in()
    for mode in published["response_modes_supported"]:
        answer = browser.send("GET", cast.request(response_mode=mode, prompt="none"))
        assert answer.status_code == (303 if mode == "query" else 200)
        assert "code" in (answer.headers.get("location", "") if mode == "query" else answer.text)
    for prompt in published["prompt_values_supported"]:
        answer = browser.send("GET", cast.request(prompt=prompt))
        assert answer.status_code == 303
        assert "error=" not in answer.headers["location"]
    sent_back = answered(browser.send("GET", cast.request(response_type="code", prompt="none")))
    assert sent_back["iss"] == published["issuer"]
    for wrong in ({"code_challenge_method": "plain"}, {"request": "x"}, {"request_uri": "https://x.example"}):
        assert "error" in answered(browser.send("GET", cast.request(**wrong)))
    cast.close()


def test_the_key_set_holds_public_members_only(api: Live) -> None:
    """RFC 7517 §4, RFC 7518 §6.3.2: no d, p, q, dp, dq, qi, oth or k."""
    published = api.http.get(KEY_SET).json()["keys"]
    keys = [key for key in published if key["alg"] == "RS256"]

    assert {key["kid"] for key in keys} == {api.world.current_key.key_id, api.world.next_key.key_id}
    members = {"ES256": {"kty", "crv", "x", "y"}, "EdDSA": {"kty", "crv", "x"}}
    for key in published:
        if key["alg"] != "RS256":
            assert key.keys() == members[key["alg"]] | {"use", "alg", "kid"}
    for key in keys:
        assert key.keys() == {"kty", "n", "e", "use", "alg", "kid"}
        assert (key["kty"], key["use"], key["alg"], key["e"]) == ("RSA", "sig", "RS256", "AQAB")
        assert re.fullmatch("[A-Za-z0-9_-]{342}", key["n"])


@pytest.mark.parametrize("path", [*DOCUMENTS, KEY_SET])
def test_what_is_published_may_be_kept_and_read_from_any_page(api: Live, path: str) -> None:
    answer = api.http.get(path)

    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    assert api.http.head(path).content == b""
    refused = api.http.post(path)
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD")


def _rotate(live: Live, settings: Settings) -> None:
    def work(transaction: Transaction) -> None:
        signing_keys.rotate(
            transaction,
            new_signing_key(),
            settings.sealing_key,
            live.clock.seconds(),
            published_for_s=settings.key_set_lifetime_s,
            verify_for_s=settings.machine_token_lifetime_s,
        )

    live.server.database.write(work)


def test_a_key_stands_in_the_key_set_for_as_long_as_that_may_be_kept_before_it_signs(sqlite_live: Live) -> None:
    """Whoever keeps the key set for as long as it says never meets a key that is not in it."""
    settings = sqlite_live.world.settings
    _rotate(sqlite_live, settings)
    with pytest.raises(TooEarlyError):
        _rotate(sqlite_live, settings)
    answer = sqlite_live.http.get(KEY_SET)
    kept = {key["kid"] for key in answer.json()["keys"]}
    max_age = int(answer.headers["cache-control"].removeprefix("public, max-age="))

    sqlite_live.clock.advance(max_age - 1)
    with pytest.raises(TooEarlyError):
        _rotate(sqlite_live, settings)
    sqlite_live.clock.advance(1)
    _rotate(sqlite_live, settings)

    header, _ = decode(sqlite_live.token(sqlite_live.world.alder, audience=AUDIENCE))
    assert header["kid"] in kept
    assert header["kid"] not in {sqlite_live.world.current_key.key_id, sqlite_live.world.next_key.key_id}

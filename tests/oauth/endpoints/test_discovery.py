"""What the server publishes of itself, over HTTP: every word of it is used, and nothing else is said."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from rxauth.crypto.jws import new_signing_key
from rxauth.domain import clients, organizations, signing_keys
from rxauth.domain.signing_keys import TooEarlyError
from rxauth.policy.permissions import PERMISSIONS, Machine
from rxauth.settings import Settings, SettingsError, check
from rxauth.storage.database import Transaction
from tests.live import Live, basic, credentials, decode
from tests.security.forging import served
from tests.world import AUDIENCE, ISSUER, NOW, Template, Tenant

DOCUMENTS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]
KEY_SET = "/.well-known/jwks.json"
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
        "token_endpoint": f"{ISSUER}oauth/token",
        "jwks_uri": f"{ISSUER}.well-known/jwks.json",
        "grant_types_supported": ["client_credentials"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": GRANTABLE,
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


def test_each_advertised_endpoint_answers(api: Live) -> None:
    published = _metadata(api)

    assert api.http.get(_path(published["jwks_uri"])).status_code == 200
    token = api.http.post(_path(published["token_endpoint"]), json=credentials(api.world.alder))
    assert token.status_code == 200


def test_each_advertised_grant_and_each_way_to_authenticate_gets_a_token(api: Live) -> None:
    published, tenant = _metadata(api), api.world.alder
    path = _path(published["token_endpoint"])
    for grant in published["grant_types_supported"]:
        for method in published["token_endpoint_auth_methods_supported"]:
            form, headers = {"grant_type": grant}, {}
            if method == "client_secret_basic":
                headers["authorization"] = basic(tenant.client_id, tenant.secret)
            else:
                assert method == "client_secret_post"
                form |= {"client_id": tenant.client_id, "client_secret": tenant.secret}
            answer = api.http.post(path, data=form, headers=headers)
            assert answer.status_code == 200, (grant, method, answer.text)


def test_a_grant_that_is_not_advertised_gets_no_token(api: Live) -> None:
    published = _metadata(api)
    for grant in ("password", "implicit", "authorization_code", "refresh_token", "none"):
        assert grant not in published["grant_types_supported"]
        assert api.exchange(api.world.alder, grant_type=grant).status_code == 400


def test_each_advertised_scope_can_be_had_by_a_machine_that_was_given_it(sqlite_live: Live) -> None:
    scopes = _metadata(sqlite_live)["scopes_supported"]
    machine = _machine_with(sqlite_live, scopes)
    for scope in scopes:
        answer = sqlite_live.exchange(machine, scope=scope)
        assert answer.json()["scope"] == scope
    assert sqlite_live.exchange(machine).json()["scope"].split() == scopes


def test_a_scope_that_no_machine_can_have_is_not_advertised(api: Live) -> None:
    scopes = _metadata(api)["scopes_supported"]
    assert "write:prescription" not in scopes
    for permission in PERMISSIONS:
        if permission.name not in scopes:
            answer = api.exchange(api.world.alder, scope=permission.name)
            assert answer.json()["error"] == "invalid_scope"


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

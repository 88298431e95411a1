"""Stories with libraries that nobody here wrote: they get a token, use it, and verify it from the key set."""

import asyncio
import time
import warnings
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet, RSAKey
from joserfc.jwt import JWTClaimsRegistry
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import CustomOAuth2Error, InvalidClientError, InvalidScopeError, OAuth2Error
from requests_oauthlib import OAuth2Session as RequestsSession
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from rxauth.domain import clients, memberships, peoples_clients
from rxauth.domain.client_urls import Registered
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.live import Live, at_its_issuer
from tests.people import PASSWORD, add_person
from tests.security.forging import READ, accepted
from tests.signing_in import CALLBACK
from tests.world import AUDIENCE, ISSUER, NOW, StandingClock, World

SCOPE = "read:patient write:patient read:prescription read:order write:order"
KEY_SET = "/.well-known/jwks.json"


@pytest.fixture
def today(sqlite_world: World) -> Iterator[Live]:
    """A server whose clock stands at this moment, because the libraries have clocks of their own."""
    running = Live(sqlite_world, StandingClock(int(time.time())))
    yield running
    running.stop()


@pytest.fixture
def discoverable(sqlite_world: World) -> Iterator[Live]:
    """A server that is where its metadata says it is."""
    running = at_its_issuer(sqlite_world)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """The libraries refuse http unless told otherwise; a deployment has https."""
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


def _number_of_patients(answer: Any) -> int:
    assert answer.status_code == 200, answer.text
    return len(answer.json()["data"]["patients"])


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_gets_a_token_and_reads_patients_with_it(live: Live, method: str) -> None:
    tenant = live.world.alder
    with AuthlibSession(tenant.client_id, tenant.secret, token_endpoint_auth_method=method) as session:
        token = session.fetch_token(f"{live.url}/oauth/token", grant_type="client_credentials", audience=AUDIENCE)

        assert token["token_type"] == "Bearer"
        assert token["scope"] == SCOPE
        assert token["expires_in"] == 86_400
        assert _number_of_patients(session.post(f"{live.url}/graphql", json={"query": READ})) == 24


def test_authlib_asks_for_less_and_gets_it(sqlite_live: Live) -> None:
    tenant = sqlite_live.world.alder
    with AuthlibSession(tenant.client_id, tenant.secret, scope="read:order") as session:
        token = session.fetch_token(f"{sqlite_live.url}/oauth/token", grant_type="client_credentials")
        answer = session.post(f"{sqlite_live.url}/graphql", json={"query": READ})

    assert token["scope"] == "read:order"
    assert answer.json()["errors"][0]["extensions"]["requiredPermission"] == "read:patient"


@pytest.mark.parametrize("in_body", [False, True])
def test_requests_oauthlib_gets_a_token_and_reads_patients_with_it(live: Live, in_body: bool) -> None:
    tenant = live.world.alder
    with RequestsSession(client=BackendApplicationClient(client_id=tenant.client_id)) as session:
        token = session.fetch_token(
            f"{live.url}/oauth/token",
            client_id=tenant.client_id,
            client_secret=tenant.secret,
            include_client_id=in_body,
            auth=None if in_body else (tenant.client_id, tenant.secret),
            audience=AUDIENCE,
        )

        assert token["token_type"] == "Bearer"
        assert " ".join(token["scope"]) == SCOPE
        assert _number_of_patients(session.post(f"{live.url}/graphql", json={"query": READ})) == 24


@pytest.mark.parametrize(
    ("secret", "scope", "audience", "error"),
    [
        ("rxs_wrong", None, AUDIENCE, InvalidClientError),
        (None, "write:prescription", AUDIENCE, InvalidScopeError),
        (None, None, "https://other.example.com", CustomOAuth2Error),
    ],
)
def test_requests_oauthlib_understands_what_is_refused(
    sqlite_live: Live, secret: str | None, scope: str | None, audience: str, error: type[OAuth2Error]
) -> None:
    tenant = sqlite_live.world.alder
    asked = BackendApplicationClient(client_id=tenant.client_id, scope=scope)
    with RequestsSession(client=asked) as session, pytest.raises(error) as refused:
        session.fetch_token(
            f"{sqlite_live.url}/oauth/token",
            auth=(tenant.client_id, secret or tenant.secret),
            audience=audience,
        )

    assert refused.value.description


def test_authlib_understands_the_published_metadata(sqlite_live: Live) -> None:
    from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

    published = AuthorizationServerMetadata(sqlite_live.http.get("/.well-known/oauth-authorization-server").json())

    assert published.issuer == ISSUER
    for member in ("token_endpoint", "jwks_uri", "grant_types_supported", "token_endpoint_auth_methods_supported"):
        getattr(published, f"validate_{member}")()


def test_pyjwt_verifies_a_token_from_the_key_set(today: Live) -> None:
    token = today.token(today.world.alder)
    key = jwt.PyJWKClient(f"{today.url}{KEY_SET}").get_signing_key_from_jwt(token)
    required = ["iss", "sub", "aud", "client_id", "iat", "exp", "jti"]
    claims = jwt.decode(
        token, key, algorithms=["RS256"], issuer=ISSUER, audience=AUDIENCE, options={"require": required}
    )

    assert claims["client_id"] == today.world.alder.client_id
    assert claims["permissions"] == SCOPE.split()
    with pytest.raises(jwt.InvalidAudienceError):
        jwt.decode(token, key, algorithms=["RS256"], issuer=ISSUER, audience="https://other.example.com")
    with pytest.raises(jwt.InvalidIssuerError):
        jwt.decode(token, key, algorithms=["RS256"], issuer=ISSUER.rstrip("/"), audience=AUDIENCE)


def test_joserfc_verifies_a_token_from_the_key_set(today: Live) -> None:
    token = today.token(today.world.alder)
    keys = KeySet.import_key_set(today.http.get(KEY_SET).json())
    opened = joserfc_jwt.decode(token, keys, algorithms=["RS256"])
    JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
        sub={"essential": True, "value": f"{today.world.alder.client_id}@clients"},
    ).validate(opened.claims)

    assert opened.header["typ"] == "at+jwt"


@pytest.mark.parametrize("token_type", ["at+jwt", "application/at+jwt"])
def test_a_token_that_joserfc_signed_with_our_key_is_accepted(sqlite_live: Live, token_type: str) -> None:
    key = sqlite_live.world.current_key
    header = {"alg": "RS256", "typ": token_type, "kid": key.key_id}
    claims = sqlite_live.claims(sqlite_live.world.alder)
    token = joserfc_jwt.encode(header, claims, RSAKey.import_key(key.to_der()), algorithms=["RS256"])

    assert accepted(sqlite_live.graphql(token, READ))


def test_a_token_that_pyjwt_signed_with_our_key_is_accepted(sqlite_live: Live) -> None:
    key = sqlite_live.world.current_key
    claims = sqlite_live.claims(sqlite_live.world.alder)
    token = jwt.encode(claims, key.private, "RS256", headers={"typ": "at+jwt", "kid": key.key_id})
    answer: httpx.Response = sqlite_live.graphql(token, READ)

    assert accepted(answer)


class AuthlibApp:
    """A web application in which Authlib signs people in, as its documentation shows; it knows the issuer alone."""

    def __init__(self, issuer: str, audience: str, client_id: str, secret: str | None) -> None:
        self._session: dict[str, Any] = {}
        self._audience = audience
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Authlib would rather have the successor of httpx
            from authlib.integrations.starlette_client import OAuth
        authlib = OAuth()
        authlib.register(
            "rxauth",
            client_id=client_id,
            client_secret=secret,
            server_metadata_url=f"{issuer}.well-known/openid-configuration",
            client_kwargs={
                "scope": "openid profile email offline_access",
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": "none" if secret is None else "client_secret_basic",
            },
        )
        self._client = authlib.rxauth
        self._app = Starlette(routes=[Route("/login", self._log_in), Route("/callback", self._called_back)])

    def get(self, url: str) -> httpx.Response:
        """Opens one of its pages."""
        return asyncio.run(self._get(url))

    async def _get(self, url: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._with_session)) as browser:
            return await browser.get(url)

    async def _with_session(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "session": self._session}, receive, send)

    async def _log_in(self, request: Request) -> Response:
        answer: Response = await self._client.authorize_redirect(request, CALLBACK, audience=self._audience)
        return answer

    async def _called_back(self, request: Request) -> Response:
        tokens = await self._client.authorize_access_token(request)
        userinfo = await self._client.userinfo(token=tokens)
        return JSONResponse({"tokens": tokens, "userinfo": userinfo})


@pytest.mark.parametrize("app_type", [clients.REGULAR_WEB, clients.SPA], ids=["confidential", "public"])
def test_authlib_signs_somebody_in_by_discovery(discoverable: Live, app_type: str) -> None:
    live = discoverable
    issuer, audience = live.server.issuer, live.server.audience
    person = live.server.database.write(lambda tx: add_person(tx, "ada@example.com"))

    def fill(tx: Transaction) -> tuple[str, str | None]:
        alder = live.world.alder.organization_id
        memberships.add(tx, alder, person.id, [Role.STAFF], NOW)
        new = PeoplesClient("A web application", app_type, Registered((CALLBACK,)))
        client_id, secret = peoples_clients.create_peoples_client(tx, alder, new, NOW)
        return client_id, None if secret is None else secret.text

    app = AuthlibApp(issuer, audience, *live.server.database.write(fill))
    browser = Browser(live.url, issuer)
    browser.open(app.get("http://localhost:3000/login").headers["location"])
    answer = app.get(browser.submit(email="ada@example.com", password=PASSWORD).headers["location"])
    browser.close()

    tokens, userinfo = answer.json()["tokens"], answer.json()["userinfo"]
    assert tokens["userinfo"]["sub"] == userinfo["sub"] == person.id
    assert tokens["userinfo"]["email"] == userinfo["email"] == "ada@example.com"
    assert tokens["userinfo"]["iss"] == issuer
    assert tokens["refresh_token"]
    assert accepted(live.graphql(tokens["access_token"], READ))

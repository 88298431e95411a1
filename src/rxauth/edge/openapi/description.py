"""The whole description: every endpoint of machines that the URL table has, and the page that gives it away."""

from functools import cache
from typing import Any, Final

from rxauth import __version__
from rxauth.edge.context import Edge
from rxauth.edge.openapi import apis, browsers, published, tokens
from rxauth.edge.openapi.parts import Json, answer, headers, named
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer
from rxauth.edge.responses import published as kept

PATH: Final = "/openapi.json"
_TOLD: Final = """What machines ask of an rxauth server: tokens, the GraphQL API, discovery.

Left out are the pages that people see (sign-in, account, settings, console), the files that those use, and SCIM below
/scim/v2, which describes itself at /scim/v2/Schemas (RFC 7644 §4). Another
method than the ones described gets 405 with `Allow`, an unknown path 404, and a request line with headers over 64 KiB
431."""
_PREFLIGHT: Final = (
    *("Vary", "Cache-Control", "X-Content-Type-Options", "Access-Control-Allow-Origin"),
    *("Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Max-Age"),
)


@cache
def document(url: str) -> Json:
    """Returns the description of the server at a URL (OpenAPI 3.1)."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "rxauth",
            "version": __version__,
            "summary": "Authentication and authorization for software that prescribes medicine",
            "description": _TOLD,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": url.rstrip("/")}],
        "paths": _paths(),
        "components": {
            "schemas": {**tokens.SCHEMAS, **apis.SCHEMAS, **browsers.SCHEMAS, **published.SCHEMAS},
            "headers": headers(),
            "securitySchemes": {
                "client_basic": {"type": "http", "scheme": "basic", "description": "client_id and client_secret."},
                "access_token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    }


async def show(edge: Edge, _request: Request) -> Answer:
    """Answers with the description."""
    return kept(document(edge.server.issuer), edge.server.lifetimes.key_set_s)


def _paths() -> Json:
    metadata = named("Metadata")
    return {
        "/oauth/token": _shared("token", {"post": tokens.token()}),
        "/oauth/revoke": _shared("revoke", {"post": tokens.revoke()}),
        "/oauth/introspect": {"post": tokens.introspect()},
        "/userinfo": _shared(
            "userinfo", {"get": tokens.userinfo(with_body=False), "post": tokens.userinfo(with_body=True)}
        ),
        "/graphql": _shared("graphql", {"post": apis.graphql()}),
        "/authorize": {
            **_readable(browsers.authorize("get")),
            "post": browsers.authorize("post"),
        },
        "/v2/logout": {"get": browsers.v2_logout()},
        "/oidc/logout": {"get": browsers.logout("get"), "post": browsers.logout("post")},
        "/.well-known/openid-configuration": _readable(
            published.read("openidConfiguration", "Read the server's metadata (OpenID Connect Discovery)", metadata)
        ),
        "/.well-known/oauth-authorization-server": _readable(
            published.read("authorizationServer", "Read the server's metadata (RFC 8414)", metadata)
        ),
        "/.well-known/jwks.json": _readable(
            published.read("keySet", "Read the keys that verify tokens (RFC 7517)", named("KeySet"))
        ),
        PATH: _readable(published.read("description", "Read this description", {"type": "object"})),
        "/healthz": _readable(published.live()),
        "/readyz": _readable(published.ready()),
        "/pharmacy-network/reports": {"post": apis.reports()},
    }


def _readable(get: Json) -> Json:
    """Returns what GET and HEAD do."""
    answers = {
        status: {name: value for name, value in one.items() if name != "content"}
        for status, one in get["responses"].items()
    }
    return {"get": get, "head": {**get, "operationId": f"{get['operationId']}_head", "responses": answers}}


def _shared(name: str, operations: dict[str, Any]) -> Json:
    """Adds what a browser asks before a page of another origin may."""
    meaning = "Whether pages of this origin may ask: those of an origin that some client registered."
    preflight = {
        "operationId": f"{name}_preflight",
        "summary": "Ask whether a page of another origin may ask",
        "tags": ["Browsers"],
        "security": [],
        "responses": {"204": answer(meaning, _PREFLIGHT)},
    }
    return {**operations, "options": preflight}

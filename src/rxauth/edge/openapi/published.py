"""Descriptions of what anybody may read: metadata, keys, this document, and whether the server is ready."""

from typing import Final

from rxauth.edge.openapi.parts import (
    JSON,
    OF_ALL,
    OF_JSON,
    TEXT,
    TEXTS,
    URL,
    Json,
    answer,
    objects,
    refusals,
)
from rxauth.oauth.errors import ServerError

_KEPT: Final = (*OF_JSON, "Access-Control-Allow-Origin")
SCHEMAS: Final[Json] = {
    "Metadata": objects(
        {
            "issuer": URL,
            "authorization_endpoint": URL,
            "token_endpoint": URL,
            "jwks_uri": URL,
            "grant_types_supported": TEXTS,
            "scopes_supported": TEXTS,
        },
        more=True,
    ),
    "KeySet": objects(
        {"keys": {"type": "array", "items": objects({"kty": TEXT, "kid": TEXT, "use": {"const": "sig"}}, more=True)}}
    ),
    "Readiness": objects({"status": {"const": "ready"}}),
    "Liveness": objects({"status": {"const": "alive"}}),
    "Unreadiness": objects({"status": {"const": "not_ready"}, "problems": TEXTS}),
}


def read(operation_id: str, summary: str, schema: Json) -> Json:
    """Describes a document that anybody may read and keep."""
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["Discovery"],
        "security": [],
        "responses": {"200": answer("The document.", _KEPT, {JSON: schema}), **refusals(OF_JSON, *OF_ALL)},
    }


def live() -> Json:
    """Describes the liveness endpoint."""
    alive = answer("It lives.", OF_JSON, {JSON: {"$ref": "#/components/schemas/Liveness"}})
    return {
        "operationId": "liveness",
        "summary": "Ask whether the process lives, whatever its database does",
        "tags": ["Operation"],
        "security": [],
        "responses": {"200": alive, **refusals(OF_JSON, ServerError)},
    }


def ready() -> Json:
    """Describes the readiness endpoint."""
    unready = answer(
        "It may not be sent requests.", (*OF_JSON, "Retry-After"), {JSON: {"$ref": "#/components/schemas/Unreadiness"}}
    )
    return {
        "operationId": "readiness",
        "summary": "Ask whether a proxy may send this process requests",
        "tags": ["Operation"],
        "security": [],
        "responses": {
            "200": answer("It may.", OF_JSON, {JSON: {"$ref": "#/components/schemas/Readiness"}}),
            **refusals(OF_JSON, ServerError),
            "503": unready,
        },
    }

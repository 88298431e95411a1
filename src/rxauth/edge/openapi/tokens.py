"""Descriptions of the endpoints about tokens: how to get one, what it is, whose it is, and how to give it back."""

from typing import Final

from rxauth.edge.openapi.parts import (
    FLAG,
    FORM,
    JSON,
    NUMBER,
    OF_ALL,
    OF_BODIES,
    OF_JSON,
    OF_QUOTAS,
    SHARED,
    TEXT,
    TEXTS,
    ErrorClass,
    Json,
    answer,
    form,
    named,
    objects,
    refusals,
)
from rxauth.oauth.errors import (
    InsufficientScopeError,
    InvalidClientError,
    InvalidGrantError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    InvalidTokenError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
    UnsupportedTokenTypeError,
)
from rxauth.oauth.grants import GRANTS

BY_CLIENT: Final[list[Json]] = [{"client_basic": []}, {}]
BY_TOKEN: Final[list[Json]] = [{"access_token": []}]
_OF_CLIENTS: Final[tuple[ErrorClass, ...]] = (InvalidRequestError, InvalidClientError, *OF_BODIES, *OF_ALL)
_CREDENTIALS: Final = {
    "client_id": "The client, if no Basic header names it.",
    "client_secret": "Its secret, if it has one and no Basic header has it.",
}
_BOTH: Final = (FORM, JSON)

SCHEMAS: Final[Json] = {
    "Token": objects(
        {
            "access_token": TEXT,
            "token_type": {"const": "Bearer"},
            "expires_in": {**NUMBER, "description": "Seconds."},
            "scope": {
                **TEXT,
                "description": "What was granted, with spaces between; permissions, and what OpenID named.",
            },
        },
        {
            "id_token": {**TEXT, "description": "Who signed in, if the scope has openid."},
            "refresh_token": {**TEXT, "description": "For the next tokens, if the scope has offline_access."},
        },
    ),
    "Person": objects(
        {"sub": TEXT},
        {
            **dict.fromkeys(("name", "given_name", "middle_name", "family_name", "nickname", "email"), TEXT),
            "email_verified": FLAG,
        },
    ),
    "Introspection": {
        "oneOf": [
            objects({"active": {"const": False}}),
            objects(
                {
                    "active": {"const": True},
                    "scope": TEXT,
                    "permissions": {**TEXTS, "description": "What the token may do now."},
                    "client_id": TEXT,
                    "token_type": {"const": "Bearer"},
                    "exp": NUMBER,
                    "iat": NUMBER,
                    "sub": TEXT,
                    "aud": TEXT,
                    "iss": TEXT,
                    "jti": TEXT,
                },
                {"org_id": TEXT, "auth_time": NUMBER, "acr": TEXT, "amr": TEXTS},
            ),
        ]
    },
}


def token() -> Json:
    """Describes the token endpoint."""
    fields = {
        "grant_type": f"{', '.join(GRANTS)}.",
        **_CREDENTIALS,
        "audience": "The API that the token is for. Left out: this server's.",
        "resource": "The same by its other name (RFC 8707).",
        "scope": "Permissions with spaces between. Left out: all that the client, or the person, holds.",
        "code": "authorization_code: what the redirect brought.",
        "redirect_uri": "authorization_code: the one of the authorization request.",
        "code_verifier": "authorization_code: what the code_challenge was made of (RFC 7636).",
        "refresh_token": "refresh_token: the last one; the answer brings its successor.",
    }
    return {
        "operationId": "token",
        "summary": "Exchange credentials, a code or a refresh token for tokens",
        "description": "RFC 6749 §3.2. What a client does not know of is not looked at; nothing is read from the URL.",
        "tags": ["Tokens"],
        "security": BY_CLIENT,
        "requestBody": form(fields, "grant_type", media_types=_BOTH),
        "responses": {
            "200": answer("The tokens.", SHARED, {JSON: named("Token")}),
            **refusals(
                SHARED,
                InvalidGrantError,
                UnauthorizedClientError,
                UnsupportedGrantTypeError,
                InvalidScopeError,
                InvalidTargetError,
                *_OF_CLIENTS,
            ),
        },
    }


def revoke() -> Json:
    """Describes the revocation endpoint."""
    fields = {
        "token": "An access token or refresh token of a person.",
        "token_type_hint": "Not needed.",
        **_CREDENTIALS,
    }
    return {
        "operationId": "revoke",
        "summary": "End the authorization that a token belongs to",
        "description": "RFC 7009. What the client does not hold is answered like what it did.",
        "tags": ["Tokens"],
        "security": BY_CLIENT,
        "requestBody": form(fields, "token", media_types=_BOTH),
        "responses": {
            "200": answer("It holds no more.", SHARED),
            **refusals(SHARED, UnsupportedTokenTypeError, *_OF_CLIENTS),
        },
    }


def introspect() -> Json:
    """Describes the introspection endpoint."""
    fields = {"token": "An access token.", "token_type_hint": "Not needed.", **_CREDENTIALS}
    return {
        "operationId": "introspect",
        "summary": "Ask whether a token holds now",
        "description": "RFC 7662. For machine clients, about tokens of their own organization for its APIs.",
        "tags": ["Tokens"],
        "security": BY_CLIENT,
        "requestBody": form(fields, "token", media_types=_BOTH),
        "responses": {
            "200": answer("What the token is.", (*OF_JSON, *OF_QUOTAS), {JSON: named("Introspection")}),
            **refusals(OF_JSON, UnauthorizedClientError, *_OF_CLIENTS),
        },
    }


def userinfo(*, with_body: bool) -> Json:
    """Describes the userinfo endpoint; with_body: as it is asked with POST."""
    errors: tuple[ErrorClass, ...] = (InvalidRequestError, InvalidTokenError, InsufficientScopeError, *OF_ALL)
    errors += OF_BODIES if with_body else ()
    answers = refusals(SHARED, *errors, challenged=("400", "401", "403"))
    unproven = answers["401"]["content"][JSON]["schema"]["properties"]["error"]["enum"]
    unproven.insert(0, InvalidRequestError.code)
    answers["401"]["description"] += "\n- `invalid_request`: No token was sent."
    described: Json = {
        "operationId": "userinfoOfForm" if with_body else "userinfo",
        "summary": "Ask who signed in",
        "description": "OpenID Connect Core §5.3. The token's scope has openid.",
        "tags": ["Tokens"],
        "security": BY_TOKEN,
        "responses": {"200": answer("What the scope releases.", SHARED, {JSON: named("Person")}), **answers},
    }
    if with_body:
        described["security"] = [*BY_TOKEN, {}]
        described["requestBody"] = {**form({"access_token": "The token, if no header has it."}), "required": False}
    return described

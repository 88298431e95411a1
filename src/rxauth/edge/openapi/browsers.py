"""Descriptions of the endpoints that clients send a browser to; what people see there is not described."""

from typing import Final

from rxauth.edge.openapi.parts import (
    HTML,
    OF_ALL,
    OF_BODIES,
    OF_PAGES,
    OF_REDIRECTS,
    TEXT,
    Json,
    answer,
    codes_of,
    error_pages,
    form,
    meaning_of,
    objects,
    parameters,
)
from rxauth.oauth.authorization_request import PROMPTS, RESPONSE_MODES
from rxauth.oauth.errors import (
    AccessDeniedError,
    ConsentRequiredError,
    InteractionRequiredError,
    InvalidRequestError,
    InvalidScopeError,
    InvalidTargetError,
    LoginRequiredError,
    RequestNotSupportedError,
    RequestUriNotSupportedError,
    UnsupportedResponseTypeError,
)

# What reaches the client, in the parameters of the answer; ERRORS of the other kind are pages.
TO_CLIENTS: Final = (
    InvalidRequestError,
    UnsupportedResponseTypeError,
    AccessDeniedError,
    LoginRequiredError,
    InteractionRequiredError,
    ConsentRequiredError,
    RequestNotSupportedError,
    RequestUriNotSupportedError,
    InvalidScopeError,
    InvalidTargetError,
)
SCHEMAS: Final[Json] = {
    "AuthorizationResponse": {
        "description": "The parameters that an authorization response brings to the redirect_uri.",
        "oneOf": [
            objects({"code": TEXT, "iss": TEXT}, {"state": TEXT}),
            objects(
                {
                    "error": {
                        "enum": codes_of(*TO_CLIENTS),
                        "description": "\n".join(f"- `{one.code}`: {meaning_of(one)}" for one in TO_CLIENTS),
                    },
                    "error_description": TEXT,
                    "iss": TEXT,
                },
                {"state": TEXT},
            ),
        ],
    }
}
_AUTHORIZE: Final = {
    "client_id": "The client.",
    "redirect_uri": "Where the answer goes: one that the client registered, byte for byte.",
    "response_type": "code.",
    "code_challenge": "The S256 challenge of a verifier (RFC 7636).",
    "code_challenge_method": "S256.",
    "state": "Comes back as it was sent.",
    "nonce": "Stands in the ID token.",
    "scope": "openid, profile, email, offline_access, and permissions. Left out: see the guide to sign-in.",
    "audience": "The API that the access token is for. Left out: /userinfo alone.",
    "resource": "The same by its other name (RFC 8707).",
    "response_mode": f"{', '.join(RESPONSE_MODES)}.",
    "prompt": f"{', '.join(PROMPTS)}, with spaces between.",
    "max_age": "Seconds since the person signed in, at most.",
    "acr_values": "aal1 or aal2.",
    "organization": "The identifier or name of the organization to sign in to.",
    "invitation": "What an invitation's link brought.",
    "login_hint": "An e-mail address to begin with.",
    "id_token_hint": "An ID token of whoever is believed to be signed in.",
}
_V2_LOGOUT: Final = {"client_id": "The client.", "returnTo": "Where to go then: one that the client registered."}
_LOGOUT: Final = {
    "client_id": "The client.",
    "id_token_hint": "An ID token of the session; without one the person is asked.",
    "post_logout_redirect_uri": "Where to go then: one that the client registered.",
    "state": "Comes back as it was sent.",
}


def authorize(method: str) -> Json:
    """Describes the authorization endpoint."""
    sent = "The answer in a page that sends it on, for response_mode web_message and form_post."
    gone = "To the client with its answer (see AuthorizationResponse), or to the sign-in that is needed first."
    return {
        "operationId": f"authorize_{method}",
        "summary": "Ask for a code that stands for a person's sign-in",
        "description": "RFC 6749 §4.1, OpenID Connect Core §3.1.2. What reaches no client is a page.",
        "tags": ["Browsers"],
        **_asked(method, _AUTHORIZE),
        "responses": {
            "200": answer(sent, OF_PAGES, {HTML: TEXT}),
            "303": answer(gone, OF_REDIRECTS, status="303"),
            **error_pages(InvalidRequestError, *(OF_BODIES if method == "post" else ()), *OF_ALL),
        },
    }


def v2_logout() -> Json:
    """Describes the logout of the published clients."""
    return {
        "operationId": "v2Logout",
        "summary": "Sign out, without a question",
        "tags": ["Browsers"],
        **_asked("get", _V2_LOGOUT),
        "responses": _signed_out(with_body=False),
    }


def logout(method: str) -> Json:
    """Describes the logout of the standard."""
    return {
        "operationId": f"logout_{method}",
        "summary": "Sign out, as OpenID Connect describes it",
        "description": "OpenID Connect RP-Initiated Logout 1.0. Who is not proven to be meant is asked on a page.",
        "tags": ["Browsers"],
        **_asked(method, _LOGOUT),
        "responses": _signed_out(with_body=method == "post"),
    }


def _signed_out(*, with_body: bool) -> Json:
    return {
        "200": answer("A page that says so, or asks.", OF_PAGES, {HTML: TEXT}),
        "303": answer("To where the client asked.", OF_REDIRECTS, status="303"),
        **error_pages(InvalidRequestError, *(OF_BODIES if with_body else ()), *OF_ALL),
    }


def _asked(method: str, fields: dict[str, str]) -> Json:
    return {"requestBody": form(fields)} if method == "post" else {"parameters": parameters("query", fields)}

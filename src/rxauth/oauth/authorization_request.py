"""An authorization request whose parameters were checked, as it waits for a person (RFC 6749 §4.1.1)."""

from collections.abc import Mapping
from typing import Final

import msgspec

from rxauth.oauth.errors import OAuthError

QUERY: Final = "query"
FORM_POST: Final = "form_post"
WEB_MESSAGE: Final = "web_message"
RESPONSE_MODES: Final = (QUERY, FORM_POST, WEB_MESSAGE)
PROMPTS: Final = ("none", "login", "select_account", "consent")


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="authorize"):
    """What a client asks for. audience None: tokens for /userinfo only.

    scope: as the client wrote it. max_age_s None: a session of any age will do. organization: an identifier or a name,
    as the client wrote it. hinted_user_id: whom the client believes to be signed in. acr: the level of authentication
    that was asked for. connection_id: the identity provider that is to say who it is; None: any way will do.
    """

    client_id: str
    redirect_uri: str
    response_mode: str
    code_challenge: str
    scope: str
    state: str | None = None
    nonce: str | None = None
    audience: str | None = None
    prompts: frozenset[str] = frozenset()
    max_age_s: int | None = None
    login_hint: str | None = None
    organization: str | None = None
    invitation: str | None = None
    hinted_user_id: str | None = None
    acr: str | None = None
    connection_id: str | None = None

    @property
    def is_silent(self) -> bool:
        """Tells whether nobody may be bothered: what needs a person is an error."""
        return "none" in self.prompts

    def __repr__(self) -> str:
        """Names the client; everything else may be personal or secret."""
        return f"AuthorizationRequest(client_id={self.client_id!r})"


class AuthorizationResponse(msgspec.Struct, frozen=True):
    """What goes back to the client, at the URL it registered, in the way it asked for."""

    redirect_uri: str
    response_mode: str
    parameters: dict[str, str]

    def __repr__(self) -> str:
        """Leaves out the code."""
        return f"AuthorizationResponse({', '.join(self.parameters)})"


def success(request: AuthorizationRequest, code: str, issuer: str) -> AuthorizationResponse:
    """Returns a code to the client; `iss` says whose it is (RFC 9207 §2)."""
    return _response(request, {"code": code}, issuer)


def failure(request: AuthorizationRequest, error: OAuthError, issuer: str) -> AuthorizationResponse:
    """Returns an error to the client (RFC 6749 §4.1.2.1)."""
    return _response(request, {"error": error.code, "error_description": error.description}, issuer)


def _response(request: AuthorizationRequest, outcome: Mapping[str, str], issuer: str) -> AuthorizationResponse:
    parameters = dict(outcome)
    if request.state is not None:
        parameters["state"] = request.state
    return AuthorizationResponse(request.redirect_uri, request.response_mode, parameters | {"iss": issuer})

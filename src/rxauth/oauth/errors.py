"""The protocol's errors: one class a code, with its status and the section that defines it."""

import re
from typing import ClassVar, Final

# The characters an error_description may have (RFC 6749 §5.2, RFC 6750 §3).
_FORBIDDEN: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class OAuthError(Exception):
    """An answer of the protocol that is no success; the description is for the client's developer."""

    code: ClassVar[str]
    status: ClassVar[int] = 400
    section: ClassVar[str]

    def __init__(self, description: str) -> None:
        # The client that proved itself, or that a token of ours names, before the request failed, and the organization
        # that it acted for; for the audit log.
        self.client_id: str | None = None
        self.organization_id: str | None = None
        self.description = _FORBIDDEN.sub("?", description)
        super().__init__(self.description)


class InvalidRequestError(OAuthError):
    """The request is not one this endpoint understands."""

    code = "invalid_request"
    section = "RFC 6749 §5.2"


class InvalidClientError(OAuthError):
    """The client did not prove that it is who it says; one text for every cause."""

    code = "invalid_client"
    status = 401
    section = "RFC 6749 §5.2"


class InvalidGrantError(OAuthError):
    """The code or refresh token is unknown, used, expired, revoked, or another client's; one text for every cause."""

    code = "invalid_grant"
    section = "RFC 6749 §5.2"


class UnauthorizedClientError(OAuthError):
    """The client is known, and may not use this grant."""

    code = "unauthorized_client"
    section = "RFC 6749 §5.2"


class UnsupportedGrantTypeError(OAuthError):
    """No grant of that name is accepted here."""

    code = "unsupported_grant_type"
    section = "RFC 6749 §5.2"


class UnsupportedTokenTypeError(OAuthError):
    """A token of this kind cannot be ended by itself."""

    code = "unsupported_token_type"
    section = "RFC 7009 §2.2.1"


class UnsupportedResponseTypeError(OAuthError):
    """The authorization endpoint gives codes and nothing else: no token ever stands in a URL."""

    code = "unsupported_response_type"
    section = "RFC 6749 §4.1.2.1"


class AccessDeniedError(OAuthError):
    """The person said no, or has no part in the organization that was asked for."""

    code = "access_denied"
    section = "RFC 6749 §4.1.2.1"


class LoginRequiredError(OAuthError):
    """Nobody is signed in, or not recently enough, and the client asked that nobody be bothered."""

    code = "login_required"
    section = "OpenID Connect Core §3.1.2.6"


class InteractionRequiredError(OAuthError):
    """A person must choose an organization or prove a second factor, and the client asked that nobody be bothered."""

    code = "interaction_required"
    section = "OpenID Connect Core §3.1.2.6"


class ConsentRequiredError(OAuthError):
    """A person must agree, and the client asked that nobody be bothered."""

    code = "consent_required"
    section = "OpenID Connect Core §3.1.2.6"


class RequestNotSupportedError(OAuthError):
    """Parameters inside a signed request object are not read here."""

    code = "request_not_supported"
    section = "OpenID Connect Core §3.1.2.6"


class RequestUriNotSupportedError(OAuthError):
    """Parameters are not fetched from anywhere."""

    code = "request_uri_not_supported"
    section = "OpenID Connect Core §3.1.2.6"


class InvalidScopeError(OAuthError):
    """A permission was asked for that does not exist, or that this client may not have."""

    code = "invalid_scope"
    section = "RFC 6749 §5.2"


class InvalidTargetError(OAuthError):
    """A token was asked for an API that is not registered here."""

    code = "invalid_target"
    section = "RFC 8707 §2"


class InvalidTokenError(OAuthError):
    """The token at an API is malformed, expired, revoked, or for somewhere else."""

    code = "invalid_token"
    status = 401
    section = "RFC 6750 §3.1"


class InsufficientScopeError(OAuthError):
    """The token is good, and lacks a permission."""

    code = "insufficient_scope"
    status = 403
    section = "RFC 6750 §3.1"


class InsufficientUserAuthenticationError(OAuthError):
    """The person behind the token must sign in again, more surely or more lately."""

    code = "insufficient_user_authentication"
    status = 401
    section = "RFC 9470 §3"


class TooManyRequestsError(OAuthError):
    """Too many requests, or failed attempts from one place; `Retry-After` says how many seconds to wait."""

    code = "temporarily_unavailable"
    status = 429
    section = "RFC 6585 §4"

    def __init__(self, description: str, retry_after_s: int) -> None:
        super().__init__(description)
        self.retry_after_s = retry_after_s


class TemporarilyUnavailableError(OAuthError):
    """The server cannot answer now. Nothing was done, unless it says that nobody knows."""

    code = "temporarily_unavailable"
    status = 503
    section = "RFC 6749 §4.1.2.1"


class ServerError(OAuthError):
    """The server met something it did not expect, and logged it."""

    code = "server_error"
    status = 500
    section = "RFC 6749 §4.1.2.1"


ERRORS: Final = (
    InvalidRequestError,
    InvalidClientError,
    InvalidGrantError,
    UnauthorizedClientError,
    UnsupportedGrantTypeError,
    UnsupportedTokenTypeError,
    UnsupportedResponseTypeError,
    AccessDeniedError,
    LoginRequiredError,
    InteractionRequiredError,
    ConsentRequiredError,
    RequestNotSupportedError,
    RequestUriNotSupportedError,
    InvalidScopeError,
    InvalidTargetError,
    InvalidTokenError,
    InsufficientScopeError,
    InsufficientUserAuthenticationError,
    TooManyRequestsError,
    TemporarilyUnavailableError,
    ServerError,
)

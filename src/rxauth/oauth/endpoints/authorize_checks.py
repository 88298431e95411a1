"""The checks of an authorization request, in their order: first those after which the client may be answered at all.

Until client and redirect URI are known to belong together, an error is a page: a redirect would take a person wherever
an attacker wants (RFC 9700 §4.11.2).
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from rxauth.domain.client_urls import UrlKind, matches
from rxauth.domain.clients import NATIVE, Client
from rxauth.domain.peoples_clients import PEOPLES
from rxauth.oauth.authorization_request import PROMPTS, QUERY, RESPONSE_MODES, AuthorizationRequest
from rxauth.oauth.errors import (
    AccessDeniedError,
    InvalidRequestError,
    InvalidScopeError,
    OAuthError,
    RequestNotSupportedError,
    RequestUriNotSupportedError,
    UnsupportedResponseTypeError,
)

MAX_AGE_LIMIT_S: Final = 10 * 365 * 86_400
TEXT_LIMIT_CHARACTERS: Final = 2_048
_TEXTS: Final = (
    *("nonce", "login_hint", "organization", "invitation", "audience", "resource", "acr_values", "connection"),
)
SCOPE_LIMIT_NAMES: Final = 100
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( +[\x21\x23-\x5b\x5d-\x7e]+)*")
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits in base64url (RFC 7636 §4.2)


@dataclass(frozen=True, slots=True)
class Asked:
    """The parameters of a request as they came: name and text, repeated ones too, empty ones left out."""

    pairs: Sequence[tuple[str, str]] = field(repr=False)

    def one(self, name: str) -> str | None:
        """Returns the first value of a parameter, or None."""
        return next((value for key, value in self.pairs if key == name), None)

    def times(self, name: str) -> int:
        """Returns how often a parameter is there."""
        return sum(key == name for key, _ in self.pairs)

    def repeated(self) -> list[str]:
        """Lists the parameters that are there more than once (RFC 6749 §3.1)."""
        return [name for name, times in Counter(key for key, _ in self.pairs).items() if times > 1]


class PageError(OAuthError):
    """The request cannot be answered to its client, so the person reads why."""

    code = "invalid_request"
    section = "RFC 6749 §4.1.2.1"


def client_id(asked: Asked) -> str:
    """Returns which client asks.

    Raises:
        PageError: none, or several.
    """
    if asked.times("client_id") != 1:
        raise PageError("The link does not say which application it belongs to: client_id must be there once.")
    return asked.one("client_id") or ""


def redirect_uri(asked: Asked, client: Client | None) -> str:
    """Returns where the answer goes, once client and URL are known to belong together.

    Raises:
        PageError: an unknown or disabled client, one that people do not sign in with, or a URL it did not register.
    """
    if client is None or client.disabled or client.app_type not in PEOPLES:
        raise PageError("No application with this client_id can be signed in to here.")
    if asked.times("redirect_uri") != 1:
        raise PageError("The link must say once where to go back to: redirect_uri.")
    presented = asked.one("redirect_uri") or ""
    if not matches(client.urls[UrlKind.CALLBACK], presented, is_native=client.app_type == NATIVE):
        raise PageError("The redirect_uri is not one that the application registered. It must match byte for byte.")
    return presented


def _nothing_repeated(asked: Asked, _client: Client) -> None:
    if asked.repeated():
        raise InvalidRequestError("A parameter is repeated.")


def _no_request_object(asked: Asked, _client: Client) -> None:
    if asked.one("request") is not None:
        raise RequestNotSupportedError("Send the parameters themselves: request objects are not read here.")
    if asked.one("request_uri") is not None:
        raise RequestUriNotSupportedError("Send the parameters themselves: nothing is fetched from request_uri.")


def _response_mode(asked: Asked, _client: Client) -> None:
    if asked.one("response_mode") not in {None, *RESPONSE_MODES}:
        raise InvalidRequestError(f"response_mode must be {', '.join(RESPONSE_MODES)}, or left out.")


def _response_type(asked: Asked, _client: Client) -> None:
    wanted = asked.one("response_type")
    if wanted is None:
        raise InvalidRequestError("response_type is missing; use code.")
    if wanted != "code":
        raise UnsupportedResponseTypeError("response_type must be code: tokens come from the token endpoint.")


def _proof_key(asked: Asked, _client: Client) -> None:
    challenge, method = asked.one("code_challenge"), asked.one("code_challenge_method")
    if challenge is None:
        raise InvalidRequestError("code_challenge is missing: every client uses PKCE (RFC 7636).")
    if method != "S256":
        raise InvalidRequestError("code_challenge_method must be S256: transform algorithm not supported.")
    if _CHALLENGE.fullmatch(challenge) is None:
        raise InvalidRequestError("code_challenge must be 43 characters of base64url without padding.")


def _scope(asked: Asked, _client: Client) -> None:
    scope = asked.one("scope")
    if scope is not None and (_SCOPE.fullmatch(scope) is None or len(scope.split()) > SCOPE_LIMIT_NAMES):
        raise InvalidScopeError("scope is not a list of at most 100 names with spaces between them.")


def _prompt(asked: Asked, _client: Client) -> None:
    prompts = (asked.one("prompt") or "").split()
    unknown = set(prompts) - set(PROMPTS)
    if unknown:
        raise InvalidRequestError(f"prompt must be some of {', '.join(PROMPTS)}.")
    if "none" in prompts and len(prompts) > 1:
        raise InvalidRequestError("prompt=none cannot be combined with another prompt.")


def _max_age(asked: Asked, _client: Client) -> None:
    text = asked.one("max_age")
    if text is None:
        return
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > MAX_AGE_LIMIT_S:
        raise InvalidRequestError("max_age must be a whole number of seconds.")


def _texts(asked: Asked, _client: Client) -> None:
    for name in _TEXTS:
        text = asked.one(name) or ""
        if len(text) > TEXT_LIMIT_CHARACTERS or any(ord(character) < 0x20 for character in text):
            raise InvalidRequestError(f"{name} is too long, or has control characters.")
    if {asked.one("audience"), asked.one("resource")} - {None, asked.one("audience") or asked.one("resource")}:
        raise InvalidRequestError("audience and resource name two different APIs; ask for one.")


def _organization_fits(asked: Asked, client: Client) -> None:
    wanted = asked.one("organization") or ""
    if wanted.startswith("org_") and not client.any_organization and wanted != client.organization_id:
        raise AccessDeniedError("This application does not serve that organization: nobody of it can sign in here.")


Check = Callable[[Asked, Client], None]
# The order is what a client's developer sees first: the form, then the protocol, then what is asked for.
CHECKS: Final[tuple[Check, ...]] = (
    _nothing_repeated,
    _no_request_object,
    _response_mode,
    _response_type,
    _proof_key,
    _scope,
    _prompt,
    _max_age,
    _texts,
    _organization_fits,
)


def answerable(asked: Asked, known_redirect_uri: str) -> AuthorizationRequest:
    """Returns as much of a request as an error to its client needs."""
    mode = asked.one("response_mode")
    return AuthorizationRequest(
        client_id=asked.one("client_id") or "",
        redirect_uri=known_redirect_uri,
        response_mode=mode if mode in RESPONSE_MODES and asked.times("response_mode") == 1 else QUERY,
        code_challenge="",
        scope="",
        state=asked.one("state") if asked.times("state") == 1 else None,
    )


def checked(asked: Asked, client: Client, known_redirect_uri: str) -> AuthorizationRequest:
    """Runs every check and returns the request as a record.

    Raises:
        OAuthError: the first check that refused it; to be answered to the client.
    """
    for check in CHECKS:
        check(asked, client)
    max_age = asked.one("max_age")
    levels = (asked.one("acr_values") or "").split()
    return AuthorizationRequest(
        client_id=client.id,
        redirect_uri=known_redirect_uri,
        response_mode=asked.one("response_mode") or QUERY,
        code_challenge=asked.one("code_challenge") or "",
        scope=" ".join(dict.fromkeys((asked.one("scope") or "").split())),
        state=asked.one("state"),
        nonce=asked.one("nonce"),
        audience=asked.one("audience") or asked.one("resource"),
        prompts=frozenset((asked.one("prompt") or "").split()),
        max_age_s=None if max_age is None else int(max_age),
        login_hint=asked.one("login_hint"),
        organization=asked.one("organization"),
        invitation=asked.one("invitation"),
        acr=next((level for level in levels if level in {"aal1", "aal2"}), None),
    )

"""Logout tokens: a provider says that a session there is over (OpenID Connect Back-Channel Logout 1.0 §2.4, §2.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rxauth.crypto.jws import BadSignatureError, Compact, MalformedError, read_object, take_apart, verify
from rxauth.federation.openid.key_set import KeySet
from rxauth.federation.problems import UpstreamError

LEEWAY_S: Final = 60  # how far two clocks may be apart
LONGEST_S: Final = 600  # how old one is taken at most, whatever it says of itself
EVENT: Final = "http://schemas.openid.net/event/backchannel-logout"
TEXT_LIMIT_CHARACTERS: Final = 512
_ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
_TYPES: Final = frozenset({None, "jwt", "logout+jwt"})
_LAST_MOMENT: Final = 10**12
Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ended:
    """What is over. subject: whose sessions; session: which one, as the provider names it; one of them is not None.

    id: of the token, which counts once.
    """

    id: str = field(repr=False)
    subject: str | None = field(repr=False)
    session: str | None = field(repr=False)


def read(text: str) -> Compact:
    """Takes a logout token apart, checking nothing.

    Raises:
        UpstreamError: it is none, or is signed in a way that is not accepted.
    """
    try:
        compact = take_apart(text)
    except MalformedError:
        raise UpstreamError("logout_token_malformed", "the logout token cannot be read") from None
    if compact.header.get("alg") not in _ALGORITHMS:  # "none" is not among them
        raise UpstreamError("algorithm_refused", f"logout tokens are signed with one of {', '.join(_ALGORITHMS)}")
    typ = compact.header.get("typ")
    if (typ.lower() if isinstance(typ, str) else typ) not in _TYPES:
        raise UpstreamError("logout_token_malformed", "the logout token is of another type")
    return compact


def ended(compact: Compact, keys: KeySet, issuer: str, client_id: str, now: int) -> Ended:
    """Returns what a logout token says is over, once everything about it was checked; now: UTC seconds.

    Raises:
        UpstreamError: the first check that refused it.
    """
    _require_signature(compact, keys)
    try:
        said = read_object(compact.payload, "payload")
    except MalformedError:
        raise UpstreamError("logout_token_malformed", "the logout token cannot be read") from None
    audience = said.get("aud")
    if said.get("iss") != issuer:
        raise UpstreamError("issuer_differs", "the logout token was issued by another provider than this connection's")
    if client_id not in (audience if isinstance(audience, list) else [audience]):
        raise UpstreamError("audience_differs", "the logout token is for another application than this connection's")
    _require_times(said, now)
    _require_event(said)
    identifier, subject, session = (_text(said, name) for name in ("jti", "sub", "sid"))
    if identifier is None or (subject is None and session is None):
        raise UpstreamError("logout_token_malformed", "the logout token does not say which session is over")
    return Ended(identifier, subject, session)


def _require_signature(compact: Compact, keys: KeySet) -> None:
    for key in keys.fitting(compact):
        try:
            verify(compact, key)
        except BadSignatureError:
            continue
        return
    raise UpstreamError("signature_refused", "none of the provider's published keys signed the logout token")


def _require_times(said: Claims, now: int) -> None:
    issued_at, expires_at = _moment(said, "iat"), _moment(said, "exp")
    if issued_at is None:
        raise UpstreamError("logout_token_malformed", "the logout token does not say when it was issued")
    is_over = (
        now >= (issued_at + LONGEST_S if expires_at is None else min(expires_at, issued_at + LONGEST_S)) + LEEWAY_S
    )
    if is_over or issued_at > now + LEEWAY_S:
        raise UpstreamError("logout_token_expired", "the logout token is too old, or not from now: compare the clocks")


def _require_event(said: Claims) -> None:
    """Checks that it is a logout token, and cannot be an ID token that somebody else got (§2.4)."""
    events = said.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(EVENT), dict):
        raise UpstreamError("logout_token_malformed", "the logout token does not say that something is over")
    if "nonce" in said:
        raise UpstreamError("logout_token_malformed", "the logout token has a nonce, as ID tokens have")


def _moment(said: Claims, name: str) -> int | None:
    value = said.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) > _LAST_MOMENT:
        return None
    return int(value)


def _text(said: Claims, name: str) -> str | None:
    """Returns a text that the token has; None: it has none.

    Raises:
        UpstreamError: what it has is no text.
    """
    value = said.get(name)
    if value is not None and (not isinstance(value, str) or not 0 < len(value) <= TEXT_LIMIT_CHARACTERS):
        raise UpstreamError("logout_token_malformed", f"the logout token's {name} is no text")
    return value

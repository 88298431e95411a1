"""The checks of an ID token: whose it is, for whom, of which sign-in, and how old (Core §3.1.3.7)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from rxauth.crypto.jws import (
    BadSignatureError,
    Compact,
    MalformedError,
    encode_base64url,
    read_object,
    take_apart,
    verify,
)
from rxauth.federation.openid.key_set import KeySet
from rxauth.federation.problems import UpstreamError

LEEWAY_S: Final = 60  # how far two clocks may be apart
_LAST_MOMENT: Final = 10**12
SUBJECT_LIMIT_CHARACTERS: Final = 255  # Core §2
_TYPES: Final = frozenset({None, "jwt"})
_HASHES: Final = {"RS256": hashlib.sha256, "ES256": hashlib.sha256, "EdDSA": hashlib.sha512}
Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say. access_token: the one that came with it.

    max_age_s: how old the sign-in at the provider may have been when the browser was sent there, at sent_at; None: it
    does not matter. Times: UTC seconds.
    """

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    max_age_s: int | None
    now: int
    sent_at: int


def read(text: str) -> Compact:
    """Takes an ID token apart, checking nothing.

    Raises:
        UpstreamError: it is none, or is signed in a way that is not accepted.
    """
    try:
        compact = take_apart(text)
    except MalformedError as error:
        raise UpstreamError("id_token_malformed", f"the ID token cannot be read: {error}") from None
    if compact.header.get("alg") not in _HASHES:
        raise UpstreamError(
            "algorithm_refused", f"the provider must sign ID tokens with one of {', '.join(_HASHES)}: choose one there"
        )
    typ = compact.header.get("typ")
    if (typ.lower() if isinstance(typ, str) else typ) not in _TYPES:  # another kind of token is no ID token (RFC 8725)
        raise UpstreamError("id_token_malformed", "the ID token is of another type")
    return compact


def claims(compact: Compact, keys: KeySet, expected: Expected) -> Claims:
    """Returns what an ID token says, once everything about it was checked.

    Raises:
        UpstreamError: the first check that refused it.
    """
    _require_signature(compact, keys)
    try:
        said = read_object(compact.payload, "payload")
    except MalformedError as error:
        raise UpstreamError("id_token_malformed", f"the ID token cannot be read: {error}") from None
    subject = said.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LIMIT_CHARACTERS:
        raise UpstreamError("id_token_malformed", "the ID token does not say whom it is about")
    if said.get("iss") != expected.issuer:
        raise UpstreamError("issuer_differs", "the ID token was issued by another provider than this connection's")
    _require_audience(said, expected.client_id)
    _require_times(said, expected)
    if said.get("nonce") != expected.nonce:
        raise UpstreamError("nonce_differs", "the ID token belongs to another sign-in")
    _require_access_token(compact, said, expected.access_token)
    return said


def _require_signature(compact: Compact, keys: KeySet) -> None:
    for key in keys.fitting(compact):
        try:
            verify(compact, key)
        except BadSignatureError:
            continue
        return
    raise UpstreamError("signature_refused", "none of the provider's published keys signed the ID token")


def _require_audience(said: Claims, client_id: str) -> None:
    audience = said.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if client_id not in several:
        raise UpstreamError("audience_differs", "the ID token is for another application than this connection's")
    if said.get("azp", client_id) != client_id or (len(several) > 1 and "azp" not in said):
        raise UpstreamError("audience_differs", "the ID token was asked for by another application")


def _require_times(said: Claims, expected: Expected) -> None:
    expires_at, issued_at, now = _moment(said, "exp"), _moment(said, "iat"), expected.now
    if expires_at is None or issued_at is None:
        raise UpstreamError("id_token_malformed", "the ID token does not say from when until when it holds")
    if now >= expires_at + LEEWAY_S:
        raise UpstreamError("id_token_expired", "the ID token is too old: compare the clocks of both servers")
    if issued_at > now + LEEWAY_S:
        raise UpstreamError("id_token_early", "the ID token comes from the future: compare the clocks of both servers")
    authenticated_at = _moment(said, "auth_time")
    if authenticated_at is None and said.get("auth_time") is not None:
        raise UpstreamError("id_token_malformed", "the ID token says of no moment that the person signed in then")
    if authenticated_at is not None and authenticated_at > now + LEEWAY_S:
        raise UpstreamError("auth_time_early", "the person signed in in the future: compare the clocks of both servers")
    if expected.max_age_s is None:
        return
    if authenticated_at is None:
        raise UpstreamError("auth_time_missing", "the provider does not say when the person signed in (auth_time)")
    if expected.sent_at - authenticated_at > expected.max_age_s + LEEWAY_S:
        raise UpstreamError("auth_time_old", "the person signed in at the provider longer ago than was asked for")


def _moment(said: Claims, name: str) -> int | None:
    value = said.get(name)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) > _LAST_MOMENT:
        return None
    return int(value)


def _require_access_token(compact: Compact, said: Claims, access_token: str) -> None:
    if "at_hash" not in said:
        return
    digest = _HASHES[compact.header["alg"]](access_token.encode()).digest()
    if said["at_hash"] != encode_base64url(digest[: len(digest) // 2]):
        raise UpstreamError("at_hash_differs", "the ID token and the access token do not belong together")

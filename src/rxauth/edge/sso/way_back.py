"""The way back from a logout at a provider: what goes along with the browser, sealed, so that nobody else names it."""

from typing import Final

import msgspec

from rxauth.crypto import sealing
from rxauth.crypto.base64url import MalformedError, decode_base64url, encode_base64url
from rxauth.oauth.server import Server

GOOD_FOR_S: Final = 1_800
_PURPOSE: Final = "way back after a logout"


class _Back(msgspec.Struct, frozen=True):
    """Where a browser goes once it is signed out there. at: UTC seconds."""

    url: str
    at: int


def sealed(server: Server, url: str | None) -> str:
    """Returns what goes along; url: that was checked already, None: the browser stays here."""
    plain = msgspec.json.encode(_Back(url or "", server.clock.seconds()))
    return encode_base64url(sealing.seal(plain, server.sealing_key, _PURPOSE))


def unsealed(server: Server, state: str) -> str | None:
    """Returns where the browser goes on; None: nowhere, or too late, or it is not what went along."""
    try:
        plain = sealing.unseal(decode_base64url(state), server.sealing_key, _PURPOSE)
        back = msgspec.json.decode(plain, type=_Back)
    except (MalformedError, ValueError, sealing.CannotUnsealError):
        return None
    return back.url if back.url and server.clock.seconds() < back.at + GOOD_FOR_S else None

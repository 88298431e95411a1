"""Known browsers: what a browser keeps from the sign-ins of people, so that guessing elsewhere does not shut them out.

A browser has a number of its own with a seal, and a mark for each person who signed in with it; only this server can
make them. They open nothing: they say that what happens here is counted apart from what strangers do.
"""

import hashlib
import hmac
from typing import Final

from rxauth.crypto import secrets
from rxauth.crypto.base64url import encode_base64url

PEOPLE_LIMIT: Final = 8  # of one browser: a shared desk
_MARK_BYTES: Final = 16


def is_known(key: bytes, kept: str | None, user_id: str) -> bool:
    """Tells whether a person signed in with a browser before. kept: what the browser sent of itself."""
    number, _, marks = _parts(kept)
    mine = _mark(key, number, user_id).encode()
    return any(hmac.compare_digest(mine, one.encode()) for one in marks)


def number_of(key: bytes, kept: str | None) -> str | None:
    """Returns the number of a browser that somebody signed in with; None: nobody ever did."""
    number, seal, _ = _parts(kept)
    is_genuine = hmac.compare_digest(_mark(key, number, "").encode(), seal.encode())
    return number if is_genuine else None


def introduced(key: bytes, kept: str | None, user_id: str) -> str:
    """Returns what a browser is to keep, now that a person signed in with it; the last few people are."""
    number, marks = number_of(key, kept), _parts(kept)[2]
    if number is None:
        number, marks = secrets.new_handle(), []
    mine = _mark(key, number, user_id)
    others = [one for one in marks if one != mine][: PEOPLE_LIMIT - 1]
    return ".".join((number, _mark(key, number, ""), mine, *others))


def _parts(kept: str | None) -> tuple[str, str, list[str]]:
    number, _, rest = (kept or "").partition(".")
    seal, _, marks = rest.partition(".")
    return number, seal, marks.split(".")[:PEOPLE_LIMIT]


def _mark(key: bytes, number: str, user_id: str) -> str:
    return encode_base64url(hmac.digest(key, f"{number} {user_id}".encode(), hashlib.sha256)[:_MARK_BYTES])

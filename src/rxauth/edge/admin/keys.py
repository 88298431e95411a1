"""The signing keys at the console: which one signs, which come next, and their rotation."""

from typing import Any, Final

from rxauth.crypto.jws import SigningKey, new_signing_key
from rxauth.domain import console
from rxauth.domain.operators import CONSOLE_PATH
from rxauth.domain.signing_keys import KeyState
from rxauth.edge.admin.sections import Act, Asking, Page, Values
from rxauth.oauth import rotation

PATH: Final = f"{CONSOLE_PATH}/keys"
_ORDER: Final = (KeyState.CURRENT, KeyState.NEXT, KeyState.PREVIOUS)


def _values(asking: Asking) -> Values:
    known = console.keys(asking.transaction, asking.operator)
    planned = rotation.of_server(asking.edge.server, ())
    coming = [one.created_at for one in known if one.state is KeyState.NEXT]
    published = [one for one in known if one.is_published(asking.now)]
    return {
        "keys": sorted(published, key=lambda one: (one.algorithm, _ORDER.index(one.state), -one.created_at)),
        "retired": len(known) - len(published),
        "algorithms": len(coming),
        "ready_at": max(coming, default=asking.now) + planned.published_for_s,
        "verify_for_s": planned.verify_for_s,
    }


def _make(asking: Asking) -> list[SigningKey]:
    """Makes a new key for each algorithm."""
    known = console.keys(asking.transaction, asking.operator)
    return [new_signing_key(one.algorithm) for one in known if one.state is KeyState.CURRENT]


def _rotate(asking: Asking, made: Any) -> str:
    planned = rotation.of_server(asking.edge.server, made)
    console.rotate_keys(asking.transaction, asking.operator, planned, asking.now_us)
    return PATH


PAGES: Final = (
    Page(PATH, "keys", "admin_keys.html", _values),
    Page(
        f"{PATH}/rotate",
        "keys",
        "admin_keys_rotate.html",
        _values,
        {"rotate": Act(_rotate, "The next keys sign from now on.", _make)},
        is_dangerous=True,
    ),
)

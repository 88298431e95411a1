"""The signing keys at the console: which one signs, which comes next; rotated, and removed when one leaked."""

from typing import Any, Final

from rxauth.crypto.jws import Signatory
from rxauth.domain import console
from rxauth.domain.health import COUNTED
from rxauth.domain.key_removal import Holders
from rxauth.domain.operators import CONSOLE_PATH
from rxauth.domain.signing_keys import KeyDescription, KeyState
from rxauth.edge.admin.sections import Act, Asking, Page, Values
from rxauth.edge.context import Edge
from rxauth.oauth import new_keys, rotation

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


def _make(asking: Asking) -> list[Signatory]:
    """Makes a new key for each algorithm."""
    known = console.keys(asking.transaction, asking.operator)
    module = asking.edge.server.keys.module
    return [new_keys.make(module, one.algorithm) for one in known if one.state is KeyState.CURRENT]


def _discard(edge: Edge, made: Any) -> None:
    new_keys.discard(edge.server.keys.module, made)


def _rotate(asking: Asking, made: Any) -> str:
    planned = rotation.of_server(asking.edge.server, made)
    console.rotate_keys(asking.transaction, asking.operator, planned, asking.now_us)
    return PATH


def _found(asking: Asking) -> tuple[KeyDescription, Holders]:
    key_id, limits = asking.fields["key_id"], asking.edge.server.lifetimes.sessions
    return console.removable_key(asking.transaction, asking.operator, key_id, limits, asking.now)


def _one(asking: Asking) -> Values:
    server = asking.edge.server
    key, holders = _found(asking)
    known = console.keys(asking.transaction, asking.operator)
    [coming] = [one for one in known if (one.algorithm, one.state) == (key.algorithm, KeyState.NEXT)]
    published_for_s = rotation.removal_of_server(server, (), ()).published_for_s
    return {
        "key": key,
        "holders": holders,
        "counted": COUNTED,
        "coming": coming.id,
        "known_at": (asking.now if coming.id == key.id else coming.created_at) + published_for_s,
        "key_set_s": server.lifetimes.key_set_s,
    }


def _make_in_place(asking: Asking) -> list[Signatory]:
    """Makes the key that is published in place of one that goes."""
    key, _ = _found(asking)
    if key.state is KeyState.PREVIOUS:
        return []
    return [new_keys.make(asking.edge.server.keys.module, key.algorithm)]


def _remove(asking: Asking, made: Any) -> str:
    planned = rotation.removal_of_server(asking.edge.server, (asking.fields["key_id"],), made)
    console.remove_keys(asking.transaction, asking.operator, planned, asking.now_us)
    return PATH


PAGES: Final = (
    Page(PATH, "keys", "admin_keys.html", _values),
    Page(
        f"{PATH}/rotate",
        "keys",
        "admin_keys_rotate.html",
        _values,
        {"rotate": Act(_rotate, "The next keys sign from now on.", _make, _discard)},
        is_dangerous=True,
    ),
    Page(
        f"{PATH}/{{key_id}}/remove",
        "keys",
        "admin_keys_remove.html",
        _one,
        {
            "remove": Act(
                _remove, "The key is removed. Nothing that it signed is accepted any longer.", _make_in_place, _discard
            )
        },
        is_dangerous=True,
    ),
)

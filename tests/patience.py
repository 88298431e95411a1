"""Patience: on a machine that stands still for a moment, a connection is not given up as it would be in service."""

from collections.abc import Callable
from typing import Any, Final

from rxauth.storage import alone, bounds, postgres

LONG_S: Final = 30
IN_SERVICE: Final = (postgres.ON_PRIMARY["connect_timeout"], bounds.AT_ONCE_S)


def have(connecting_s: Any = LONG_S, at_once_s: float = LONG_S, change: Callable[..., None] = setattr) -> None:
    """Has the servers of this process wait for so long; those that it starts wait as in service."""
    change(postgres, "ON_PRIMARY", postgres.ON_PRIMARY | {"connect_timeout": connecting_s})
    for module in (bounds, alone):
        change(module, "AT_ONCE_S", at_once_s)

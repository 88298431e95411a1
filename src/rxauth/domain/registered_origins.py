"""The origins of web pages that clients registered."""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import bindparam, exists, select

from rxauth.domain.client_urls import UrlKind
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_urls
from rxauth.storage.tenancy import sql

AT_ONCE: Final = 8
_NAMES: Final = tuple(f"url_{number}" for number in range(AT_ONCE))
# One of each is enough: some origins belong to as many clients as there are developers.
_ARE_REGISTERED = sql(
    select(
        *(
            exists(client_urls.c.url).where(client_urls.c.kind == UrlKind.ORIGIN, client_urls.c.url == bindparam(name))
            for name in _NAMES
        )
    ),
    across_tenants="a browser asks for an origin before any client is named",
)


def among(transaction: Transaction, origins: Iterable[str]) -> frozenset[str]:
    """Returns those of some origins that pages of some client are of."""
    asked = list(origins)
    told: list[bool] = []
    for first in range(0, len(asked), AT_ONCE):
        some = asked[first : first + AT_ONCE]
        some += some[-1:] * (AT_ONCE - len(some))
        told += transaction.first(_ARE_REGISTERED, **dict(zip(_NAMES, some, strict=True)))
    return frozenset(origin for origin, is_registered in zip(asked, told, strict=False) if is_registered)

"""Lists of SCIM users: those that are looked for by what there is an index of, in the order in which they were made."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, auto
from functools import cache
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, func, literal_column, select

from rxauth.domain.scim_users import COLUMNS, ScimUser, read
from rxauth.storage.database import Transaction
from rxauth.storage.tables.scim import scim_emails
from rxauth.storage.tables.scim import scim_users as table
from rxauth.storage.tenancy import Statement, sql

# The identifier, where its own index is not to be read on until what is looked for comes.
_UNSORTED: Final = func.coalesce(table.c.id, literal_column("''"))
_MINE: Final = table.c.organization_id == bindparam("organization_id")
FEW: Final = 1_000


class _Way(Enum):
    """How a page is come by."""

    FEW = auto()  # they are so few that all of them are found first, rather than reading on until they come
    ON = auto()
    BACK = auto()  # from the last one, which is nearer than the first


@dataclass(frozen=True, slots=True)
class Narrow:
    """Which users are looked for, by what there is an index of; None: whichever. changed_*: UTC milliseconds."""

    id: str | None = None
    user_name_key: str | None = field(default=None, repr=False)
    external_id: str | None = None
    email_key: str | None = field(default=None, repr=False)
    active: bool | None = None
    changed_from: int | None = None
    changed_until: int | None = None

    def given(self) -> dict[str, Any]:
        """Returns what is looked for."""
        named = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: value for name, value in named if value is not None}


def count(transaction: Transaction, organization_id: str, narrow: Narrow) -> int:
    """Counts the users that are looked for."""
    given = narrow.given()
    return int(transaction.first(_counting(frozenset(given)), organization_id=organization_id, **_bound(given))[0])


def page(
    transaction: Transaction,
    organization_id: str,
    narrow: Narrow,
    rows: int,
    total: int,
    *,
    offset: int = 0,
    after: str = "",
) -> list[ScimUser]:
    """Returns some of the users that are looked for, in the order in which they were made.

    total: how many there are. after: the identifier of the row before the first; offset: how many of those that follow
    are left out.
    """
    given, way = frozenset(narrow.given()), _Way.ON
    if total <= FEW:
        way = _Way.FEW
    elif not after and offset > total // 2:
        way, rows = _Way.BACK, max(0, min(rows, total - offset))
        offset = total - offset - rows
    bound = _bound(narrow.given())
    found = transaction.all(
        _paging(given, way), organization_id=organization_id, after=after, rows=rows, offset=max(0, offset), **bound
    )
    return [read(row) for row in found]


_CONDITIONS: Final[Mapping[str, ColumnElement[bool]]] = {
    "id": table.c.id == bindparam("given_id"),
    "user_name_key": table.c.user_name_key == bindparam("given_user_name_key"),
    "external_id": table.c.external_id == bindparam("given_external_id"),
    "email_key": table.c.id.in_(
        select(scim_emails.c.scim_user_id).where(
            scim_emails.c.organization_id == bindparam("organization_id"),
            scim_emails.c.email_key == bindparam("given_email_key"),
        )
    ),
    "active": table.c.active == bindparam("given_active"),
    "changed_from": table.c.changed_at_ms >= bindparam("given_changed_from"),
    "changed_until": table.c.changed_at_ms <= bindparam("given_changed_until"),
}


def _chosen(names: frozenset[str], selected: Select[Any]) -> Select[Any]:
    return selected.where(_MINE, *(_CONDITIONS[name] for name in sorted(names)))


@cache
def _counting(names: frozenset[str]) -> Statement:
    return sql(_chosen(names, select(func.count()).select_from(table)))


@cache
def _paging(names: frozenset[str], way: _Way) -> Statement:
    """The rows are chosen by an index alone, however many are left out before them."""
    if way is _Way.FEW:
        return sql(_cut(_chosen(names, select(*COLUMNS)), _UNSORTED, _UNSORTED))
    order = table.c.id.desc() if way is _Way.BACK else table.c.id
    ids = _cut(_chosen(names, select(table.c.id)), table.c.id, order)
    return sql(select(*COLUMNS).where(_MINE, table.c.id.in_(ids)).order_by(table.c.id))


def _cut(selected: Select[Any], by: ColumnElement[Any], order: ColumnElement[Any]) -> Select[Any]:
    following = selected.where(by > bindparam("after")).order_by(order)
    return following.limit(bindparam("rows")).offset(bindparam("offset"))


def _bound(given: Mapping[str, Any]) -> dict[str, Any]:
    return {f"given_{name}": value for name, value in given.items()}

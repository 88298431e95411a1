"""SCIM groups: kept as an organization's identity provider sends them; what they give, `group_roles` says."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cache
from typing import Any, Final

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, delete, func, select, update

from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.scim import scim_groups as table
from rxauth.storage.tables.scim import scim_members
from rxauth.storage.tenancy import Statement, insert_row, sql

GROUPS_LIMIT: Final = 10_000
MEMBERS_LIMIT: Final = 20_000

_MINE: Final = table.c.organization_id == bindparam("organization_id")
_THE_ONE: Final = (table.c.organization_id == bindparam("owner"), table.c.id == bindparam("the_id"))
_COLUMNS: Final = tuple(column for column in table.c if column.name != "display_key")
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_INSERT = insert_row(table)
_INSERT_MEMBER = insert_row(scim_members)
_ONE = sql(select(*_COLUMNS).where(_MINE, table.c.id == bindparam("id")))
_LOCKED = sql(select(*_COLUMNS).where(_MINE, table.c.id == bindparam("id")).with_for_update())
_CHANGE = sql(
    update(table)
    .where(*_THE_ONE)
    .values(
        display_name=bindparam("new_name"),
        display_key=bindparam("new_key"),
        external_id=bindparam("new_external_id"),
        changed_at_ms=bindparam("moment_ms"),
        version=table.c.version + 1,
    )
)
_REMOVE = sql(delete(table).where(*_THE_ONE))
_IS_MEMBER: Final = scim_members.c.organization_id == bindparam("organization_id")
_MEMBERS = sql(
    select(scim_members.c.group_id, scim_members.c.scim_user_id)
    .where(_IS_MEMBER, scim_members.c.group_id.in_(_IDS))
    .order_by(scim_members.c.group_id, scim_members.c.scim_user_id)
)
_NUMBER = sql(select(func.count()).where(_IS_MEMBER, scim_members.c.group_id.in_(_IDS)))
_TAKE_OUT = sql(
    delete(scim_members).where(
        scim_members.c.organization_id == bindparam("owner"),
        scim_members.c.group_id == bindparam("of_group"),
        scim_members.c.scim_user_id.in_(_IDS),
    )
)
_GROUPS_OF = sql(
    select(scim_members.c.scim_user_id, table.c.id, table.c.display_name, table.c.external_id)
    .join(table, (table.c.organization_id == scim_members.c.organization_id) & (table.c.id == scim_members.c.group_id))
    .where(_IS_MEMBER, scim_members.c.scim_user_id.in_(_IDS))
    .order_by(scim_members.c.scim_user_id, table.c.id)
)
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class ScimGroup:
    """A group. external_id: what the identity provider calls it, None: it did not say. Times: UTC milliseconds."""

    organization_id: str
    id: str
    display_name: str = field(repr=False)
    external_id: str | None
    created_at_ms: int
    changed_at_ms: int
    version: int


@dataclass(frozen=True, slots=True)
class Membership:
    """A group that a user is in."""

    id: str
    name: str = field(repr=False)
    external_id: str | None


@dataclass(frozen=True, slots=True)
class Narrow:
    """Which groups are looked for, by what there is an index of; None: whichever. changed_*: UTC milliseconds."""

    id: str | None = None
    display_key: str | None = field(default=None, repr=False)
    external_id: str | None = None
    member: str | None = None
    changed_from: int | None = None
    changed_until: int | None = None

    def given(self) -> dict[str, Any]:
        """Returns what is looked for."""
        named = ((one.name, getattr(self, one.name)) for one in fields(self))
        return {name: value for name, value in named if value is not None}


def name_key(name: str) -> str:
    """Returns what names of groups are compared by."""
    return name.casefold()


def add(transaction: Transaction, organization_id: str, name: str, external_id: str | None, now_ms: int) -> ScimGroup:
    """Adds a group without members."""
    group = ScimGroup(organization_id, new_id(Kind.SCIM_GROUP, now_ms), name, external_id, now_ms, now_ms, 1)
    values = {one.name: getattr(group, one.name) for one in fields(group)}
    transaction.run(_INSERT, **values, display_key=name_key(name))
    return group


def find(transaction: Transaction, organization_id: str, group_id: str) -> ScimGroup | None:
    """Returns a group of the organization, or None."""
    row = transaction.first(_ONE, organization_id=organization_id, id=group_id)
    return None if row is None else ScimGroup(**row._mapping)


def lock(transaction: Transaction, organization_id: str, group_id: str) -> ScimGroup | None:
    """Returns what `find` does, and has whoever changes it wait until this transaction ends."""
    row = transaction.first(_LOCKED, organization_id=organization_id, id=group_id)
    return None if row is None else ScimGroup(**row._mapping)


def change(transaction: Transaction, group: ScimGroup, name: str, external_id: str | None, now_ms: int) -> ScimGroup:
    """Notes that a locked group, or who is in it, was changed."""
    transaction.run(
        _CHANGE,
        owner=group.organization_id,
        the_id=group.id,
        new_name=name,
        new_key=name_key(name),
        new_external_id=external_id,
        moment_ms=now_ms,
    )
    return replace(group, display_name=name, external_id=external_id, changed_at_ms=now_ms, version=group.version + 1)


def remove(transaction: Transaction, group: ScimGroup) -> None:
    """Removes a group without members."""
    transaction.run(_REMOVE, owner=group.organization_id, the_id=group.id)


def members(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, list[str]]:
    """Returns who is in some groups: identifiers of users, by group."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in transaction.all(_MEMBERS, organization_id=organization_id, ids=ids) if ids else ():
        found[row.group_id].append(row.scim_user_id)
    return found


def number_of_members(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> int:
    """Counts who is in some groups, once for each of them."""
    return int(transaction.first(_NUMBER, organization_id=organization_id, ids=ids)[0]) if ids else 0


def put_in(transaction: Transaction, group: ScimGroup, users: Iterable[str]) -> None:
    """Adds users, who are not in a locked group yet."""
    owner = {"organization_id": group.organization_id, "group_id": group.id}
    transaction.run_many(_INSERT_MEMBER, [owner | {"scim_user_id": one} for one in sorted(users)])


def take_out(transaction: Transaction, group: ScimGroup, users: Iterable[str]) -> None:
    """Removes users from a locked group."""
    gone = sorted(users)
    for start in range(0, len(gone), _BATCH):
        ids = gone[start : start + _BATCH]
        transaction.run(_TAKE_OUT, owner=group.organization_id, of_group=group.id, ids=ids)


def of_users(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, list[Membership]]:
    """Returns the groups that some users are in, by user."""
    found: defaultdict[str, list[Membership]] = defaultdict(list)
    for row in transaction.all(_GROUPS_OF, organization_id=organization_id, ids=ids) if ids else ():
        found[row.scim_user_id].append(Membership(row.id, row.display_name, row.external_id))
    return found


def count(transaction: Transaction, organization_id: str, narrow: Narrow) -> int:
    """Counts the groups that are looked for."""
    given = narrow.given()
    return int(transaction.first(_counting(frozenset(given)), organization_id=organization_id, **_bound(given))[0])


def page(
    transaction: Transaction, organization_id: str, narrow: Narrow, rows: int, *, offset: int = 0, after: str = ""
) -> list[ScimGroup]:
    """Returns some of the groups that are looked for; see `scim_users.page`."""
    given = narrow.given()
    found = transaction.all(
        _paging(frozenset(given)),
        organization_id=organization_id,
        after=after,
        rows=rows,
        offset=offset,
        **_bound(given),
    )
    return [ScimGroup(**row._mapping) for row in found]


_CONDITIONS: Final[Mapping[str, ColumnElement[bool]]] = {
    "id": table.c.id == bindparam("given_id"),
    "display_key": table.c.display_key == bindparam("given_display_key"),
    "external_id": table.c.external_id == bindparam("given_external_id"),
    "member": table.c.id.in_(
        select(scim_members.c.group_id).where(_IS_MEMBER, scim_members.c.scim_user_id == bindparam("given_member"))
    ),
    "changed_from": table.c.changed_at_ms >= bindparam("given_changed_from"),
    "changed_until": table.c.changed_at_ms <= bindparam("given_changed_until"),
}


def _chosen(names: frozenset[str], selected: Select[Any]) -> Select[Any]:
    return selected.where(_MINE, *(_CONDITIONS[name] for name in sorted(names)))


@cache
def _counting(names: frozenset[str]) -> Statement:
    return sql(_chosen(names, select(func.count()).select_from(table)))


@cache
def _paging(names: frozenset[str]) -> Statement:
    return sql(
        _chosen(names, select(*_COLUMNS))
        .where(table.c.id > bindparam("after"))
        .order_by(table.c.id)
        .limit(bindparam("rows"))
        .offset(bindparam("offset"))
    )


def _bound(given: Mapping[str, Any]) -> dict[str, Any]:
    return {f"given_{name}": value for name, value in given.items()}

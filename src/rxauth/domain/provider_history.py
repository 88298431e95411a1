"""What was done about each authority, in order, for whoever decides about it. The audit log has the details."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, func, insert, select

from rxauth.domain.audit import Actor, Event
from rxauth.domain.providers import Provider
from rxauth.storage.database import Transaction
from rxauth.storage.tables.providers import provider_history as table
from rxauth.storage.tenancy import sql

FROM_THE_LAST: Final = 2**62
_OF_ONE: Final = (table.c.organization_id == bindparam("organization_id"), table.c.user_id == bindparam("user_id"))
_COLUMNS: Final = tuple(column for column in table.c if column.name not in {"organization_id", "user_id"})
# Numbers are given under the lock of the authority's row, which whoever acts on it has.
_NEXT = select(func.coalesce(func.max(table.c.number), 0) + 1).where(*_OF_ONE).scalar_subquery()
_INSERT = sql(
    insert(table).values({one.name: bindparam(one.name) for one in table.c if one.name != "number"} | {"number": _NEXT})
)
_PAGE = sql(
    select(*_COLUMNS)
    .where(*_OF_ONE, table.c.number < bindparam("before"))
    .order_by(table.c.number.desc())
    .limit(bindparam("rows"))
)


@dataclass(frozen=True, slots=True)
class Done:
    """One act on an authority. number: which of them, from 1. at: UTC seconds. reason: one of `Reason`, or None.

    actor_kind: person, client, operator, or consequence of another act. licence_state, licence_status: of the licence
    that got worse.
    """

    number: int
    at: int
    event: str
    actor_kind: str
    actor_id: str | None
    reason: str | None
    licence_state: str | None
    licence_status: str | None


def add(
    transaction: Transaction, event: Event, actor: Actor, after: Provider, details: Mapping[str, str | int]
) -> None:
    """Adds an act; details: as the audit log has them."""
    transaction.run(
        _INSERT,
        organization_id=after.organization_id,
        user_id=after.user_id,
        at=after.changed_at,
        event=event,
        actor_kind=actor.kind,
        actor_id=actor.id,
        reason=details.get("why"),
        licence_state=details.get("licence_state"),
        licence_status=details.get("licence_status"),
    )


def of_provider(
    transaction: Transaction, organization_id: str, user_id: str, rows: int, before: int = FROM_THE_LAST
) -> list[Done]:
    """Returns a page of what was done about one authority, newest first, from before the act of a number."""
    found = transaction.all(_PAGE, organization_id=organization_id, user_id=user_id, before=before, rows=rows)
    return [Done(*row) for row in found]

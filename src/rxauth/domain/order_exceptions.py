"""Order exceptions: why an order did not go on, until somebody saw to it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import order_exceptions as table
from rxauth.storage.tenancy import insert_row, sql

_INSERT: Final = insert_row(table)
_COLUMNS = tuple(table.c[name] for name in ("order_id", "type", "message", "created_at_ms", "resolved_at_ms"))
_OF_ORDERS = sql(
    select(*_COLUMNS)
    .where(
        table.c.organization_id == bindparam("organization_id"), table.c.order_id.in_(bindparam("ids", expanding=True))
    )
    .order_by(table.c.id)
)
_RESOLVE = sql(
    update(table)
    .where(
        table.c.organization_id == bindparam("owner"),
        table.c.order_id == bindparam("the_order_id"),
        table.c.resolved_at_ms.is_(None),
    )
    .values(resolved_at_ms=bindparam("moment"))
)


@dataclass(frozen=True, slots=True)
class OrderException:
    """What went wrong with an order. type: a code. resolved_at_ms None: nobody saw to it yet. UTC milliseconds."""

    order_id: str
    type: str
    message: str | None = field(repr=False)
    created_at_ms: int
    resolved_at_ms: int | None


def of_orders(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, list[OrderException]]:
    """Returns the exceptions of each order that has any, the first one first."""
    found: defaultdict[str, list[OrderException]] = defaultdict(list)
    for row in transaction.all(_OF_ORDERS, organization_id=organization_id, ids=ids):
        found[row.order_id].append(OrderException(*row))
    return found


def add(transaction: Transaction, organization_id: str, new: OrderException) -> None:
    """Notes that an order does not go on."""
    new_key = new_id(Kind.EXCEPTION, new.created_at_ms)
    transaction.run(_INSERT, organization_id=organization_id, id=new_key, **asdict(new))


def resolve(transaction: Transaction, organization_id: str, order_id: str, now_ms: int) -> None:
    """Notes that somebody saw to whatever was wrong with an order."""
    transaction.run(_RESOLVE, owner=organization_id, the_order_id=order_id, moment=now_ms)

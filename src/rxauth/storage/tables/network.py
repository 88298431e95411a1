"""The pharmacy network: what it is still to be told of orders, and what came of it."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, ForeignKey, Index, text

from rxauth.storage.tables.metadata import RowNumber, Text, tenant_table

# The outbox: written in the transaction of what it asks for. What is sent is read when it is sent.
pharmacy_dispatches: Final = tenant_table(
    "pharmacy_dispatches",
    # Counts up: of one order, what was asked first has the lower number.
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("order_id", Text, ForeignKey("orders.id"), nullable=False),
    Column("act", Text, nullable=False),
    Column("pharmacy_id", Text, ForeignKey("pharmacies.id"), nullable=False),
    # Of a cancel: the dispatch that it takes back.
    Column("takes_back", Text),
    Column("state", Text, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    # While an attempt is under way: when another process may take it over.
    Column("next_attempt_at", BigInteger, nullable=False),
    # What came of the last attempt; null: none ended yet.
    Column("outcome", Text),
    Column("settled_at", BigInteger),
    CheckConstraint("act IN ('place', 'cancel')", name="act"),
    CheckConstraint("(act = 'cancel') = (takes_back IS NOT NULL)", name="takes_back"),
    CheckConstraint("state IN ('waiting', 'taken', 'refused', 'dead', 'moot')", name="state"),
)
_WAITING: Final = text("state = 'waiting'")
_DEAD: Final = text("state = 'dead'")
Index(
    "ix_pharmacy_dispatches_dead",
    pharmacy_dispatches.c.settled_at,
    sqlite_where=_DEAD,
    postgresql_where=_DEAD,
)
Index(
    "ix_pharmacy_dispatches_due",
    pharmacy_dispatches.c.next_attempt_at,
    pharmacy_dispatches.c.number,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
Index(
    "ix_pharmacy_dispatches_order",
    pharmacy_dispatches.c.organization_id,
    pharmacy_dispatches.c.order_id,
    pharmacy_dispatches.c.number,
)

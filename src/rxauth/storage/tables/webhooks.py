"""Webhooks: where an organization wants to hear of events, what it was to hear, and how far each delivery is."""

from typing import Final

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, LargeBinary, text

from rxauth.storage.tables.metadata import RowNumber, Text, tenant_table

webhooks: Final = tenant_table(
    "webhooks",
    Column("id", Text, primary_key=True),
    Column("name", Text),
    Column("url", Text, nullable=False),
    # The types of the events it wants; null: all of them.
    Column("filters", JSON(none_as_null=True)),
    Column("sealed_secret", LargeBinary, nullable=False),
    # The secret before a rotation, for as long as a receiver may still have it.
    Column("sealed_previous", LargeBinary),
    Column("previous_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
)
Index("ix_webhooks_organization_id_id", webhooks.c.organization_id, webhooks.c.id)

# On PostgreSQL these three are divided by the month of their identifiers, and a month of all of them goes at once: so
# no foreign key ties one to another. An event and its deliveries are of the same millisecond.

# The outbox: written in the transaction of what it tells of. The body is kept byte for byte, as it is signed.
webhook_events: Final = tenant_table(
    "webhook_events",
    Column("id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
)

webhook_deliveries: Final = tenant_table(
    "webhook_deliveries",
    # Counts up: of one subject, the event that came first has the lower number.
    Column("number", RowNumber, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False, unique=True),
    Column("webhook_id", Text, ForeignKey("webhooks.id"), nullable=False),
    Column("event_id", Text, nullable=False, index=True),
    Column("subject", Text, nullable=False),
    Column("state", Text, nullable=False),
    # All attempts there were; and those that failed since it was begun, or begun again by hand.
    Column("attempts", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    # While an attempt is under way: when another process may take it over.
    Column("next_attempt_at", BigInteger, nullable=False),
    # What came of the last attempt; null: none ended yet.
    Column("outcome", Text),
    Column("settled_at", BigInteger),
    CheckConstraint("state IN ('waiting', 'delivered', 'dead')", name="state"),
)
_WAITING: Final = text("state = 'waiting'")
Index(
    "ix_webhook_deliveries_due",
    webhook_deliveries.c.next_attempt_at,
    webhook_deliveries.c.number,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
Index(
    "ix_webhook_deliveries_subject",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.subject,
    webhook_deliveries.c.number,
    sqlite_where=_WAITING,
    postgresql_where=_WAITING,
)
Index("ix_webhook_deliveries_log", webhook_deliveries.c.organization_id, webhook_deliveries.c.number)
Index(
    "ix_webhook_deliveries_settled",
    webhook_deliveries.c.organization_id,
    webhook_deliveries.c.settled_at,
    webhook_deliveries.c.state,
    webhook_deliveries.c.webhook_id,
)
Index("ix_webhook_deliveries_webhook", webhook_deliveries.c.webhook_id, webhook_deliveries.c.number)
_DEAD: Final = text("state = 'dead'")
Index(
    "ix_webhook_deliveries_dead",
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.number,
    sqlite_where=_DEAD,
    postgresql_where=_DEAD,
)

webhook_attempts: Final = tenant_table(
    "webhook_attempts",
    Column("delivery_id", Text, primary_key=True),
    Column("attempt", BigInteger, primary_key=True, autoincrement=False),
    Column("ended_at", BigInteger, nullable=False),
    Column("took_ms", BigInteger, nullable=False),
    Column("outcome", Text, nullable=False),
)

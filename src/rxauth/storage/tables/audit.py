"""The audit outbox: records as their acts committed them, not yet numbered or chained."""

from typing import Final

from sqlalchemy import BigInteger, Column, LargeBinary, Table

from rxauth.storage.tables.metadata import Text, metadata

audit_outbox: Final = Table(
    "audit_outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("recorded_at_us", BigInteger, nullable=False),
    # Null for an act that belongs to no organization, such as a key rotation.
    Column("organization_id", Text),
    Column("entry", LargeBinary, nullable=False),
)

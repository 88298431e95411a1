"""The audit log: records as their acts committed them, the numbered chain that they become, and its checkpoints.

Rows of these tables are added and never changed: the serving role has no right to, and SQLite's triggers refuse it.
"""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, LargeBinary, Table

from rxauth.storage.tables.metadata import TENANT_COLUMN, Text, metadata

audit_outbox: Final = Table(
    "audit_outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("recorded_at_us", BigInteger, nullable=False),
    # Null for an act that belongs to no organization, such as a key rotation.
    Column("organization_id", Text),
    Column("entry", LargeBinary, nullable=False),
    # Of the transaction that wrote it: what is below a settled number was seen by the sequencer.
    Column("number", BigInteger, nullable=False),
    Index("ix_audit_outbox_number", "number"),
    Index("ix_audit_outbox_organization_id_id", "organization_id", "id"),
)

# One row at most: the log's name and the first key that signs its checkpoints, and nothing else.
audit_log: Final = Table(
    "audit_log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("verifier", Text, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)

# The keys that replaced it, each from the entry on that its record became.
audit_keys: Final = Table(
    "audit_keys",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("verifier", Text, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),
)

# On PostgreSQL divided into ranges of `seq`, of which one is always made ahead.
audit_entries: Final = Table(
    "audit_entries",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    # Of the record in the outbox; the entry that opens the log and the daily reports have none there.
    Column("id", Text, nullable=False),
    Column("entry", LargeBinary, nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Index("ix_audit_entries_id", "id"),
)

# By what an organization's entries are found again, in the order of their records. Without a foreign key: a record is
# numbered whatever it names, or the log would stand still.
audit_index: Final = Table(
    "audit_index",
    metadata,
    Column(TENANT_COLUMN, Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    info={"tenant": True},
    sqlite_with_rowid=False,
)

# Which entry reports of which day, as a number of days since 1970.
audit_reports: Final = Table(
    "audit_reports",
    metadata,
    Column("day", BigInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
)

audit_checkpoints: Final = Table(
    "audit_checkpoints",
    metadata,
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("at_us", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    # What goes on from here: the tree's frontier, and the outbox number below which everything is in the log.
    Column("frontier", LargeBinary, nullable=False),
    Column("settled", BigInteger, nullable=False),
)

# Which records say that the log was verified: the last one is found without reading all.
audit_verifications: Final = Table("audit_verifications", metadata, Column("record_id", Text, primary_key=True))

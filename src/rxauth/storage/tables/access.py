"""Organizations, their API clients, the signing keys, and the feed of changes to them."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    text,
)

from rxauth.storage.tables.metadata import RowNumber, Text, metadata, tenant_table

organizations: Final = Table(
    "organizations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
)

clients: Final = tenant_table(
    "clients",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("app_type", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    # Tokens issued before this moment are refused; 0 refuses none.
    Column("tokens_valid_after", BigInteger, nullable=False),
    CheckConstraint("app_type IN ('non_interactive')", name="app_type"),
)
Index(
    "uq_clients_one_machine_client",
    clients.c.organization_id,
    unique=True,
    sqlite_where=text("app_type = 'non_interactive'"),
    postgresql_where=text("app_type = 'non_interactive'"),
)

client_permissions: Final = tenant_table(
    "client_permissions",
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    Column("permission", Text, primary_key=True),
    # The last line of defence, should every line of code before it fail.
    CheckConstraint("permission <> 'write:prescription'", name="no_machine_writes_prescriptions"),
)

client_secrets: Final = tenant_table(
    "client_secrets",
    Column("id", Text, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)

signing_keys: Final = Table(
    "signing_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("public_jwk", Text, nullable=False),
    # Null once the key signs no more: what is gone cannot leak.
    Column("sealed_private", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("verify_until", BigInteger),
    CheckConstraint("state IN ('next', 'current', 'previous')", name="state"),
)
Index(
    "uq_signing_keys_one_of_a_state",
    signing_keys.c.state,
    unique=True,
    sqlite_where=text("state <> 'previous'"),
    postgresql_where=text("state <> 'previous'"),
)

changes: Final = Table(
    "changes",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("transaction_id", BigInteger, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

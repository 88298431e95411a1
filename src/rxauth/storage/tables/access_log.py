"""The access log: which operations touched which patients, and who asked for them. Rows are added and never changed.

On PostgreSQL both tables are divided by the month of the record's identifier.
"""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary

from rxauth.storage.tables.metadata import Text, tenant_table

access_records: Final = tenant_table(
    "access_records",
    Column("id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    Column("token_id", Text, nullable=False),
    # The name that the client gave its operation, if it gave one.
    Column("operation", Text),
    # Names of root fields, with a space between them.
    Column("fields", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    # Codes of errors, with a space between them; empty: there were none.
    Column("codes", Text, nullable=False),
    Column("patients", Integer, nullable=False),
    Column("network", Text),
    Column("request_id", Text, nullable=False),
    in_primary_key=True,
)
Index(
    "ix_access_records_actor_id_id",
    access_records.c.organization_id,
    access_records.c.actor_id,
    access_records.c.id,
)

# Whom a record is about. The digest takes the sealing key: nobody can try identifiers without it.
access_record_patients: Final = tenant_table(
    "access_record_patients",
    Column("patient", LargeBinary, primary_key=True),
    Column("record_id", Text, primary_key=True),
    in_primary_key=True,
)

"""How often what was done, hour by hour, for each organization; counted when records become entries of the log."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table

from rxauth.storage.tables.metadata import TENANT_COLUMN, Text, metadata

# Without a foreign key: a record is numbered and counted whatever it names, or the log would stand still.
tallies: Final = Table(
    "tallies",
    metadata,
    Column(TENANT_COLUMN, Text, primary_key=True),
    Column("event", Text, primary_key=True),
    # Hours since 1970, UTC.
    Column("hour", BigInteger, primary_key=True, autoincrement=False),
    # The client that acted, and of a token the secret that it was issued with; empty: none.
    Column("client_id", Text, primary_key=True),
    Column("secret_id", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    info={"tenant": True},
)
Index("ix_tallies_secret_id_hour", tallies.c.organization_id, tallies.c.secret_id, tallies.c.hour)

"""How many requests were counted in the current minute, of whoever asks often; what processes tell each other by."""

from typing import Final

from sqlalchemy import BigInteger, Column, Index, Table

from rxauth.storage.tables.metadata import Text, metadata

request_counts: Final = Table(
    "request_counts",
    metadata,
    # What is limited, and whose: `client 0abc…`, `network 203.0.113.7`.
    Column("key", Text, primary_key=True),
    # When the minute began, UTC seconds; a later one begins at 0.
    Column("minute_at", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)
Index("ix_request_counts_minute_at", request_counts.c.minute_at)

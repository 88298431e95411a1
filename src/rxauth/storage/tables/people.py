"""People, who belong to no single organization."""

from typing import Final

from sqlalchemy import BigInteger, Column, Table

from rxauth.storage.tables.metadata import Text, metadata

users: Final = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("phone", Text),
    Column("title", Text),
    Column("first_name", Text, nullable=False),
    Column("middle_name", Text),
    Column("last_name", Text, nullable=False),
    Column("npi", Text),
    Column("created_at", BigInteger, nullable=False),
)

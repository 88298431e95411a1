"""The imports of the national register of providers; its rows are beside the providers that they vouch for."""

from typing import Final

from sqlalchemy import BigInteger, Column, Table

from rxauth.storage.tables.metadata import Text, metadata

nppes_imports: Final = Table(
    "nppes_imports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("began_at", BigInteger, nullable=False),
    # Null while it is under way, and for good if it was cut off.
    Column("ended_at", BigInteger),
    Column("lines", BigInteger, nullable=False),
)

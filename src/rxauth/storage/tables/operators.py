"""Who looks after the installation, and the forms that they sent."""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table

from rxauth.storage.tables.metadata import Text, metadata

operators: Final = Table(
    "operators",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    Column("added_at", BigInteger, nullable=False),
)

# Each form of the console carries a key that is used once: sent again, it leads where it led the first time.
operator_forms: Final = Table(
    "operator_forms",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("led_to", Text, nullable=False),
    Column("sent_at", BigInteger, nullable=False, index=True),
)

"""What is true of the installation as a whole."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, Table

from rxauth.storage.tables.metadata import metadata

# One row at most. The mark `sandbox` is set when the installation is made and never changes.
installation: Final = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sandbox", Boolean, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)

"""What is true of the installation as a whole."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Integer, Table

from rxauth.storage.tables.metadata import Text, metadata

# One row at most. The mark `sandbox` is set when the installation is made and never changes.
installation: Final = Table(
    "installation",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("sandbox", Boolean, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)

# One row: which servers may serve these tables, named by the revision that they were written for; older ones may not.
compatibility: Final = Table(
    "compatibility",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("oldest_server", Text, nullable=False),
    CheckConstraint("id = 1", name="single_row"),
)

"""What all tables share: the metadata, names for constraints, and the mark of a tenant's table."""

from typing import Any, Final

import sqlalchemy
from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, Table
from sqlalchemy.schema import SchemaItem

metadata: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Texts sort by code point on both engines, whatever the database's locale: pages and searches rely on it.
Text: Final = sqlalchemy.Text().with_variant(sqlalchemy.Text(collation="C"), "postgresql")
# SQLite counts rows only in a column that is declared INTEGER PRIMARY KEY.
RowNumber: Final = BigInteger().with_variant(Integer, "sqlite")

TENANT_COLUMN: Final = "organization_id"


def tenant_table(name: str, *items: SchemaItem, in_primary_key: bool = False) -> Table:
    """Declares a table whose rows belong to one organization each; statements on it must bind that organization."""
    owner: Column[Any] = Column(
        TENANT_COLUMN, Text, ForeignKey("organizations.id"), nullable=False, primary_key=in_primary_key
    )
    return Table(name, metadata, owner, *items, info={"tenant": True})


def is_tenant_table(table: object) -> bool:
    """Tells whether a table was declared by `tenant_table`."""
    return isinstance(table, Table) and bool(table.info.get("tenant"))

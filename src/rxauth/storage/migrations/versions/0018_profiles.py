"""What people say of themselves beside their names: a fax number, an address, and how they sign."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns; nobody said anything yet."""
    with op.batch_alter_table("users") as batch:
        batch.add_column(sa.Column("fax", TEXT, nullable=True))
        batch.add_column(sa.Column("address", sa.JSON(), nullable=True))
        batch.add_column(sa.Column("signature", TEXT, nullable=True))

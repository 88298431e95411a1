"""What is known of organizations: their NPI, and where they are reached."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns; nothing is known yet."""
    with op.batch_alter_table("organizations") as batch:
        for name in ("npi", "email", "phone", "fax"):
            batch.add_column(sa.Column(name, TEXT, nullable=True))
        batch.add_column(sa.Column("address", sa.JSON(), nullable=True))

"""What organizations ask of sign-ins: the first factor, and where invites may go."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns; nothing is asked yet."""
    with op.batch_alter_table("organizations") as batch:
        batch.add_column(sa.Column("sole_first_factor", TEXT, nullable=True))
        batch.add_column(sa.Column("email_domains", TEXT, nullable=True))

"""What secrets are called, who made them, and when their keepers are next reminded that one ends."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns; of the secrets that there are, nothing is known."""
    with op.batch_alter_table("client_secrets") as batch:
        batch.add_column(sa.Column("name", TEXT, nullable=True))
        batch.add_column(sa.Column("created_by", TEXT, nullable=True))
        batch.add_column(sa.Column("remind_at", sa.BigInteger(), nullable=True))
    op.create_index(op.f("ix_client_secrets_remind_at"), "client_secrets", ["remind_at"], unique=False)

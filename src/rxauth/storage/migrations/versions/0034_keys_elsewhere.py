"""Where the private half of a signing key is, if a security module has it."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
oldest_server = "0028"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the column; every key so far is sealed in the database."""
    op.add_column("signing_keys", sa.Column("private_place", TEXT))

"""Since when a signing key is removed: taken out of use before its time, with all that it signed."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
oldest_server = "0028"


def upgrade() -> None:
    """Adds the column; no key was removed before there was a command for it."""
    op.add_column("signing_keys", sa.Column("removed_at", sa.BigInteger()))

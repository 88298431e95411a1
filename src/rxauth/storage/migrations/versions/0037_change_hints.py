"""Processes are told of changes as they are committed, and when each was recorded by the database's clock."""

import sqlalchemy as sa
from alembic import op

from rxauth.storage.migrations.engine_specific import notify_of_rows

revision = "0037"
down_revision = "0036"
oldest_server = "0028"


def upgrade() -> None:
    """Adds the column, and on PostgreSQL the trigger that notifies."""
    op.add_column("changes", sa.Column("recorded_at_us", sa.BigInteger()))
    notify_of_rows(op.get_bind(), "changes", "rxauth_changes")

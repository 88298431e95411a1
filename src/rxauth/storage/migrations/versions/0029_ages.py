"""Indexes by which rows that are too old are found, and by which a session is seen to be named by no code."""

from alembic import op

revision = "0029"
down_revision = "0028"
oldest_server = "0028"

INDEXES = {
    "authorization_codes": ("created_at", "session_id"),
    "password_resets": ("expires_at",),
    "email_changes": ("expires_at",),
}


def upgrade() -> None:
    """Makes the indexes."""
    for table, columns in INDEXES.items():
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])

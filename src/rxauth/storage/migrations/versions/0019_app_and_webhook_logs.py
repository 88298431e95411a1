"""What pages ask of an app and of a webhook: who signed in through the one lately, what came of the other's events."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

DEAD = sa.text("state = 'dead'")


def upgrade() -> None:
    """Makes the indexes."""
    op.drop_index("ix_token_families_client_id", "token_families")
    op.create_index("ix_token_families_client_id", "token_families", ["client_id", "created_at", "user_id"])
    op.create_index("ix_webhook_deliveries_webhook", "webhook_deliveries", ["webhook_id", "number"])
    op.create_index(
        "ix_webhook_deliveries_dead",
        "webhook_deliveries",
        ["webhook_id", "number"],
        sqlite_where=DEAD,
        postgresql_where=DEAD,
    )

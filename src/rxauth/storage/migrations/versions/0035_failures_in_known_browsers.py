"""Failed proofs in browsers that their person signed in with before, counted apart from strangers'."""

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
oldest_server = "0028"


def upgrade() -> None:
    """Adds the columns; an older server, which counts everybody as a stranger, leaves them at 0."""
    for name in ("known_count", "known_last_at"):
        op.add_column("failed_proofs", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))

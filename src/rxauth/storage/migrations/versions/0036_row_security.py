"""Row-level security on PostgreSQL: from here on a server tells it whose rows a transaction is about.

The tables are locked one by one when all revisions are applied, later ones too: older servers would find them empty.
"""

revision = "0036"
down_revision = "0035"
oldest_server = "0036"


def upgrade() -> None:
    """Says which servers may go on."""

"""The access log is divided by month on PostgreSQL."""

from alembic import op

from rxauth.storage.migrations.months import divide

revision = "0033"
down_revision = "0032"
oldest_server = "0028"


def upgrade() -> None:
    """Divides the tables; what they have stays where it is."""
    connection = op.get_bind()
    divide(connection, "access_records", "id")
    divide(connection, "access_record_patients", "record_id")

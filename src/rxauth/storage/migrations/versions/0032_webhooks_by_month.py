"""What webhooks were sent is divided by month on PostgreSQL; no key ties a month of one table to that of another."""

from alembic import op

from rxauth.storage.migrations.months import divide, make_functions

revision = "0032"
down_revision = "0031"
oldest_server = "0028"

TIES = {
    "webhook_attempts": "fk_webhook_attempts_delivery_id",
    "webhook_deliveries": "fk_webhook_deliveries_event_id",
}


def upgrade() -> None:
    """Unties and divides the tables; what they have stays where it is."""
    connection = op.get_bind()
    for table, tie in TIES.items():
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(tie, type_="foreignkey")
    make_functions(connection)
    if connection.dialect.name != "sqlite":
        op.drop_constraint("pk_webhook_deliveries", "webhook_deliveries", type_="primary")
        op.create_primary_key("pk_webhook_deliveries", "webhook_deliveries", ["number", "id"])
    divide(connection, "webhook_events", "id", goes=True)
    divide(connection, "webhook_deliveries", "id", "dlv_", goes=True)
    divide(connection, "webhook_attempts", "delivery_id", "dlv_", goes=True)
    if connection.dialect.name != "sqlite":
        op.execute("ALTER SEQUENCE webhook_deliveries_number_seq OWNED BY webhook_deliveries.number")

"""Orders are written: why one was canceled, what went wrong with it, and which prescriptions a day may end."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ACTIVE = sa.text("state = 'ACTIVE'")


def upgrade() -> None:
    """Adds them; a prescription whose fills are all ordered is stored as such from now on."""
    op.add_column("orders", sa.Column("cancel_reason", TEXT, nullable=True))
    op.create_table(
        "order_exceptions",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("resolved_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_order_exceptions_organization_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_exceptions_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_exceptions")),
        info={"tenant": True},
    )
    op.create_index("ix_order_exceptions_order", "order_exceptions", ["organization_id", "order_id"], unique=False)
    op.create_index(
        "ix_prescriptions_expiring",
        "prescriptions",
        ["expiration_date", "id"],
        unique=False,
        sqlite_where=_ACTIVE,
        postgresql_where=_ACTIVE,
    )
    op.execute(sa.text("UPDATE prescriptions SET state = 'DEPLETED' WHERE state = 'ACTIVE' AND fills_remaining = 0"))

"""Dispatches: what the pharmacy network is still to be told of orders, and what came of it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
ROW_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "pharmacy_dispatches"


def upgrade() -> None:
    """Makes the table."""
    op.create_table(
        TABLE,
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("number", ROW_NUMBER, autoincrement=True, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("order_id", TEXT, nullable=False),
        sa.Column("act", TEXT, nullable=False),
        sa.Column("pharmacy_id", TEXT, nullable=False),
        sa.Column("takes_back", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.BigInteger(), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("outcome", TEXT, nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("act IN ('place', 'cancel')", name=op.f("ck_pharmacy_dispatches_act")),
        sa.CheckConstraint(
            "(act = 'cancel') = (takes_back IS NOT NULL)", name=op.f("ck_pharmacy_dispatches_takes_back")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'taken', 'refused', 'dead', 'moot')", name=op.f("ck_pharmacy_dispatches_state")
        ),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f(f"fk_{TABLE}_organization_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f(f"fk_{TABLE}_order_id")),
        sa.ForeignKeyConstraint(["pharmacy_id"], ["pharmacies.id"], name=op.f(f"fk_{TABLE}_pharmacy_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_pharmacy_dispatches")),
        sa.UniqueConstraint("id", name=op.f("uq_pharmacy_dispatches_id")),
    )
    op.create_index(
        "ix_pharmacy_dispatches_due",
        TABLE,
        ["next_attempt_at", "number"],
        unique=False,
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_index("ix_pharmacy_dispatches_order", TABLE, ["organization_id", "order_id", "number"], unique=False)

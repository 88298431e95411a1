"""Who looks after the installation; which dispatches are dead, and which records say that the log was verified."""

import sqlalchemy as sa
from alembic import op

from rxauth.storage.migrations.engine_specific import refuse_changes

revision = "0024"
down_revision = "0023"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
DEAD = sa.text("state = 'dead'")


def upgrade() -> None:
    """Makes the tables and the indexes; verifications from before are in the log, and are not looked for."""
    op.create_table(
        "operators",
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_operators_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_operators")),
    )
    op.create_table(
        "operator_forms",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("led_to", TEXT, nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_operator_forms")),
    )
    op.create_index(op.f("ix_operator_forms_sent_at"), "operator_forms", ["sent_at"], unique=False)
    op.create_table(
        "audit_verifications",
        sa.Column("record_id", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_audit_verifications")),
    )
    refuse_changes(op.get_bind(), ["audit_verifications"])
    op.create_index(
        "ix_pharmacy_dispatches_dead", "pharmacy_dispatches", ["settled_at"], sqlite_where=DEAD, postgresql_where=DEAD
    )

"""The access log: operations that touched patients, and digests of those patients."""

import sqlalchemy as sa
from alembic import op

from rxauth.storage.migrations.engine_specific import refuse_changes

revision = "0012"
down_revision = "0011"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the tables, whose rows stay as they are from then on."""
    op.create_table(
        "access_records",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", TEXT, nullable=False),
        sa.Column("actor_id", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("token_id", TEXT, nullable=False),
        sa.Column("operation", TEXT, nullable=True),
        sa.Column("fields", TEXT, nullable=False),
        sa.Column("outcome", TEXT, nullable=False),
        sa.Column("codes", TEXT, nullable=False),
        sa.Column("patients", sa.Integer(), nullable=False),
        sa.Column("network", TEXT, nullable=True),
        sa.Column("request_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_access_records_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_access_records")),
    )
    op.create_index(
        "ix_access_records_actor_id_id", "access_records", ["organization_id", "actor_id", "id"], unique=False
    )
    op.create_table(
        "access_record_patients",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("patient", sa.LargeBinary(), nullable=False),
        sa.Column("record_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_access_record_patients_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "patient", "record_id", name=op.f("pk_access_record_patients")),
    )
    refuse_changes(op.get_bind(), ("access_records", "access_record_patients"))

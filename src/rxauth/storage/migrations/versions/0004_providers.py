"""Providers: authorities with their proposals, licences, registrations, the national register, and rules for them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the tables of providers; nobody is authorized until two people decide it."""
    with op.batch_alter_table("organizations") as batch:
        batch.add_column(sa.Column("solo_authority", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("home_state", TEXT, nullable=True))
        batch.add_column(sa.Column("signing_max_age_s", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("organizations") as batch:
        batch.alter_column("solo_authority", server_default=None)
    op.create_table(
        "provider_authorities",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("npi", TEXT, nullable=True),
        sa.Column("npi_verification", sa.JSON(), nullable=True),
        sa.Column("effective_from", sa.BigInteger(), nullable=True),
        sa.Column("effective_until", sa.BigInteger(), nullable=True),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("proposed_by", TEXT, nullable=True),
        sa.Column("approved_by", TEXT, nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("proposal_id", TEXT, nullable=True),
        sa.Column("asked_act", TEXT, nullable=True),
        sa.Column("asked_by", TEXT, nullable=True),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("proposal", sa.JSON(), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "state IN ('proposed', 'approved', 'suspended', 'revoked', 'rejected')",
            name=op.f("ck_provider_authorities_state"),
        ),
        sa.CheckConstraint(
            "asked_act IN ('propose', 'ask_restore', 'ask_change')", name=op.f("ck_provider_authorities_asked_act")
        ),
        sa.CheckConstraint(
            "state <> 'approved' OR (npi IS NOT NULL AND effective_from IS NOT NULL AND approved_at IS NOT NULL"
            " AND proposed_by IS NOT NULL AND approved_by IS NOT NULL AND proposed_by <> approved_by)",
            name=op.f("ck_provider_authorities_two_people"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_provider_authorities_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_provider_authorities_user_id")),
        sa.PrimaryKeyConstraint("organization_id", "user_id", name=op.f("pk_provider_authorities")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_provider_authorities_user_id"), "provider_authorities", ["user_id"], unique=False)
    op.create_table(
        "provider_licences",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("expires_on", TEXT, nullable=False),
        *_verification(),
        *_keys("provider_licences", "state", "number"),
        info={"tenant": True},
    )
    op.create_table(
        "provider_registrations",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("schedules", TEXT, nullable=False),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("expires_on", TEXT, nullable=False),
        *_verification(),
        *_keys("provider_registrations", "number"),
        info={"tenant": True},
    )
    op.create_table(
        "nppes_providers",
        sa.Column("npi", TEXT, nullable=False),
        sa.Column("entity_type", sa.BigInteger(), nullable=True),
        sa.Column("last_name_key", TEXT, nullable=False),
        sa.Column("first_name_key", TEXT, nullable=False),
        sa.Column("deactivated_on", TEXT, nullable=True),
        sa.Column("imported_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("npi", name=op.f("pk_nppes_providers")),
    )


def _verification() -> list[sa.Column[str] | sa.Column[int]]:
    return [
        sa.Column("source", TEXT, nullable=True),
        sa.Column("reference", TEXT, nullable=True),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("checked_by", TEXT, nullable=True),
    ]


def _keys(table: str, *columns: str) -> list[sa.Constraint]:
    authority = ["provider_authorities.organization_id", "provider_authorities.user_id"]
    return [
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f(f"fk_{table}_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"], authority, name=op.f(f"fk_{table}_organization_id_user_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", "user_id", *columns, name=op.f(f"pk_{table}")),
    ]

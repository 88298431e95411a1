"""Catalogs: one for each organization, the treatments in it, and templates of prescriptions."""

import sqlalchemy as sa
from alembic import op

from rxauth.ids import Kind, new_id

revision = "0007"
down_revision = "0006"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the tables, and gives the organizations that there are their catalogs."""
    catalogs = op.create_table(
        "catalogs",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_catalogs_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_catalogs")),
        info={"tenant": True},
    )
    op.create_index("ix_catalogs_organization_id_id", "catalogs", ["organization_id", "id"], unique=False)
    op.create_table(
        "catalog_treatments",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("catalog_id", TEXT, nullable=False),
        sa.Column("treatment_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["catalog_id"], ["catalogs.id"], name=op.f("fk_catalog_treatments_catalog_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_catalog_treatments_organization_id")
        ),
        sa.ForeignKeyConstraint(["treatment_id"], ["treatments.id"], name=op.f("fk_catalog_treatments_treatment_id")),
        sa.PrimaryKeyConstraint("catalog_id", "treatment_id", name=op.f("pk_catalog_treatments")),
        info={"tenant": True},
    )
    op.create_table(
        "prescription_templates",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("catalog_id", TEXT, nullable=False),
        sa.Column("owner_id", TEXT, nullable=True),
        sa.Column("treatment_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("dispense_as_written", sa.Boolean(), nullable=True),
        sa.Column("dispense_quantity", sa.Float(), nullable=True),
        sa.Column("dispense_unit", TEXT, nullable=True),
        sa.Column("fills_allowed", sa.Integer(), nullable=True),
        sa.Column("days_supply", sa.Integer(), nullable=True),
        sa.Column("instructions", TEXT, nullable=True),
        sa.Column("notes", TEXT, nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["catalog_id"], ["catalogs.id"], name=op.f("fk_prescription_templates_catalog_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_prescription_templates_organization_id")
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_prescription_templates_owner_id")),
        sa.ForeignKeyConstraint(
            ["treatment_id"], ["treatments.id"], name=op.f("fk_prescription_templates_treatment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prescription_templates")),
        info={"tenant": True},
    )
    op.create_index(
        "ix_prescription_templates_catalog",
        "prescription_templates",
        ["organization_id", "catalog_id", "id"],
        unique=False,
    )
    for one in op.get_bind().execute(sa.text("SELECT id, name, created_at FROM organizations")).all():
        made = {"organization_id": one.id, "id": new_id(Kind.CATALOG, one.created_at * 1000), "name": one.name}
        op.execute(catalogs.insert().values(made))

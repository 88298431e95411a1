"""What treatments and allergens contain; diagnoses, and which of them a prescription names."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the tables; those of reference data are filled by imports."""
    op.create_table(
        "ingredients",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("rxcui", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ingredients")),
    )
    for of, parent in (("treatment", "treatments"), ("allergen", "allergens")):
        op.create_table(
            f"{of}_ingredients",
            sa.Column(f"{of}_id", TEXT, nullable=False),
            sa.Column("ingredient_id", TEXT, nullable=False),
            sa.ForeignKeyConstraint([f"{of}_id"], [f"{parent}.id"], name=op.f(f"fk_{of}_ingredients_{of}_id")),
            sa.ForeignKeyConstraint(
                ["ingredient_id"], ["ingredients.id"], name=op.f(f"fk_{of}_ingredients_ingredient_id")
            ),
            sa.PrimaryKeyConstraint(f"{of}_id", "ingredient_id", name=op.f(f"pk_{of}_ingredients")),
        )
    op.create_table(
        "diagnoses",
        sa.Column("code", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("billable", sa.Boolean(), nullable=False),
        sa.CheckConstraint("type IN ('ICD10')", name=op.f("ck_diagnoses_type")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_diagnoses")),
    )
    op.create_table(
        "diagnosis_words",
        sa.Column("word", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["code"], ["diagnoses.code"], name=op.f("fk_diagnosis_words_code")),
        sa.PrimaryKeyConstraint("word", "code", name=op.f("pk_diagnosis_words")),
    )
    op.create_index("ix_diagnosis_words_code", "diagnosis_words", ["code"], unique=False)
    op.create_table(
        "prescription_diagnoses",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("prescription_id", TEXT, nullable=False),
        sa.Column("diagnosis_code", TEXT, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_prescription_diagnoses_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["prescriptions.id"], name=op.f("fk_prescription_diagnoses_prescription_id")
        ),
        sa.ForeignKeyConstraint(
            ["diagnosis_code"], ["diagnoses.code"], name=op.f("fk_prescription_diagnoses_diagnosis_code")
        ),
        sa.PrimaryKeyConstraint("prescription_id", "diagnosis_code", name=op.f("pk_prescription_diagnoses")),
        info={"tenant": True},
    )

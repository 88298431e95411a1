"""Terms: the choices on the way to a medication; and of each medication, what it is a part of."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the tables; they are filled by imports, as the table of treatments is."""
    with op.batch_alter_table("treatments") as batch:
        batch.add_column(sa.Column("parent_id", TEXT, nullable=True))
        batch.add_column(sa.Column("route_id", TEXT, nullable=True))
    op.create_index("ix_treatments_parent_id", "treatments", ["parent_id"], unique=False)
    op.create_index("ix_treatments_route_id", "treatments", ["route_id"], unique=False)
    op.create_table(
        "medication_terms",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("parent_id", TEXT, nullable=True),
        sa.CheckConstraint("type IN ('CONCEPT', 'STRENGTH', 'ROUTE')", name=op.f("ck_medication_terms_type")),
        sa.ForeignKeyConstraint(["parent_id"], ["medication_terms.id"], name=op.f("fk_medication_terms_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_medication_terms")),
    )
    op.create_index("ix_medication_terms_parent_id", "medication_terms", ["parent_id"], unique=False)
    op.create_table(
        "medication_words",
        sa.Column("word", TEXT, nullable=False),
        sa.Column("term_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["term_id"], ["medication_terms.id"], name=op.f("fk_medication_words_term_id")),
        sa.PrimaryKeyConstraint("word", "term_id", name=op.f("pk_medication_words")),
    )

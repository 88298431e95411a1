"""Lists of an organization's patients, prescriptions and orders: an index that has the rows of each in order."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NAMES = sa.table("patient_names", sa.column("word", TEXT), sa.column("start", TEXT))


def upgrade() -> None:
    """Adds the first three letters to the words of names, and the indexes."""
    with op.batch_alter_table("patient_names") as batch:
        batch.add_column(sa.Column("start", TEXT, nullable=True))
        batch.drop_index("ix_patient_names_patient_id")
    op.execute(NAMES.update().values(start=sa.func.substr(NAMES.c.word, 1, 3)))
    with op.batch_alter_table("patient_names") as batch:
        batch.alter_column("start", existing_type=TEXT, nullable=False)
    op.create_index("ix_patient_names_patient", "patient_names", ["organization_id", "patient_id", "word"])
    op.create_index("ix_patient_names_start", "patient_names", ["organization_id", "start", "patient_id", "word"])
    op.create_index(
        "ix_prescriptions_ending",
        "prescriptions",
        ["organization_id", "state", "expiration_date", "id"],
        sqlite_where=sa.text("state = 'ACTIVE'"),
        postgresql_where=sa.text("state = 'ACTIVE'"),
    )
    op.create_index("ix_prescriptions_state", "prescriptions", ["organization_id", "state", "id"])
    op.create_index("ix_prescriptions_prescriber", "prescriptions", ["organization_id", "prescriber_id", "id"])
    op.create_index(
        "ix_prescriptions_prescriber_state", "prescriptions", ["organization_id", "prescriber_id", "state", "id"]
    )
    op.create_index("ix_orders_state", "orders", ["organization_id", "state", "id"])
    if op.get_bind().dialect.name == "postgresql":
        _hide_the_order_of_rows()


def _hide_the_order_of_rows() -> None:
    """Has PostgreSQL know nothing of how identifiers are spread over a table.

    Rows lie in the order of their identifiers, so it takes the walk along all of them, until enough fit, for cheaper
    than the index whose rows all fit. That holds as long as those that fit are spread evenly, and they are not: what
    expired is old, and who left wrote nothing lately. Setting the type again forgets what was known before; no row is
    touched.
    """
    for table in ("patients", "prescriptions", "orders"):
        op.execute(f'ALTER TABLE {table} ALTER COLUMN id TYPE text COLLATE "C"')
        op.execute(f"ALTER TABLE {table} ALTER COLUMN id SET STATISTICS 0")

"""How organizations look on the pages where their people sign in: a colour, and a picture that is kept apart."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Adds the columns and the table; nothing looks another way yet."""
    with op.batch_alter_table("organizations") as batch:
        batch.add_column(sa.Column("accent_color", TEXT, nullable=True))
        batch.add_column(sa.Column("logo", TEXT, nullable=True))
    op.create_table(
        "organization_logos",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_organization_logos_organization_id")
        ),
        sa.PrimaryKeyConstraint("organization_id", name=op.f("pk_organization_logos")),
    )

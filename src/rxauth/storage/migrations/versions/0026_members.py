"""Members: the words by which they are found, an index of each role's, and what was asked of their second factors."""

import unicodedata
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
WORDS = sa.table("member_words", *(sa.column(name, TEXT) for name in ("organization_id", "word", "user_id")))
MEMBERS = sa.text(
    "SELECT memberships.organization_id, users.id, title, first_name, middle_name, last_name, email"
    " FROM memberships JOIN users ON users.id = memberships.user_id"
)
BATCH = 1_000


def upgrade() -> None:
    """Makes the tables, and fills the words of those who are members already."""
    op.create_index("ix_membership_roles_role", "membership_roles", ["organization_id", "role", "user_id"])
    op.create_table(
        "member_words",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("word", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_member_words_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_member_words_user_id")),
        sa.PrimaryKeyConstraint("organization_id", "word", "user_id", name=op.f("pk_member_words")),
    )
    op.create_index("ix_member_words_user_id", "member_words", ["user_id"])
    op.create_table(
        "factor_resets",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("asked_by", TEXT, nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("approved_by", TEXT, nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("asked_by <> user_id", name=op.f("ck_factor_resets_not_one_s_own")),
        sa.CheckConstraint(
            "approved_by <> asked_by AND approved_by <> user_id", name=op.f("ck_factor_resets_two_people")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_factor_resets_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_factor_resets_user_id")),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_factor_resets_asked_by")),
        sa.ForeignKeyConstraint(["approved_by"], ["users.id"], name=op.f("fk_factor_resets_approved_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_factor_resets")),
    )
    op.create_index("ix_factor_resets_user", "factor_resets", ["organization_id", "user_id", "id"])
    rows = [
        {"organization_id": organization_id, "user_id": user_id, "word": word}
        for organization_id, user_id, *texts in op.get_bind().execute(MEMBERS).all()
        for word in words(" ".join(text for text in texts if text))
    ]
    for begin in range(0, len(rows), BATCH):
        op.get_bind().execute(WORDS.insert(), rows[begin : begin + BATCH])


def words(text: str) -> Iterator[str]:
    """Returns the words of a text, as they were folded when this revision was made."""
    folded = text
    for _ in range(3):
        folded = unicodedata.normalize("NFKD", folded).casefold()
    plain = "".join(one for one in folded if not unicodedata.combining(one) and one not in "'\u2019\u02bc")
    yield from dict.fromkeys("".join(one if one.isalnum() else " " for one in plain).split())

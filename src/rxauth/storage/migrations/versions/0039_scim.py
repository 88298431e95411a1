"""SCIM: what organizations' identity providers say of their people and groups, and with which tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
oldest_server = "0036"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Makes the tables."""
    make_tokens()
    make_users()
    make_groups()


def make_tokens() -> None:
    """Makes the table of tokens."""
    op.create_table(
        "scim_tokens",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("remind_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_scim_tokens_organization_id")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_scim_tokens_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scim_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_scim_tokens_digest")),
    )
    op.create_index("ix_scim_tokens_organization_id_id", "scim_tokens", ["organization_id", "id"])
    op.create_index("ix_scim_tokens_remind_at", "scim_tokens", ["remind_at"])


def make_users() -> None:
    """Makes the tables of users and their addresses."""
    op.create_table(
        "scim_users",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("user_name_key", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("resource", sa.LargeBinary(), nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("user_id", TEXT, nullable=True),
        sa.Column("made_account", sa.Boolean(), nullable=False),
        sa.Column("given_roles", TEXT, nullable=False),
        sa.Column("invited_key", TEXT, nullable=True),
        sa.Column("settle_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_scim_users_organization_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_scim_users_user_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_scim_users")),
    )
    op.create_index("uq_scim_users_user_name", "scim_users", ["organization_id", "user_name_key"], unique=True)
    op.create_index("uq_scim_users_user_id", "scim_users", ["user_id", "organization_id"], unique=True)
    op.create_index("ix_scim_users_external_id", "scim_users", ["organization_id", "external_id"])
    op.create_index("ix_scim_users_changed", "scim_users", ["organization_id", "changed_at_ms"])
    op.create_index("ix_scim_users_active", "scim_users", ["organization_id", "active", "id"])
    op.create_index("ix_scim_users_invited", "scim_users", ["organization_id", "invited_key"])
    op.create_index("ix_scim_users_settle_at", "scim_users", ["settle_at"])
    op.create_table(
        "scim_emails",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.Column("scim_user_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_scim_emails_organization_id")),
        sa.ForeignKeyConstraint(
            ["organization_id", "scim_user_id"],
            ["scim_users.organization_id", "scim_users.id"],
            name=op.f("fk_scim_emails_user"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "email_key", "scim_user_id", name=op.f("pk_scim_emails")),
    )
    op.create_index("ix_scim_emails_scim_user_id", "scim_emails", ["organization_id", "scim_user_id"])


def make_groups() -> None:
    """Makes the tables of groups and their members."""
    op.create_table(
        "scim_groups",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("display_name", TEXT, nullable=False),
        sa.Column("display_key", TEXT, nullable=False),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_scim_groups_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "id", name=op.f("pk_scim_groups")),
    )
    op.create_index("ix_scim_groups_display", "scim_groups", ["organization_id", "display_key"])
    op.create_index("ix_scim_groups_external_id", "scim_groups", ["organization_id", "external_id"])
    op.create_index("ix_scim_groups_changed", "scim_groups", ["organization_id", "changed_at_ms"])
    op.create_table(
        "scim_members",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("group_id", TEXT, nullable=False),
        sa.Column("scim_user_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_scim_members_organization_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "group_id"],
            ["scim_groups.organization_id", "scim_groups.id"],
            name=op.f("fk_scim_members_group"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "scim_user_id"],
            ["scim_users.organization_id", "scim_users.id"],
            name=op.f("fk_scim_members_user"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "group_id", "scim_user_id", name=op.f("pk_scim_members")),
    )
    op.create_index("ix_scim_members_scim_user_id", "scim_members", ["organization_id", "scim_user_id"])

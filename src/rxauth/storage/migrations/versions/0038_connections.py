"""Connections: organizations' people sign in with identity providers of their own; and the domains they proved."""

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
oldest_server = "0036"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
VERIFIED = sa.text("verified_at IS NOT NULL")


def upgrade() -> None:
    """Makes the tables; every session so far opens all organizations of its person."""
    op.create_table(
        "connections",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("display_name", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("joining", TEXT, nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("mapping", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("joining IN ('just_in_time', 'invite_only')", name=op.f("ck_connections_joining")),
        sa.CheckConstraint("kind IN ('openid_connect', 'saml')", name=op.f("ck_connections_kind")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_connections_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connections")),
        sa.UniqueConstraint("name", name=op.f("uq_connections_name")),
    )
    op.create_index("ix_connections_organization_id_id", "connections", ["organization_id", "id"])
    op.create_table(
        "group_roles",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("group_name", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_group_roles_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "source", "group_name", "role", name=op.f("pk_group_roles")),
    )
    op.create_table(
        "domains",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("challenge", TEXT, nullable=False),
        sa.Column("connection_id", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("looked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_domains_connection_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_domains_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_domains")),
    )
    op.create_index(
        "uq_domains_one_organization",
        "domains",
        ["name"],
        unique=True,
        sqlite_where=VERIFIED,
        postgresql_where=VERIFIED,
    )
    op.create_index("uq_domains_organization_id_name", "domains", ["organization_id", "name"], unique=True)
    op.create_table(
        "upstream_identities",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connections.id"], name=op.f("fk_upstream_identities_connection_id")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_upstream_identities_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_upstream_identities_user_id")),
        sa.PrimaryKeyConstraint("connection_id", "subject", name=op.f("pk_upstream_identities")),
    )
    op.create_index(op.f("ix_upstream_identities_user_id"), "upstream_identities", ["user_id"])
    op.create_table(
        "upstream_messages",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("taken_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_upstream_messages_connection_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_upstream_messages_organization_id")
        ),
        sa.PrimaryKeyConstraint("connection_id", "digest", name=op.f("pk_upstream_messages")),
    )
    op.create_index(op.f("ix_upstream_messages_taken_at"), "upstream_messages", ["taken_at"])
    op.create_table(
        "upstream_requests",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("sign_in_id", TEXT, nullable=True),
        sa.Column("tried_by", TEXT, nullable=True),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("answers_to", TEXT, nullable=False),
        sa.Column("sealed_verifier", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed_outcome", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("(sign_in_id IS NULL) <> (tried_by IS NULL)", name=op.f("ck_upstream_requests_one_purpose")),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_upstream_requests_connection_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_upstream_requests_organization_id")
        ),
        sa.ForeignKeyConstraint(["tried_by"], ["users.id"], name=op.f("fk_upstream_requests_tried_by")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_upstream_requests")),
    )
    op.create_index(op.f("ix_upstream_requests_created_at"), "upstream_requests", ["created_at"])
    op.create_table(
        "upstream_sessions",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("session_id", TEXT, nullable=False),
        sa.Column("connection_id", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("upstream_session", TEXT, nullable=True),
        sa.Column("sealed_hint", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name=op.f("fk_upstream_sessions_connection_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_upstream_sessions_organization_id")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_upstream_sessions_session_id")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_upstream_sessions")),
    )
    op.create_index("ix_upstream_sessions_subject", "upstream_sessions", ["connection_id", "subject"])
    op.add_column("sessions", sa.Column("confined_to", TEXT))
    op.add_column("sign_ins", sa.Column("confined_to", TEXT))
    op.add_column("sign_ins", sa.Column("sealed_upstream", sa.LargeBinary()))

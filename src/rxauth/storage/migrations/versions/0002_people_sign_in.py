"""People sign in: their passwords, factors, memberships, sessions and tokens; clients of other kinds, and audiences."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NAMING = {"ck": "ck_%(table_name)s_%(constraint_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}


def upgrade() -> None:
    """Changes the tables that there are, and makes the new ones."""
    _change_organizations()
    _change_clients()
    _change_users()
    _change_signing_keys()
    _make_tables()


def _change_organizations() -> None:
    op.add_column("organizations", sa.Column("session_idle_s", sa.BigInteger(), nullable=True))
    op.add_column("organizations", sa.Column("session_lifetime_s", sa.BigInteger(), nullable=True))
    with op.batch_alter_table("organizations") as batch:
        batch.add_column(sa.Column("second_factor_required", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("organizations") as batch:
        batch.alter_column("second_factor_required", server_default=None)


def _change_clients() -> None:
    with op.batch_alter_table("clients", naming_convention=NAMING) as batch:
        batch.add_column(sa.Column("third_party", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("any_organization", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.add_column(sa.Column("backchannel_logout_uri", TEXT, nullable=True))
        batch.drop_constraint(op.f("ck_clients_app_type"), type_="check")
        batch.create_check_constraint("app_type", "app_type IN ('non_interactive', 'spa', 'native', 'regular_web')")
    with op.batch_alter_table("clients") as batch:
        batch.alter_column("third_party", server_default=None)
        batch.alter_column("any_organization", server_default=None)


def _change_users() -> None:
    op.add_column("users", sa.Column("email_key", TEXT, nullable=True))
    op.add_column("users", sa.Column("email_verified_at", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("disabled_at", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("tokens_valid_after", sa.BigInteger(), nullable=True))
    op.execute("UPDATE users SET email_key = lower(email), tokens_valid_after = 0")
    with op.batch_alter_table("users", naming_convention=NAMING) as batch:
        batch.alter_column("email_key", nullable=False)
        batch.alter_column("tokens_valid_after", nullable=False)
        batch.drop_constraint(op.f("uq_users_email"), type_="unique")
        batch.create_unique_constraint(op.f("uq_users_email_key"), ["email_key"])


def _change_signing_keys() -> None:
    op.drop_index("uq_signing_keys_one_of_a_state", table_name="signing_keys")
    op.create_index(
        "uq_signing_keys_one_of_a_state",
        "signing_keys",
        ["algorithm", "state"],
        unique=True,
        sqlite_where=sa.text("state <> 'previous'"),
        postgresql_where=sa.text("state <> 'previous'"),
    )


def _make_tables() -> None:
    op.create_table(
        "mails",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("ix_mails_waiting", "mails", ["sent_at", "next_attempt_at"], unique=False)
    op.create_table(
        "audiences",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("identifier", TEXT, nullable=False),
        sa.Column("lifetime_s", sa.BigInteger(), nullable=False),
        sa.Column("algorithm", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("algorithm IN ('RS256', 'ES256', 'EdDSA')", name=op.f("ck_audiences_algorithm")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_audiences_organization_id")),
        sa.PrimaryKeyConstraint("organization_id", "identifier", name=op.f("pk_audiences")),
        info={"tenant": True},
    )
    op.create_table(
        "email_changes",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_email_changes_user_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_email_changes")),
    )
    op.create_index(op.f("ix_email_changes_user_id"), "email_changes", ["user_id"], unique=False)
    op.create_table(
        "failed_proofs",
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_failed_proofs_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_failed_proofs")),
    )
    op.create_table(
        "invites",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.Column("roles", TEXT, nullable=False),
        sa.Column("inviter_id", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["inviter_id"], ["users.id"], name=op.f("fk_invites_inviter_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_invites_organization_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invites")),
        sa.UniqueConstraint("digest", name=op.f("uq_invites_digest")),
        info={"tenant": True},
    )
    op.create_index("ix_invites_organization_id_id", "invites", ["organization_id", "id"], unique=False)
    op.create_table(
        "membership_roles",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_membership_roles_organization_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_membership_roles_user_id")),
        sa.PrimaryKeyConstraint("organization_id", "user_id", "role", name=op.f("pk_membership_roles")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_membership_roles_user_id"), "membership_roles", ["user_id"], unique=False)
    op.create_table(
        "memberships",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_memberships_organization_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_memberships_user_id")),
        sa.PrimaryKeyConstraint("organization_id", "user_id", name=op.f("pk_memberships")),
        info={"tenant": True},
    )
    op.create_index(op.f("ix_memberships_user_id"), "memberships", ["user_id"], unique=False)
    op.create_table(
        "passkey_challenges",
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", TEXT, nullable=True),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("purpose", TEXT, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passkey_challenges_user_id")),
        sa.PrimaryKeyConstraint("challenge", name=op.f("pk_passkey_challenges")),
    )
    op.create_index(op.f("ix_passkey_challenges_expires_at"), "passkey_challenges", ["expires_at"], unique=False)
    op.create_table(
        "passkeys",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("transports", TEXT, nullable=False),
        sa.Column("backed_up", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passkeys_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
    )
    op.create_index(op.f("ix_passkeys_user_id"), "passkeys", ["user_id"], unique=False)
    op.create_table(
        "password_resets",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_password_resets_user_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_password_resets")),
    )
    op.create_index(op.f("ix_password_resets_user_id"), "password_resets", ["user_id"], unique=False)
    op.create_table(
        "passwords",
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("hash", TEXT, nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_passwords_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_passwords")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id")),
        sa.PrimaryKeyConstraint("user_id", "digest", name=op.f("pk_recovery_codes")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("authenticated_at", sa.BigInteger(), nullable=False),
        sa.Column("methods", TEXT, nullable=False),
        sa.Column("network", TEXT, nullable=False),
        sa.Column("device", TEXT, nullable=False),
        sa.Column("organization_id", TEXT, nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_sessions_organization_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("digest", name=op.f("uq_sessions_digest")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "sign_ins",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("browser_digest", sa.LargeBinary(), nullable=False),
        sa.Column("request", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=True),
        sa.Column("methods", TEXT, nullable=False),
        sa.Column("proven_at", sa.BigInteger(), nullable=True),
        sa.Column("organization_id", TEXT, nullable=True),
        sa.Column("consented_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_sign_ins_organization_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
    )
    op.create_index(op.f("ix_sign_ins_browser_digest"), "sign_ins", ["browser_digest"], unique=False)
    op.create_table(
        "totp_factors",
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed_pending", sa.LargeBinary(), nullable=True),
        sa.Column("pending_at", sa.BigInteger(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_totp_factors_user_id")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_totp_factors")),
    )
    op.create_table(
        "authorization_codes",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("session_id", TEXT, nullable=False),
        sa.Column("organization_id", TEXT, nullable=True),
        sa.Column("redirect_uri", TEXT, nullable=False),
        sa.Column("code_challenge", TEXT, nullable=False),
        sa.Column("audience", TEXT, nullable=True),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("nonce", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("family_id", TEXT, nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_authorization_codes_client_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_authorization_codes_organization_id")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_authorization_codes_session_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_authorization_codes_user_id")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_authorization_codes")),
    )
    op.create_index("ix_authorization_codes_code_challenge", "authorization_codes", ["code_challenge"], unique=False)
    op.create_table(
        "client_urls",
        sa.Column("organization_id", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("url", TEXT, nullable=False),
        sa.CheckConstraint("kind IN ('callback', 'logout', 'origin')", name=op.f("ck_client_urls_kind")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_client_urls_client_id")),
        sa.ForeignKeyConstraint(["organization_id"], ["organizations.id"], name=op.f("fk_client_urls_organization_id")),
        sa.PrimaryKeyConstraint("client_id", "kind", "url", name=op.f("pk_client_urls")),
        info={"tenant": True},
    )
    op.create_index("ix_client_urls_url", "client_urls", ["kind", "url"], unique=False)
    op.create_table(
        "consents",
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_consents_client_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_consents_user_id")),
        sa.PrimaryKeyConstraint("user_id", "client_id", name=op.f("pk_consents")),
    )
    op.create_table(
        "session_clients",
        sa.Column("session_id", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_session_clients_client_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_session_clients_session_id")),
        sa.PrimaryKeyConstraint("session_id", "client_id", name=op.f("pk_session_clients")),
    )
    op.create_table(
        "token_families",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("session_id", TEXT, nullable=False),
        sa.Column("organization_id", TEXT, nullable=True),
        sa.Column("audience", TEXT, nullable=True),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("nonce", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("rotated_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_token_families_client_id")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_token_families_organization_id")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_token_families_session_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_token_families_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token_families")),
    )
    op.create_index(op.f("ix_token_families_client_id"), "token_families", ["client_id"], unique=False)
    op.create_index(op.f("ix_token_families_session_id"), "token_families", ["session_id"], unique=False)
    op.create_index(op.f("ix_token_families_user_id"), "token_families", ["user_id"], unique=False)

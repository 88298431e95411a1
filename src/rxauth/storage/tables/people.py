"""People, who belong to no single organization, and what ties them to those they work for."""

from typing import Final

from sqlalchemy import JSON, BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Index, LargeBinary, Table

from rxauth.storage.tables.metadata import Text, metadata, tenant_table

users: Final = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    # As the person writes it; email_key is what addresses are compared by.
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False, unique=True),
    Column("email_verified_at", BigInteger),
    Column("phone", Text),
    Column("title", Text),
    Column("first_name", Text, nullable=False),
    Column("middle_name", Text),
    Column("last_name", Text, nullable=False),
    Column("npi", Text),
    Column("fax", Text),
    Column("address", JSON(none_as_null=True)),
    # As the person writes it under what they send.
    Column("signature", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    # Tokens and sessions from before this moment are refused; 0 refuses none.
    Column("tokens_valid_after", BigInteger, nullable=False),
)

# Apart from their people, so that no query about a person ever reads a hash.
passwords: Final = Table(
    "passwords",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    Column("hash", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

memberships: Final = tenant_table(
    "memberships",
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True, index=True),
    Column("created_at", BigInteger, nullable=False),
    # Since when the person may sign in past the identity provider that everybody else must use; null: it may not.
    Column("emergency_since", BigInteger),
    in_primary_key=True,
)

membership_roles: Final = tenant_table(
    "membership_roles",
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True, index=True),
    Column("role", Text, primary_key=True),
    in_primary_key=True,
)
Index(
    "ix_membership_roles_role",
    membership_roles.c.organization_id,
    membership_roles.c.role,
    membership_roles.c.user_id,
)

# The words of members' names and addresses, folded, by which they are found.
member_words: Final = tenant_table(
    "member_words",
    Column("word", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True, index=True),
    in_primary_key=True,
)

# What an administrator asked of a second one: to take the second factors of whoever may have to prescribe.
factor_resets: Final = tenant_table(
    "factor_resets",
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("asked_by", Text, ForeignKey("users.id"), nullable=False),
    Column("asked_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("approved_by", Text, ForeignKey("users.id")),
    Column("approved_at", BigInteger),
    # Taken back, or asked anew.
    Column("ended_at", BigInteger),
    CheckConstraint("asked_by <> user_id", name="not_one_s_own"),
    CheckConstraint("approved_by <> asked_by AND approved_by <> user_id", name="two_people"),
)
Index("ix_factor_resets_user", factor_resets.c.organization_id, factor_resets.c.user_id, factor_resets.c.id)

invites: Final = tenant_table(
    "invites",
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("email", Text, nullable=False),
    Column("email_key", Text, nullable=False),
    # The names of the roles, with a line break between them.
    Column("roles", Text, nullable=False),
    Column("inviter_id", Text, ForeignKey("users.id")),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("accepted_at", BigInteger),
    Column("revoked_at", BigInteger),
)
Index("ix_invites_organization_id_id", invites.c.organization_id, invites.c.id)

password_resets: Final = Table(
    "password_resets",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)

email_changes: Final = Table(
    "email_changes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("email", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)

# Letters wait here until they are handed over; sealed, because they hold addresses and links.
mails: Final = Table(
    "mails",
    metadata,
    Column("id", Text, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("next_attempt_at", BigInteger, nullable=False),
    Column("attempts", BigInteger, nullable=False),
    Column("sent_at", BigInteger),
)
Index("ix_mails_waiting", mails.c.sent_at, mails.c.next_attempt_at)

totp_factors: Final = Table(
    "totp_factors",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    # Null until a first code proved that the person's device has the secret.
    Column("sealed_secret", LargeBinary),
    Column("confirmed_at", BigInteger),
    # What is being set up, beside or in place of the secret: a new device never shuts out the old one on the way.
    Column("sealed_pending", LargeBinary),
    Column("pending_at", BigInteger, nullable=False),
    # The step of the last code that was accepted: no step is accepted twice.
    Column("last_step", BigInteger, nullable=False),
)

passkeys: Final = Table(
    "passkeys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("transports", Text, nullable=False),
    Column("backed_up", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("last_used_at", BigInteger),
)

passkey_challenges: Final = Table(
    "passkey_challenges",
    metadata,
    Column("challenge", LargeBinary, primary_key=True),
    # Null when a passkey is asked for before anybody said who they are.
    Column("user_id", Text, ForeignKey("users.id")),
    Column("browser_digest", LargeBinary, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
)

recovery_codes: Final = Table(
    "recovery_codes",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
)

# Failures since the last success, of every factor and in every process together; those in browsers that the person
# signed in with before are counted apart.
failed_proofs: Final = Table(
    "failed_proofs",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("known_count", BigInteger, nullable=False, server_default="0"),
    Column("known_last_at", BigInteger, nullable=False, server_default="0"),
)

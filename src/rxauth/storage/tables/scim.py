"""SCIM: what an organization's identity provider says of its people and groups, and the tokens that it has."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, ForeignKeyConstraint, Index, LargeBinary, Table

from rxauth.storage.tables.metadata import Text, tenant_table

scim_tokens: Final[Table] = tenant_table(
    "scim_tokens",
    Column("id", Text, primary_key=True),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("created_by", Text, ForeignKey("users.id"), nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    # To the minute.
    Column("last_used_at", BigInteger),
    # When its keepers are next told that it ends; null: nothing is left to tell.
    Column("remind_at", BigInteger, index=True),
)
Index("ix_scim_tokens_organization_id_id", scim_tokens.c.organization_id, scim_tokens.c.id)

scim_users: Final[Table] = tenant_table(
    "scim_users",
    Column("id", Text, primary_key=True),
    Column("user_name_key", Text, nullable=False),
    Column("external_id", Text),
    Column("active", Boolean, nullable=False),
    # As JSON, what the provider said, as far as the schema knows it; the person's own account is apart.
    Column("resource", LargeBinary, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    # The person it became; null: nobody yet.
    Column("user_id", Text, ForeignKey("users.id")),
    # The account was made for it, where the address was nobody's and in a domain of the organization.
    Column("made_account", Boolean, nullable=False),
    # What its groups gave the person, with a line break between the roles; others were given by people.
    Column("given_roles", Text, nullable=False),
    # The address that was invited, as addresses are compared; null: none was.
    Column("invited_key", Text),
    # What its groups give is worked out anew from this moment on; null: nothing changed since it was.
    Column("settle_at", BigInteger, index=True),
    in_primary_key=True,
)
Index("uq_scim_users_user_name", scim_users.c.organization_id, scim_users.c.user_name_key, unique=True)
Index("uq_scim_users_user_id", scim_users.c.user_id, scim_users.c.organization_id, unique=True)
Index("ix_scim_users_external_id", scim_users.c.organization_id, scim_users.c.external_id)
Index("ix_scim_users_changed", scim_users.c.organization_id, scim_users.c.changed_at_ms)
Index("ix_scim_users_active", scim_users.c.organization_id, scim_users.c.active, scim_users.c.id)
Index("ix_scim_users_invited", scim_users.c.organization_id, scim_users.c.invited_key)

scim_emails: Final[Table] = tenant_table(
    "scim_emails",
    Column("email_key", Text, primary_key=True),
    Column("scim_user_id", Text, primary_key=True),
    ForeignKeyConstraint(
        ["organization_id", "scim_user_id"], ["scim_users.organization_id", "scim_users.id"], name="fk_scim_emails_user"
    ),
    in_primary_key=True,
)
Index("ix_scim_emails_scim_user_id", scim_emails.c.organization_id, scim_emails.c.scim_user_id)

scim_groups: Final[Table] = tenant_table(
    "scim_groups",
    Column("id", Text, primary_key=True),
    Column("display_name", Text, nullable=False),
    Column("display_key", Text, nullable=False),
    Column("external_id", Text),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("changed_at_ms", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    in_primary_key=True,
)
Index("ix_scim_groups_display", scim_groups.c.organization_id, scim_groups.c.display_key)
Index("ix_scim_groups_external_id", scim_groups.c.organization_id, scim_groups.c.external_id)
Index("ix_scim_groups_changed", scim_groups.c.organization_id, scim_groups.c.changed_at_ms)

scim_members: Final[Table] = tenant_table(
    "scim_members",
    Column("group_id", Text, primary_key=True),
    Column("scim_user_id", Text, primary_key=True),
    ForeignKeyConstraint(
        ["organization_id", "group_id"], ["scim_groups.organization_id", "scim_groups.id"], name="fk_scim_members_group"
    ),
    ForeignKeyConstraint(
        ["organization_id", "scim_user_id"],
        ["scim_users.organization_id", "scim_users.id"],
        name="fk_scim_members_user",
    ),
    in_primary_key=True,
)
Index("ix_scim_members_scim_user_id", scim_members.c.organization_id, scim_members.c.scim_user_id)

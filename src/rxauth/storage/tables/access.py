"""Organizations, their API clients, the signing keys, and the feed of changes to them."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    Table,
    text,
)

from rxauth.storage.tables.metadata import RowNumber, Text, metadata, tenant_table

organizations: Final = Table(
    "organizations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    # Null: the installation's own limits hold.
    Column("session_idle_s", BigInteger),
    Column("session_lifetime_s", BigInteger),
    Column("second_factor_required", Boolean, nullable=False),
    # The only way to begin a sign-in; null: any will do.
    Column("sole_first_factor", Text),
    # Where invites may go, with a space between the domains; null: anywhere.
    Column("email_domains", Text),
    # As #rrggbb.
    Column("accent_color", Text),
    # The picture's name, after its content and its kind; the picture itself is apart.
    Column("logo", Text),
    # Providers may be the second person for their own authority; never both.
    Column("solo_authority", Boolean, nullable=False),
    # Where patients are whose state nobody knows; null: then nobody prescribes for them.
    Column("home_state", Text),
    # How long ago whoever signs a prescription may have proven two factors; null: it is not asked.
    Column("signing_max_age_s", BigInteger),
    Column("npi", Text),
    Column("email", Text),
    Column("phone", Text),
    Column("fax", Text),
    Column("address", JSON(none_as_null=True)),
)

organization_logos: Final = tenant_table(
    "organization_logos", Column("image", LargeBinary, nullable=False), in_primary_key=True
)

clients: Final = tenant_table(
    "clients",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("app_type", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    # Tokens issued before this moment are refused; 0 refuses none.
    Column("tokens_valid_after", BigInteger, nullable=False),
    # Of somebody else: people are asked before it gets anything.
    Column("third_party", Boolean, nullable=False),
    # Serves the people of every organization, not only those of its own.
    Column("any_organization", Boolean, nullable=False),
    Column("backchannel_logout_uri", Text),
    CheckConstraint("app_type IN ('non_interactive', 'spa', 'native', 'regular_web')", name="app_type"),
)
Index(
    "uq_clients_one_machine_client",
    clients.c.organization_id,
    unique=True,
    sqlite_where=text("app_type = 'non_interactive'"),
    postgresql_where=text("app_type = 'non_interactive'"),
)

client_permissions: Final = tenant_table(
    "client_permissions",
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    Column("permission", Text, primary_key=True),
    # The last line of defence, should every line of code before it fail.
    CheckConstraint("permission <> 'write:prescription'", name="no_machine_writes_prescriptions"),
)

client_urls: Final = tenant_table(
    "client_urls",
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    # callback: a redirect URI; logout: where to go after a logout; origin: of the client's pages.
    Column("kind", Text, primary_key=True),
    Column("url", Text, primary_key=True),
    CheckConstraint("kind IN ('callback', 'logout', 'origin')", name="kind"),
)
Index("ix_client_urls_url", client_urls.c.kind, client_urls.c.url)

audiences: Final = tenant_table(
    "audiences",
    Column("identifier", Text, primary_key=True),
    Column("lifetime_s", BigInteger, nullable=False),
    Column("algorithm", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("algorithm IN ('RS256', 'ES256', 'EdDSA')", name="algorithm"),
    in_primary_key=True,
)

client_secrets: Final = tenant_table(
    "client_secrets",
    Column("id", Text, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False, index=True),
    Column("digest", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("name", Text),
    # A person, or operator; null: nobody noted it.
    Column("created_by", Text),
    # When its keepers are next told that it ends; null: nothing is left to tell.
    Column("remind_at", BigInteger, index=True),
)

signing_keys: Final = Table(
    "signing_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("algorithm", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("public_jwk", Text, nullable=False),
    # Null once the key signs no more: what is gone cannot leak.
    Column("sealed_private", LargeBinary),
    # Of a key in a security module: its PKCS #11 URI, which stays until it is destroyed there.
    Column("private_place", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("verify_until", BigInteger),
    # Before its time: what it signed is refused, whatever verify_until says.
    Column("removed_at", BigInteger),
    CheckConstraint("state IN ('next', 'current', 'previous')", name="state"),
)
Index(
    "uq_signing_keys_one_of_a_state",
    signing_keys.c.algorithm,
    signing_keys.c.state,
    unique=True,
    sqlite_where=text("state <> 'previous'"),
    postgresql_where=text("state <> 'previous'"),
)

changes: Final = Table(
    "changes",
    metadata,
    Column("id", RowNumber, primary_key=True, autoincrement=True),
    Column("transaction_id", BigInteger, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("subject_id", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("recorded_at_us", BigInteger),  # by the database's clock; an older server says nothing of it
)

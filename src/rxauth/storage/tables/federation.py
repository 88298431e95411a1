"""Signing in with an organization's own identity provider: connections, who came through them, and what was taken."""

from typing import Final

from sqlalchemy import JSON, BigInteger, CheckConstraint, Column, ForeignKey, Index, LargeBinary, text

from rxauth.storage.tables.metadata import Text, tenant_table

connections: Final = tenant_table(
    "connections",
    Column("id", Text, primary_key=True),
    # What clients name it by, in the whole installation.
    Column("name", Text, nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("joining", Text, nullable=False),
    # What its kind needs: see domain.connection_settings.
    Column("settings", JSON, nullable=False),
    # The client secret; null: there is none.
    Column("sealed_secret", LargeBinary),
    # Which claim says what of a person, and which claims stand for a second factor.
    Column("mapping", JSON, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("disabled_at", BigInteger),
    # When somebody last came through it, to sign in or to try it; null: nobody did.
    Column("proven_at", BigInteger),
    # When somebody last looked whether a certificate of SAML ends soon; 0: nobody did.
    Column("certificates_looked_at", BigInteger, nullable=False, server_default="0"),
    CheckConstraint("kind IN ('openid_connect', 'saml')", name="kind"),
    CheckConstraint("joining IN ('just_in_time', 'invite_only')", name="joining"),
)
Index("ix_connections_organization_id_id", connections.c.organization_id, connections.c.id)
_SAML: Final = text("kind = 'saml'")
Index(
    "ix_connections_certificates_looked_at",
    connections.c.certificates_looked_at,
    connections.c.id,
    sqlite_where=_SAML,
    postgresql_where=_SAML,
)

# With which this server signs to a SAML provider, and opens what that encrypts; two while they change.
saml_keys: Final = tenant_table(
    "saml_keys",
    Column("connection_id", Text, ForeignKey("connections.id"), primary_key=True),
    Column("state", Text, primary_key=True),
    Column("certificate", LargeBinary, nullable=False),
    Column("sealed_private", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    CheckConstraint("state IN ('current', 'next', 'previous')", name="state"),
)

# Which groups of somebody else's directory stand for which roles. source: a connection, or "scim".
group_roles: Final = tenant_table(
    "group_roles",
    Column("source", Text, primary_key=True),
    Column("group_name", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    in_primary_key=True,
)

# Who came through a connection before: the one thing by which a person is known again.
upstream_identities: Final = tenant_table(
    "upstream_identities",
    Column("connection_id", Text, ForeignKey("connections.id"), primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("linked_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    # When their groups left them no role; null: they are in, or people removed them.
    Column("left_at", BigInteger),
)

# Browsers that were sent to an identity provider and are to come back, once.
upstream_requests: Final = tenant_table(
    "upstream_requests",
    # Of the state (or RelayState) that goes with the browser.
    Column("digest", LargeBinary, primary_key=True),
    Column("connection_id", Text, ForeignKey("connections.id"), nullable=False),
    # The sign-in that it is for; null: somebody tries the connection on the settings page.
    Column("sign_in_id", Text),
    Column("tried_by", Text, ForeignKey("users.id")),
    Column("browser_digest", LargeBinary, nullable=False),
    # What the answer must fit: the nonce, or the request's ID.
    Column("answers_to", Text, nullable=False),
    # The PKCE verifier that belongs to the state; null: there is none in SAML.
    Column("sealed_verifier", LargeBinary),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
    # What came of a trial, for its page.
    Column("sealed_outcome", LargeBinary),
    CheckConstraint("(sign_in_id IS NULL) <> (tried_by IS NULL)", name="one_purpose"),
)

# Browsers that were sent to a provider to end the session there, and go on after it, once.
upstream_logouts: Final = tenant_table(
    "upstream_logouts",
    # Of the RelayState that goes with the browser.
    Column("digest", LargeBinary, primary_key=True),
    Column("connection_id", Text, ForeignKey("connections.id"), nullable=False),
    Column("sealed_return_to", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
)

# Assertions and logout tokens that were taken: each counts once.
upstream_messages: Final = tenant_table(
    "upstream_messages",
    Column("connection_id", Text, ForeignKey("connections.id"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("taken_at", BigInteger, nullable=False, index=True),
)

# Which session at the identity provider a session of ours came of, so that both can end together.
upstream_sessions: Final = tenant_table(
    "upstream_sessions",
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("connection_id", Text, ForeignKey("connections.id"), nullable=False),
    Column("subject", Text, nullable=False),
    # Null: the provider named none.
    Column("upstream_session", Text),
    # What a logout there wants back: the ID token, or the name as it was written.
    Column("sealed_hint", LargeBinary),
)
Index("ix_upstream_sessions_subject", upstream_sessions.c.connection_id, upstream_sessions.c.subject)

domains: Final = tenant_table(
    "domains",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # What the domain's DNS has to say, as a text record; made when the row was, or when the one before was lost.
    Column("challenge", Text, nullable=False),
    # Where its people sign in; null: in the usual way.
    Column("connection_id", Text, ForeignKey("connections.id")),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("verified_at", BigInteger),
    Column("looked_at", BigInteger),
    # Since when a verified domain's DNS does not say it any more.
    Column("missing_since", BigInteger),
)
Index("uq_domains_organization_id_name", domains.c.organization_id, domains.c.name, unique=True)
_VERIFIED: Final = text("verified_at IS NOT NULL")
Index(
    "uq_domains_one_organization",
    domains.c.name,
    unique=True,
    sqlite_where=_VERIFIED,
    postgresql_where=_VERIFIED,
)

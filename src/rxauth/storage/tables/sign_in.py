"""Signing in: what is under way, the sessions that came of it, and what clients hold because of them."""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, Index, LargeBinary, Table

from rxauth.storage.tables.metadata import Text, metadata

sessions: Final = Table(
    "sessions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    # Of the cookie's value, which changes at every login and step-up.
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("created_at", BigInteger, nullable=False),
    Column("last_seen_at", BigInteger, nullable=False),
    Column("authenticated_at", BigInteger, nullable=False),
    # Authentication methods (RFC 8176), with a space between them.
    Column("methods", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("device", Text, nullable=False),
    # The organization that was last chosen in it: other clients of the browser go on with it.
    Column("organization_id", Text, ForeignKey("organizations.id")),
    Column("ended_at", BigInteger),
    # Of a sign-in with an organization's own identity provider: the only organization that the session opens.
    Column("confined_to", Text),
    # The organization whose administrators were told that it was opened past their identity provider.
    Column("emergency_in", Text),
)

session_clients: Final = Table(
    "session_clients",
    metadata,
    Column("session_id", Text, ForeignKey("sessions.id"), primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    Column("first_at", BigInteger, nullable=False),
)

sign_ins: Final = Table(
    "sign_ins",
    metadata,
    Column("id", Text, primary_key=True),
    # The browser that began it: nobody else can go on.
    Column("browser_digest", LargeBinary, nullable=False, index=True),
    # What was asked at the authorization endpoint, checked, as JSON; or where in the account pages to go.
    Column("request", Text, nullable=False),
    # Who proved to be whom so far, and how; null until the first proof.
    Column("user_id", Text, ForeignKey("users.id")),
    Column("methods", Text, nullable=False),
    Column("proven_at", BigInteger),
    Column("organization_id", Text, ForeignKey("organizations.id")),
    Column("consented_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
    # While somebody for whom an identity provider vouched owes more: the organization it opens, and what was said.
    Column("confined_to", Text),
    Column("sealed_upstream", LargeBinary),
)

# One authorization of a client by a person: its tokens live and die together.
token_families: Final = Table(
    "token_families",
    metadata,
    Column("id", Text, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("session_id", Text, ForeignKey("sessions.id"), nullable=False, index=True),
    # Null: no organization was chosen. audience null: the tokens are for /userinfo only.
    Column("organization_id", Text, ForeignKey("organizations.id")),
    Column("audience", Text),
    Column("scope", Text, nullable=False),
    Column("nonce", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    # Null without a refresh token. The successors are derived from this key and a counter.
    Column("sealed_key", LargeBinary),
    Column("counter", BigInteger, nullable=False),
    Column("rotated_at", BigInteger),
)
# Also who signed in through a client lately, from the index alone.
Index("ix_token_families_client_id", token_families.c.client_id, token_families.c.created_at, token_families.c.user_id)

authorization_codes: Final = Table(
    "authorization_codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("session_id", Text, ForeignKey("sessions.id"), nullable=False, index=True),
    Column("organization_id", Text, ForeignKey("organizations.id")),
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", Text, nullable=False),
    Column("audience", Text),
    Column("scope", Text, nullable=False),
    Column("nonce", Text),
    Column("created_at", BigInteger, nullable=False, index=True),
    Column("used_at", BigInteger),
    # The family that the first use began: a second use ends it.
    Column("family_id", Text, nullable=False),
)
Index("ix_authorization_codes_code_challenge", authorization_codes.c.code_challenge)

consents: Final = Table(
    "consents",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    Column("client_id", Text, ForeignKey("clients.id"), primary_key=True),
    Column("scope", Text, nullable=False),
    Column("given_at", BigInteger, nullable=False),
)

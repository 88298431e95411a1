"""Providers: who may prescribe for whom, the licences and registrations that it rests on, and the national register."""

from typing import Final

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Table,
)

from rxauth.storage.tables.metadata import Text, metadata, tenant_table

# The lock of authority: whatever gives, takes or limits it updates this row, and whoever prescribes reads it FOR SHARE.
provider_authorities: Final = tenant_table(
    "provider_authorities",
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True, index=True),
    Column("state", Text, nullable=False),
    # What was last approved; null until then.
    Column("npi", Text),
    # What showed that the NPI is this person's, as JSON.
    Column("npi_verification", JSON(none_as_null=True)),
    Column("effective_from", BigInteger),
    Column("effective_until", BigInteger),
    Column("reason", Text),
    # The two people of the last approval: user identifiers, or "operator".
    Column("proposed_by", Text),
    Column("approved_by", Text),
    Column("approved_at", BigInteger),
    # What waits for a second person; all null if nothing does.
    Column("proposal_id", Text),
    Column("asked_act", Text),
    Column("asked_by", Text),
    Column("asked_at", BigInteger),
    Column("proposal", JSON(none_as_null=True)),
    Column("changed_at", BigInteger, nullable=False),
    CheckConstraint("state IN ('proposed', 'approved', 'suspended', 'revoked', 'rejected')", name="state"),
    CheckConstraint("asked_act IN ('propose', 'ask_restore', 'ask_change')", name="asked_act"),
    # The last line of defence, should every line of code before it fail.
    CheckConstraint(
        "state <> 'approved' OR (npi IS NOT NULL AND effective_from IS NOT NULL AND approved_at IS NOT NULL"
        " AND proposed_by IS NOT NULL AND approved_by IS NOT NULL AND proposed_by <> approved_by)",
        name="two_people",
    ),
    in_primary_key=True,
)

Index(
    "ix_provider_authorities_asked_at",
    provider_authorities.c.organization_id,
    provider_authorities.c.asked_at,
    provider_authorities.c.user_id,
)
Index(
    "ix_provider_authorities_effective_until",
    provider_authorities.c.organization_id,
    provider_authorities.c.effective_until,
    provider_authorities.c.user_id,
)

_AUTHORITY: Final = ("provider_authorities.organization_id", "provider_authorities.user_id")

provider_licences: Final = tenant_table(
    "provider_licences",
    Column("user_id", Text, primary_key=True),
    Column("state", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("status", Text, nullable=False),
    Column("expires_on", Text, nullable=False),
    # What showed that the licence is good: against what it was checked, when and by whom; all null: nothing did.
    Column("source", Text),
    Column("reference", Text),
    Column("checked_at", BigInteger),
    Column("checked_by", Text),
    ForeignKeyConstraint(["organization_id", "user_id"], _AUTHORITY),
    in_primary_key=True,
)

Index(
    "ix_provider_licences_expires_on",
    provider_licences.c.organization_id,
    provider_licences.c.expires_on,
    provider_licences.c.user_id,
)

# With the Drug Enforcement Administration; nothing rests on them yet.
provider_registrations: Final = tenant_table(
    "provider_registrations",
    Column("user_id", Text, primary_key=True),
    Column("number", Text, primary_key=True),
    Column("state", Text, nullable=False),
    # With a space between them.
    Column("schedules", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("expires_on", Text, nullable=False),
    Column("source", Text),
    Column("reference", Text),
    Column("checked_at", BigInteger),
    Column("checked_by", Text),
    ForeignKeyConstraint(["organization_id", "user_id"], _AUTHORITY),
    in_primary_key=True,
)

Index(
    "ix_provider_registrations_expires_on",
    provider_registrations.c.organization_id,
    provider_registrations.c.expires_on,
    provider_registrations.c.user_id,
)

# What was done about each authority, for whoever decides about it. The audit log is the proof, and has the details.
provider_history: Final = tenant_table(
    "provider_history",
    Column("user_id", Text, primary_key=True),
    # Which act on this authority it was, from 1.
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("event", Text, nullable=False),
    Column("actor_kind", Text, nullable=False),
    Column("actor_id", Text),
    Column("reason", Text),
    Column("licence_state", Text),
    Column("licence_status", Text),
    ForeignKeyConstraint(["organization_id", "user_id"], _AUTHORITY),
    in_primary_key=True,
)

# The national register of providers, as last imported. It belongs to no organization: everybody may look it up.
nppes_providers: Final = Table(
    "nppes_providers",
    metadata,
    Column("npi", Text, primary_key=True),
    # 1 an individual, 2 an organization; null: a deactivated NPI, of which the register says no more.
    Column("entity_type", BigInteger),
    Column("last_name_key", Text, nullable=False),
    Column("first_name_key", Text, nullable=False),
    Column("deactivated_on", Text),
    Column("imported_at", BigInteger, nullable=False),
)

"""The audit outbox: one record for each act, committed with the act, without personal data or secrets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, insert

from rxauth.ids import new_ulid
from rxauth.storage.database import Database, Origin, Transaction
from rxauth.storage.many_rows import insert_rows, packed
from rxauth.storage.sequencing import record_number
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tenancy import sql

VERSION: Final = 1
_INSERT = sql(
    insert(audit_outbox).values(
        id=bindparam("id"),
        recorded_at_us=bindparam("recorded_at_us"),
        organization_id=bindparam("organization_id"),
        entry=bindparam("entry"),
        number=record_number(),
    )
)
_INSERT_ALL = insert_rows(audit_outbox, number=record_number())


class Event(StrEnum):
    """What is recorded."""

    AUDIT_LOG_OPENED = "audit_log.opened"
    AUDIT_DAILY_REPORT = "audit.daily_report"
    AUDIT_KEY_ROTATED = "audit.key_rotated"
    AUDIT_VERIFIED = "audit.verified"
    AUDIT_EXPORTED = "audit.exported"
    AUDIT_READ = "audit.read"
    AUDIT_ERASURE_REFUSED = "audit.erasure_refused"
    TOKEN_ISSUED = "token.issued"  # noqa: S105
    TOKEN_REFUSED = "token.refused"  # noqa: S105
    REQUEST_REFUSED = "request.refused"
    CODE_REUSED = "authorization_code.reused"
    REFRESH_TOKEN_REUSED = "refresh_token.reused"  # noqa: S105
    AUTHORIZATION_REVOKED = "authorization.revoked"
    SIGNED_IN = "person.signed_in"
    SIGN_IN_REFUSED = "person.sign_in_refused"
    SIGNED_OUT = "person.signed_out"
    RIGHT_REFUSED = "database.right_refused"
    SANDBOX_MADE = "sandbox.made"
    INSTALLATION_RESTORED = "installation.restored"
    ORGANIZATION_CREATED = "organization.created"
    SIGN_IN_RULES_SET = "organization.sign_in_rules_set"
    ORGANIZATION_CHANGED = "organization.changed"
    ORGANIZATION_SETTINGS_CHANGED = "organization.settings_changed"
    ORGANIZATION_DISABLED = "organization.disabled"
    ORGANIZATION_ENABLED = "organization.enabled"
    OPERATOR_ADDED = "operator.added"
    OPERATOR_REMOVED = "operator.removed"
    CLIENT_CREATED = "client.created"
    CLIENT_CHANGED = "client.changed"
    CLIENT_DISABLED = "client.disabled"
    CLIENT_PERMISSIONS_SET = "client.permissions_set"
    CLIENT_PERMISSIONS_REFUSED = "client.permissions_refused"
    SECRET_CREATED = "secret.created"  # noqa: S105
    SECRET_CHANGED = "secret.changed"  # noqa: S105
    SECRET_REVOKED = "secret.revoked"  # noqa: S105
    TOKENS_REVOKED = "client.tokens_revoked"
    KEYS_MADE = "signing_key.made"
    KEYS_ROTATED = "signing_key.rotated"
    KEY_REMOVED = "signing_key.removed"
    PERSON_INVITED = "person.invited"
    INVITE_ACCEPTED = "invite.accepted"
    INVITE_REVOKED = "invite.revoked"
    IDENTITY_LINKED = "identity.linked"
    MEMBER_JOINED = "member.joined"
    MEMBER_ROLES_SET = "member.roles_set"
    MEMBER_REMOVED = "member.removed"
    MEMBER_SESSIONS_ENDED = "member.sessions_ended"
    MEMBER_REFUSED = "member.refused"
    PERSON_IMPORTED = "person.imported"
    PERSON_DISABLED = "person.disabled"
    PASSWORD_CHANGED = "password.changed"  # noqa: S105
    PASSWORD_RESET_ASKED = "password.reset_asked"  # noqa: S105
    PASSWORD_RESET = "password.reset"  # noqa: S105
    EMAIL_CHANGE_ASKED = "email.change_asked"
    EMAIL_CHANGED = "email.changed"
    AUDIENCE_ADDED = "audience.added"
    PROFILE_CHANGED = "profile.changed"
    CONSENT_TAKEN_BACK = "consent.taken_back"
    FACTOR_ADDED = "factor.added"
    FACTOR_REMOVED = "factor.removed"
    RECOVERY_CODES_MADE = "recovery_codes.made"
    FACTOR_RESET_ASKED = "factor.reset_asked"
    FACTOR_RESET_WITHDRAWN = "factor.reset_withdrawn"
    FACTORS_RESET = "factor.reset"
    NPPES_IMPORT_BEGUN = "nppes.import_begun"
    NPPES_IMPORTED = "nppes.imported"
    REFERENCE_IMPORTED = "reference.imported"
    PROVIDER_PROPOSED = "provider.proposed"
    PROVIDER_CHANGE_ASKED = "provider.change_asked"
    PROVIDER_RESTORE_ASKED = "provider.restore_asked"
    PROVIDER_APPROVED = "provider.approved"
    PROVIDER_CHANGED = "provider.changed"
    PROVIDER_RESTORED = "provider.restored"
    PROVIDER_REJECTED = "provider.rejected"
    PROVIDER_SUSPENDED = "provider.suspended"
    PROVIDER_LIMITED = "provider.limited"
    PROVIDER_REVOKED = "provider.revoked"
    PROVIDER_REFUSED = "provider.refused"
    PROVIDER_RULES_SET = "organization.provider_rules_set"
    PRESCRIPTION_WRITTEN = "prescription.written"
    PRESCRIPTION_REFUSED = "prescription.refused"
    PRESCRIPTION_CANCELED = "prescription.canceled"
    ACCESS_LOG_READ = "access_log.read"
    ACCESS_RECORDS_LOST = "access_log.records_lost"
    SCIM_TOKEN_CREATED = "scim_token.created"  # noqa: S105
    SCIM_TOKEN_REVOKED = "scim_token.revoked"  # noqa: S105
    GROUP_ROLES_SET = "group.roles_set"
    SCIM_USER_CREATED = "scim_user.created"
    SCIM_USER_CHANGED = "scim_user.changed"
    SCIM_USER_DEACTIVATED = "scim_user.deactivated"
    SCIM_USER_ACTIVATED = "scim_user.activated"
    SCIM_USER_DELETED = "scim_user.deleted"
    SCIM_GROUP_CREATED = "scim_group.created"
    SCIM_GROUP_CHANGED = "scim_group.changed"
    SCIM_GROUP_DELETED = "scim_group.deleted"
    MEMBER_ADDED = "member.added"
    CONNECTION_ADDED = "connection.added"
    CONNECTION_CHANGED = "connection.changed"
    CONNECTION_SECRET_SET = "connection.secret_set"  # noqa: S105
    CONNECTION_GROUPS_SET = "connection.groups_set"
    CONNECTION_ENABLED = "connection.enabled"
    CONNECTION_DISABLED = "connection.disabled"
    CONNECTION_REMOVED = "connection.removed"
    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_TESTED = "webhook.tested"
    WEBHOOK_REDELIVERED = "webhook.redelivered"
    DOMAIN_ADDED = "domain.added"
    DOMAIN_VERIFIED = "domain.verified"
    DOMAIN_CHANGED = "domain.changed"
    DOMAIN_LOST = "domain.lost"
    DOMAIN_REMOVED = "domain.removed"
    EMERGENCY_ACCESS_GIVEN = "emergency_access.given"
    EMERGENCY_ACCESS_TAKEN = "emergency_access.taken"
    EMERGENCY_ACCESS_USED = "emergency_access.used"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acted. kind: client, person, scim (an identity provider, by its token), operator, server, schedule,
    consequence, or anonymous (no proof).

    An operator without an id is the command line; with one, a person at the console.
    """

    kind: str
    id: str | None = None


OPERATOR: Final = Actor("operator")
SERVER: Final = Actor("server")
SCHEDULE: Final = Actor("schedule")  # what the settings ask for, when its time has come
ANONYMOUS: Final = Actor("anonymous")
# What follows by itself from another act of the same transaction, whose record says who acted.
CONSEQUENCE: Final = Actor("consequence")


@dataclass(frozen=True, slots=True)
class Act:
    """One act to record.

    reason: a code, for what was refused. organization_id None: it concerns the installation. details: identifiers,
    codes and whole numbers only. count: how many equal acts this stands for.
    """

    event: Event
    actor: Actor
    organization_id: str | None = None
    target: str | None = None
    reason: str | None = None
    network: str | None = None
    request_id: str | None = None
    count: int = 1
    details: Mapping[str, str | int] = field(default_factory=dict)


def row(act: Act, at_us: int, origin: Origin | None = None) -> dict[str, Any]:
    """Returns the outbox row of an act; at_us: UTC microseconds. origin: of the request, where the act does not say."""
    network, request_id = act.network, act.request_id
    if origin is not None:
        network, request_id = network or origin.network, request_id or origin.request_id
    entry: dict[str, Any] = {
        "v": VERSION,
        "at_us": at_us,
        "event": act.event,
        "outcome": "success" if act.reason is None else "failure",
        "actor": {"kind": act.actor.kind, "id": act.actor.id},
        "organization_id": act.organization_id,
        "target": act.target,
        "reason": act.reason,
        "network": network,
        "request_id": request_id,
        "count": act.count,
        **act.details,
    }
    return {
        "id": new_ulid(at_us // 1_000),
        "recorded_at_us": at_us,
        "organization_id": act.organization_id,
        "entry": msgspec.json.encode(entry, order="sorted"),
    }


def record(transaction: Transaction, act: Act, at_us: int) -> None:
    """Records an act in the transaction that performs it."""
    transaction.run(_INSERT, **row(act, at_us, transaction.origin))


def record_each(transaction: Transaction, acts: Iterable[Act], at_us: int) -> None:
    """Records several acts of one moment in the transaction that performs them."""
    record_all(transaction, [row(act, at_us, transaction.origin) for act in acts])


def record_all(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Records many acts at once, each as `row` made it."""
    if rows:
        transaction.run(_INSERT_ALL, **packed(audit_outbox, rows))


def record_group(database: Database, rows: Sequence[Mapping[str, Any]]) -> None:
    """Records many acts at once that nothing else is committed with; returns when they are durable."""
    if rows:
        database.write_one(_INSERT_ALL, **packed(audit_outbox, rows))

"""The resolvers of the management contract, one file per noun, and the table that binds them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from rxauth.api.management import (
    accesses,
    account,
    audiences,
    audit,
    clients,
    machine,
    machine_secrets,
    organizations,
    provider_lists,
    provider_people,
    providers,
    rules,
    shown,
)
from rxauth.api.management.inputs import INPUTS
from rxauth.api.schema import Resolver

RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {
        "Query": {
            "accessLog": accesses.search,
            "audiences": audiences.search,
            "auditEntries": audit.search,
            "clients": clients.search,
            "myConsents": account.own_consents,
            "mySessions": account.own_sessions,
            "machineClient": machine.find,
            "organization": organizations.organization,
            "organizations": organizations.of_person,
            "patientAccess": accesses.of_patient,
            "providerAuthorities": providers.search,
            "providerAuthority": providers.provider,
            "providerExpirations": provider_lists.expirations,
            "providerHistory": provider_lists.history,
            "providerRules": rules.rules,
        },
        "Mutation": {
            "proposeProviderAuthority": providers.propose,
            "changeProviderAuthority": providers.change,
            "askRestoreProviderAuthority": providers.ask_restore,
            "approveProviderAuthority": providers.approve,
            "rejectProviderAuthority": providers.reject,
            "suspendProviderAuthority": providers.suspend,
            "revokeProviderAuthority": providers.revoke,
            "limitProviderLicence": providers.limit,
            "setProviderRules": rules.set_rules,
            "rotateSecret": clients.rotate_secret,
            "endMySession": account.end_session,
            "endMyOtherSessions": account.end_other_sessions,
            "revokeMyConsent": account.revoke_consent,
            "updateOrganization": organizations.update,
            "createMachineClient": machine.create,
            "setMachinePermissions": machine.set_permissions,
            "createMachineSecret": machine_secrets.create,
            "renameMachineSecret": machine_secrets.rename,
            "setMachineSecretExpiry": machine_secrets.set_expiry,
            "revokeMachineSecret": machine_secrets.revoke,
        },
        "Organization": {"type": organizations.kind},
        "OwnConsent": {
            "name": shown.of("client_name"),
            "permissions": account.permissions,
            "agreedAt": shown.moment("given_at"),
        },
        "ProviderAuthority": {
            "state": shown.state,
            "refusal": shown.refusal,
            "effectiveFrom": shown.moment("effective_from"),
            "reason": shown.reason,
            "approvedAt": shown.moment("approved_at"),
            "changedAt": shown.moment("changed_at"),
            "name": provider_people.name,
            "proposedByName": provider_people.proposed_by_name,
            "approvedByName": provider_people.approved_by_name,
            "acts": provider_people.acts,
            "approvalRefusal": provider_people.approval_refusal,
            "npiCheck": provider_people.npi_check,
        },
        "AuthorityProposal": {
            "kind": shown.named("act"),
            "askedAt": shown.moment("asked_at"),
            "askedByName": provider_people.asked_by_name,
            "lapsesAt": provider_people.lapses_at,
        },
        "AuthorityRefusal": {"message": shown.of("reason")},
        "NpiCheck": {"importedAt": shown.moment("imported_at")},
        "AuthorityHistoryEntry": {
            "at": shown.moment("at"),
            "event": provider_lists.event,
            "actorName": provider_lists.actor_name,
            "reason": provider_lists.reason,
            "licenceStatus": provider_lists.licence_status,
        },
        "ProviderExpiration": {
            "what": shown.named("what"),
            "name": provider_lists.expiring_name,
            "endsAt": shown.moment("ends_at"),
            "hasEnded": provider_lists.has_ended,
        },
        "ProviderFacts": {"effectiveUntil": shown.moment("effective_until")},
        "StateLicence": {
            "state": shown.of("licence.state"),
            "number": shown.of("licence.number"),
            "status": shown.named("licence.status"),
            "expiresOn": shown.of("licence.expires_on"),
        },
        "DeaRegistration": {"schedules": shown.schedules, "status": shown.named("status")},
        "FactVerification": {
            "checkedAt": shown.moment("checked_at"),
            "checkedByName": provider_people.checked_by_name,
        },
        "ProviderRules": {
            "solo": shown.of("solo_authority"),
            "signingMaxAgeSeconds": shown.of("signing_max_age_s"),
        },
        "MachineClient": {
            "createdAt": shown.moment("created_at"),
            "isDisabled": shown.of("disabled"),
            "tokenLifetimeSeconds": machine.token_lifetime,
            "permissions": machine.permissions,
            "secrets": machine_secrets.search,
        },
        "MachineSecret": {
            "id": shown.of("stored.id"),
            "name": shown.of("stored.name"),
            "secret": shown.of("text"),
            "state": machine_secrets.state,
            "createdAt": shown.moment("stored.created_at"),
            "createdBy": shown.of("stored.created_by"),
            "expiresAt": shown.moment("stored.expires_at"),
            "revokedAt": shown.moment("stored.revoked_at"),
        },
        "AccessRecord": {"at": shown.of("at_ms")},
        "AuditEntry": {"at": audit.at_ms, "details": audit.details},
    }
)

__all__ = ["INPUTS", "RESOLVERS"]

"""Acts of the audit log in words: who did what, as a person would say it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rxauth.domain.audit import Event

# What follows the name of who did it; after it comes what it was done to, if that has a name.
DID: Final[Mapping[Event, str]] = MappingProxyType(
    {
        Event.AUDIT_LOG_OPENED: "opened the audit log",
        Event.AUDIT_DAILY_REPORT: "reported of a day of the audit log",
        Event.AUDIT_KEY_ROTATED: "replaced the key of the audit log",
        Event.AUDIT_VERIFIED: "verified the audit log",
        Event.AUDIT_EXPORTED: "exported the audit log",
        Event.AUDIT_READ: "read an entry of the audit log",
        Event.AUDIT_ERASURE_REFUSED: "was refused to erase an entry of the audit log",
        Event.TOKEN_ISSUED: "got a token",
        Event.TOKEN_REFUSED: "was refused a token",
        Event.REQUEST_REFUSED: "was refused a request",
        Event.CODE_REUSED: "sent an authorization code twice",
        Event.REFRESH_TOKEN_REUSED: "sent a refresh token that was spent",
        Event.AUTHORIZATION_REVOKED: "ended a sign-in to an app",
        Event.SIGNED_IN: "signed in",
        Event.SIGN_IN_REFUSED: "was refused to sign in",
        Event.SIGNED_OUT: "signed out",
        Event.RIGHT_REFUSED: "was refused to change what only grows",
        Event.SANDBOX_MADE: "made the sandbox",
        Event.INSTALLATION_RESTORED: "ended what was issued before the database was restored",
        Event.ORGANIZATION_CREATED: "made the organization",
        Event.SIGN_IN_RULES_SET: "set the rules for signing in",
        Event.ORGANIZATION_CHANGED: "changed what the organization is called, or where it is",
        Event.ORGANIZATION_SETTINGS_CHANGED: "changed the organization's settings",
        Event.ORGANIZATION_DISABLED: "disabled the organization",
        Event.ORGANIZATION_ENABLED: "enabled the organization",
        Event.OPERATOR_ADDED: "added an operator",
        Event.OPERATOR_REMOVED: "removed an operator",
        Event.CLIENT_CREATED: "made an app",
        Event.CLIENT_CHANGED: "changed an app",
        Event.CLIENT_DISABLED: "removed an app",
        Event.CLIENT_PERMISSIONS_SET: "changed the permissions of a machine client",
        Event.CLIENT_PERMISSIONS_REFUSED: "was refused to change the permissions of a machine client",
        Event.SECRET_CREATED: "made a secret",
        Event.SECRET_CHANGED: "changed a secret",
        Event.SECRET_REVOKED: "revoked a secret",
        Event.TOKENS_REVOKED: "revoked the tokens of an app",
        Event.KEYS_MADE: "made a signing key",
        Event.KEYS_ROTATED: "rotated a signing key",
        Event.KEY_REMOVED: "removed a signing key, with all that it signed",
        Event.PERSON_INVITED: "invited somebody",
        Event.INVITE_ACCEPTED: "accepted an invitation",
        Event.INVITE_REVOKED: "withdrew an invitation",
        Event.IDENTITY_LINKED: "was linked to an account of the identity provider",
        Event.MEMBER_JOINED: "joined through the identity provider",
        Event.MEMBER_ROLES_SET: "changed somebody's roles",
        Event.MEMBER_REMOVED: "removed somebody from the team",
        Event.MEMBER_SESSIONS_ENDED: "ended somebody's sessions",
        Event.MEMBER_REFUSED: "was refused to change a member",
        Event.PERSON_IMPORTED: "imported somebody",
        Event.PERSON_DISABLED: "disabled somebody",
        Event.PASSWORD_CHANGED: "changed a password",
        Event.PASSWORD_RESET_ASKED: "asked to reset a password",
        Event.PASSWORD_RESET: "reset a password",
        Event.EMAIL_CHANGE_ASKED: "asked for another e-mail address",
        Event.EMAIL_CHANGED: "changed an e-mail address",
        Event.AUDIENCE_ADDED: "added an audience",
        Event.PROFILE_CHANGED: "changed a profile",
        Event.CONSENT_TAKEN_BACK: "took back a consent",
        Event.FACTOR_ADDED: "added a second factor",
        Event.FACTOR_REMOVED: "removed a second factor",
        Event.FACTOR_RESET_ASKED: "asked to reset somebody's second factors",
        Event.FACTOR_RESET_WITHDRAWN: "withdrew a reset of second factors",
        Event.FACTORS_RESET: "reset somebody's second factors",
        Event.RECOVERY_CODES_MADE: "made recovery codes",
        Event.NPPES_IMPORT_BEGUN: "began an import of NPPES",
        Event.NPPES_IMPORTED: "imported NPPES",
        Event.REFERENCE_IMPORTED: "imported reference data",
        Event.PROVIDER_PROPOSED: "proposed a provider",
        Event.PROVIDER_CHANGE_ASKED: "asked for a change of a provider",
        Event.PROVIDER_RESTORE_ASKED: "asked to restore a provider",
        Event.PROVIDER_APPROVED: "approved a provider",
        Event.PROVIDER_CHANGED: "approved a change of a provider",
        Event.PROVIDER_RESTORED: "restored a provider",
        Event.PROVIDER_REJECTED: "rejected a provider",
        Event.PROVIDER_SUSPENDED: "suspended a provider",
        Event.PROVIDER_LIMITED: "noted that a provider's licence got worse",
        Event.PROVIDER_REVOKED: "revoked a provider's authority",
        Event.PROVIDER_REFUSED: "was refused an act on a provider",
        Event.PROVIDER_RULES_SET: "set the rules for providers",
        Event.PRESCRIPTION_WRITTEN: "wrote a prescription",
        Event.PRESCRIPTION_REFUSED: "was refused a prescription",
        Event.PRESCRIPTION_CANCELED: "canceled a prescription",
        Event.ACCESS_LOG_READ: "read who saw a patient",
        Event.ACCESS_RECORDS_LOST: "lost records of who saw patients",
        Event.SCIM_TOKEN_CREATED: "made a SCIM token",
        Event.SCIM_TOKEN_REVOKED: "revoked a SCIM token",
        Event.GROUP_ROLES_SET: "set what a group gives",
        Event.SCIM_USER_CREATED: "sent a new user",
        Event.SCIM_USER_CHANGED: "changed a user that it sent",
        Event.SCIM_USER_DEACTIVATED: "deactivated a user that it sent",
        Event.SCIM_USER_ACTIVATED: "activated a user that it sent",
        Event.SCIM_USER_DELETED: "deleted a user that it sent",
        Event.SCIM_GROUP_CREATED: "sent a new group",
        Event.SCIM_GROUP_CHANGED: "changed a group that it sent",
        Event.SCIM_GROUP_DELETED: "deleted a group that it sent",
        Event.MEMBER_ADDED: "added somebody to the team",
        Event.CONNECTION_ADDED: "added a connection",
        Event.CONNECTION_CHANGED: "changed a connection",
        Event.CONNECTION_SECRET_SET: "set the secret of a connection",
        Event.CONNECTION_GROUPS_SET: "changed what a connection's groups give",
        Event.CONNECTION_ENABLED: "switched a connection on",
        Event.CONNECTION_DISABLED: "switched a connection off",
        Event.CONNECTION_REMOVED: "removed a connection",
        Event.WEBHOOK_CREATED: "added a webhook",
        Event.WEBHOOK_CHANGED: "changed a webhook",
        Event.WEBHOOK_DELETED: "deleted a webhook",
        Event.WEBHOOK_TESTED: "tested a webhook",
        Event.WEBHOOK_REDELIVERED: "sent a webhook delivery again",
        Event.DOMAIN_ADDED: "added an e-mail domain",
        Event.DOMAIN_VERIFIED: "verified an e-mail domain",
        Event.DOMAIN_CHANGED: "changed where people of an e-mail domain sign in",
        Event.DOMAIN_LOST: "found that an e-mail domain is verified no longer",
        Event.DOMAIN_REMOVED: "removed an e-mail domain",
        Event.EMERGENCY_ACCESS_GIVEN: "gave somebody emergency access",
        Event.EMERGENCY_ACCESS_TAKEN: "took somebody's emergency access",
        Event.EMERGENCY_ACCESS_USED: "used emergency access, past the identity provider",
    }
)
# They concern the installation, and no organization's log has them.
_OF_NOBODY: Final = frozenset(
    {
        Event.AUDIT_LOG_OPENED,
        Event.AUDIT_DAILY_REPORT,
        Event.AUDIT_KEY_ROTATED,
        Event.AUDIT_VERIFIED,
        Event.AUDIENCE_ADDED,
        Event.RIGHT_REFUSED,
        Event.SANDBOX_MADE,
        Event.INSTALLATION_RESTORED,
        Event.OPERATOR_ADDED,
        Event.OPERATOR_REMOVED,
        Event.KEYS_MADE,
        Event.KEYS_ROTATED,
        Event.KEY_REMOVED,
        Event.NPPES_IMPORT_BEGUN,
        Event.NPPES_IMPORTED,
        Event.REFERENCE_IMPORTED,
    }
)
_ACTORS: Final = MappingProxyType(
    {
        "operator": "The operator of the server",
        "scim": "The identity provider",
        "server": "The server",
        "schedule": "The schedule",
        "consequence": "The act before it",
        "anonymous": "Somebody unknown",
    }
)
_REASONS: Final = MappingProxyType(
    {
        "pwd": "wrong password",
        "otp": "wrong code",
        "rc": "wrong recovery code",
        "pop": "wrong passkey",
        "invalid_client": "wrong secret",
        "invalid_scope": "more than it may have",
        "invalid_target": "for another API",
        "invalid_token": "a token that does not hold",
        "problems_found": "problems found",
    }
)


def who(entry: Mapping[str, Any]) -> str:
    """Returns who acted: a name, or what there is in place of one. entry: as the API gives it."""
    named = entry["actorName"] or _ACTORS.get(entry["actorKind"])
    return str(named or entry["actorId"] or "Somebody")


def did(entry: Mapping[str, Any]) -> str:
    """Returns what was done, without who did it and to what."""
    event = entry["event"]
    return DID[Event(event)] if event in DID else str(event)


def why(entry: Mapping[str, Any]) -> str:
    """Returns why something was refused."""
    reason = entry["reason"] or "refused"
    return _REASONS.get(reason, str(reason).replace("_", " "))


def choices() -> list[tuple[str, str]]:
    """Returns every event that an organization can have, with its words, in the order of those."""
    made = [(str(event), f"{words[0].upper()}{words[1:]}") for event, words in DID.items() if event not in _OF_NOBODY]
    return sorted(made, key=lambda one: one[1])

"""Samples of the pages of provisioning."""

from typing import Any, Final

from tests.edge.page_sample import settings
from tests.edge.page_samples_connections import GROUP, OFFERED, ROLES, TAB

_MADE: Final = "2026-11-20T09:30:00.000Z"
_TOKEN: Final[dict[str, Any]] = {
    "id": "sct_01J9ZK3V6T8QAAAAAAAAAAAAAA",
    "name": "Entra",
    "state": "WORKS",
    "createdAt": _MADE,
    "createdByName": "Ruth Alder",
    "expiresAt": "2027-11-20T09:30:00.000Z",
    "lastUsedAt": "2026-11-23T11:48:00.000Z",
}
_OLD: Final = _TOKEN | {"name": "Entra, before", "state": "REVOKED", "lastUsedAt": None, "expiresAt": None}
_SCIM: Final[dict[str, Any]] = {
    "baseUrl": "https://auth.alder.example/scim/v2",
    "lastUsedAt": "2026-11-23T11:48:00.000Z",
    "users": 1_204,
    "activeUsers": 1_180,
    "joinedUsers": 1_100,
    "invitedUsers": 60,
    "waitingUsers": 20,
    "groups": 2,
    "groupRoles": [{"group": "*", "roles": [{"id": "rol_support", "name": "Support"}]}],
    "tokens": [_TOKEN, _OLD],
}
_NOTHING: Final = _SCIM | {
    "lastUsedAt": None,
    **dict.fromkeys(("users", "activeUsers", "joinedUsers", "invitedUsers", "waitingUsers", "groups"), 0),
    "groupRoles": [],
    "tokens": [],
}
_GROUPS: Final = [{"id": "scg_1", "name": "Nurses", "externalId": GROUP, "members": 48}]


def _reads(permission: str) -> bool:
    return permission == "read:connection"


def _overview(name: str, scim: dict[str, Any], groups: Any, **changes: Any) -> Any:
    around = {"given": {"Nurses": ["Support"], "*": ["Support"]} if groups else {}, "after": None}
    return settings(name, "provisioning", TAB, {"scim": scim, "scimGroups": groups}, **around, **changes)


def _group(name: str, group: str, ticked: list[str]) -> Any:
    data = {"scim": _SCIM, "mappableRoles": ROLES}
    return settings(name, "provisioning_group", TAB, data, group=group, ticked=ticked, role_choices=OFFERED)


_SHOWN: Final = _TOKEN | {"token": "rxp_3KfQ9mZtW1yXcB7uRoPsLd5VhJ8nEaGqT2wUi0YkMzN4bC6"}
SAMPLES: Final = (
    _overview("provisioning", _SCIM, _GROUPS),
    _overview("provisioning-empty", _NOTHING, []),
    _overview("provisioning-read", _SCIM, _GROUPS, can=_reads),
    _overview("provisioning-read-empty", _NOTHING, [], can=_reads),
    settings("provisioning-new", "provisioning_new", TAB, {"scim": _SCIM}),
    settings("provisioning-token", "provisioning_token", TAB, {"createScimToken": _SHOWN}),
    settings(
        "provisioning-token-endless", "provisioning_token", TAB, {"createScimToken": _SHOWN | {"expiresAt": None}}
    ),
    _group("provisioning-group", "Nurses", ["rol_support"]),
    _group("provisioning-group-new", "", []),
    settings("provisioning-revoke", "provisioning_revoke", TAB, {"scim": _SCIM}, one=_TOKEN),
    settings("provisioning-revoke-gone", "provisioning_revoke", TAB, {"scim": _SCIM}, one=_OLD),
)

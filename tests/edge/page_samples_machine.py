"""Samples of the machine client's pages."""

from typing import Final

from rxauth.edge.settings.activity_charts import tokens
from rxauth.edge.settings.exchanges import Tried
from rxauth.policy.permissions import PERMISSIONS, Machine
from tests.edge.page_sample import Sample, Values, settings

_PATH: Final = "/settings/developers"
_ID: Final = "EkqVVhYp0QmVSxGO8WuURfEPZgZnbY0S"
_AUDIENCE: Final = "https://api.alder.example"
_LIVE: Final[Values] = {
    "id": "sec_01K9ZQ3X4Y5Z6A7B8C9D0E1F2G",
    "name": "Production",
    "state": "WORKS",
    "createdAt": "2026-11-20T09:14:00.000Z",
    "createdBy": "usr_1",
    "createdByName": "Dr. Maya Alder",
    "expiresAt": None,
    "revokedAt": None,
    "lastUsedAt": "2026-11-23T11:57:00.000Z",
    "tokensInLastDay": 1284,
}
_OLD: Final[Values] = _LIVE | {
    "id": "sec_01K8ZQ3X4Y5Z6A7B8C9D0E1F2G",
    "name": None,
    "createdBy": "operator",
    "createdByName": None,
    "createdAt": "2025-11-20T09:14:00.000Z",
    "expiresAt": "2026-11-24T16:00:00.000Z",
    "lastUsedAt": None,
    "tokensInLastDay": 0,
}
_REVOKED: Final[Values] = _OLD | {
    "name": "Staging <b>",
    "state": "REVOKED",
    "revokedAt": "2026-11-22T08:00:00.000Z",
}
_EXPIRED: Final[Values] = _OLD | {"name": "x" * 10_000, "state": "EXPIRED", "expiresAt": "2026-11-21T08:00:00.000Z"}
_GIVEN: Final = tuple(
    {
        "name": one.name,
        "meaning": one.meaning,
        "isGiven": one.machine is Machine.DEFAULT,
        "isDefault": one.machine is Machine.DEFAULT,
        "isPossible": one.machine is not Machine.NEVER,
        "canBeGiven": one.machine is not Machine.NEVER and one.name != "read:audit",
        "reason": "a machine never holds write:prescription; only authorized providers do"
        if one.name == "write:prescription"
        else "no machine may hold it"
        if one.machine is Machine.NEVER
        else "none of this person's roles has it"
        if one.name == "read:audit"
        else None,
    }
    for one in PERMISSIONS
)
_TIMES: Final = [
    {"at": f"2026-11-{day:02d}T00:00:00.000Z", "issued": day * 41 % 97, "refused": day % 5 // 4} for day in range(1, 24)
]
_NEVER: Final = [one | {"issued": 0, "refused": 0} for one in _TIMES]
_CLIENT: Final[Values] = {
    "id": _ID,
    "name": "Alder backend",
    "isDisabled": False,
    "audience": _AUDIENCE,
    "tokenLifetimeSeconds": 86_400,
    "permissions": _GIVEN,
    "secrets": [_LIVE, _OLD, _REVOKED, _EXPIRED],
}
_MADE: Final[Values] = {
    "createMachineSecret": {
        "id": "sec_2",
        "name": "Production",
        "secret": "rxs_" + "0aB" * 16 + "x",
        "expiresAt": "2027-11-23T12:00:00.000Z",
        "client": _CLIENT | {"secrets": [_LIVE | {"id": "sec_2"}, _OLD]},
    }
}
_GOOD: Final = Tried(
    '{\n  "client_id": "EkqVVhYp0QmVSxGO8WuURfEPZgZnbY0S",\n  "client_secret": "…"\n}',
    200,
    '{\n  "access_token": "eyJhbGciOiJS…3kq0c2lYv9Zw",\n  "scope": "read:patient",\n  "expires_in": 86400\n}',
    '{\n  "iss": "https://auth.alder.example/",\n  "permissions": [\n    "read:patient"\n  ]\n}',
)
_BAD: Final = Tried('{\n  "client_id": "nobody"\n}', 401, '{\n  "error": "invalid_client"\n}', None)


def _page(name: str, template: str, path: str, data: Values, **changes: object) -> Sample:
    return settings(name, template, "developers", data, action=f"{_PATH}{path}", **changes)


_MACHINE: Final[Values] = {"machineClient": _CLIENT}
_NONE: Final[Values] = {"machineClient": None}
_BARE: Final[Values] = {"machineClient": _CLIENT | {"secrets": [], "isDisabled": True, "permissions": _GIVEN[4:5]}}
_SECRET_PATH: Final = "/secrets/sec_1"
_REVOKE_PATH: Final = f"{_SECRET_PATH}/revoke"

SAMPLES: Final = (
    _page("machine", "machine", "", _MACHINE, next_after="sec_9", charts=(tokens(_TIMES),)),
    _page("machine-none", "machine", "", _NONE, next_after=None, charts=()),
    _page(
        "machine-bare",
        "machine",
        "",
        _BARE,
        next_after=None,
        charts=(tokens(_NEVER),),
        notice="The machine client was made.",
    ),
    _page("machine-new-secret", "machine_new_secret", "/new-secret", _MACHINE, working=[_LIVE]),
    _page("machine-new-secret-first", "machine_new_secret", "/new-secret", _MACHINE, working=[]),
    _page("machine-new-secret-full", "machine_new_secret", "/new-secret", _MACHINE, working=[_LIVE, _OLD]),
    _page(
        "machine-new-secret-wrong",
        "machine_new_secret",
        "/new-secret",
        _MACHINE,
        working=[_LIVE],
        error="Name is blank.",
        error_field="name",
    ),
    _page("machine-secret-made", "machine_secret_made", "/new-secret", _MADE),
    _page("machine-secret", "machine_secret", _SECRET_PATH, {"machineSecret": _LIVE}, others=[_OLD]),
    _page(
        "machine-secret-of-another", "machine_secret", _SECRET_PATH, {"machineSecret": _LIVE}, others=[], user_id="-"
    ),
    _page("machine-secret-revoked", "machine_secret", _SECRET_PATH, {"machineSecret": _REVOKED}, others=[]),
    _page("machine-revoke", "machine_revoke", _REVOKE_PATH, {"machineSecret": _LIVE}, others=[]),
    _page("machine-revoke-old", "machine_revoke", _REVOKE_PATH, {"machineSecret": _OLD}, others=[_LIVE]),
    _page("machine-revoke-done", "machine_revoke", _REVOKE_PATH, {"machineSecret": _REVOKED}, others=[]),
    _page("machine-permissions", "machine_permissions", "/permissions", _MACHINE),
    _page("machine-try", "machine_try", "/try", _MACHINE, tried=None),
    _page("machine-try-good", "machine_try", "/try", _MACHINE, tried=_GOOD),
    _page("machine-try-bad", "machine_try", "/try", _MACHINE, tried=_BAD),
)

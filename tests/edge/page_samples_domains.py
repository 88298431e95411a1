"""Samples of the pages of e-mail domains."""

from typing import Any, Final

from tests.edge.page_sample import Sample, Values, settings

_PENDING: Final[Values] = {
    "id": "dom_1",
    "name": "alder.example",
    "displayName": "alder.example",
    "state": "PENDING",
    "recordNames": ["_rxauth.alder.example", "alder.example"],
    "recordValue": "rxauth-verification=V2hhdCB0aGUgRE5TIG9mIHRoZSBkb21haW4gc2F5cy4",
    "verifiedAt": None,
    "lookedAt": None,
    "missingSince": None,
    "connectionId": None,
}
_VERIFIED: Final[Values] = _PENDING | {
    "state": "VERIFIED",
    "verifiedAt": "2026-11-20T09:00:00.000Z",
    "connectionId": "con_1",
}
_MISSING: Final[Values] = _VERIFIED | {"id": "dom_2", "displayName": "bücher.example", "state": "MISSING"}
_CONNECTIONS: Final = [{"id": "con_1", "displayName": "Alder's directory", "isEnabled": True}]
_ABSENT = "There is no such text record at _rxauth.alder.example or alder.example yet."


def _list(name: str, *found: Values, **changes: Any) -> Sample:
    data = {"domains": list(found), "connections": _CONNECTIONS}
    return settings(name, "domains", "single_sign_on", data, **changes)


def _one(name: str, found: Values, **changes: Any) -> Sample:
    data = {"domain": found, "connections": _CONNECTIONS}
    return settings(name, "domain", "single_sign_on", data, **changes)


SAMPLES: Final = (
    _list("domains", _VERIFIED, _MISSING, _PENDING | {"id": "dom_3", "connectionId": None}),
    _list("domains-none"),
    _list("domains-read", can=lambda _permission: False),
    settings("domain-new", "domain_new", "single_sign_on", {}),
    settings("domain-new-wrong", "domain_new", "single_sign_on", {}, error="This is none.", error_field="name"),
    _one("domain", _VERIFIED),
    _one("domain-pending", _PENDING),
    _one("domain-pending-wrong", _PENDING, error=_ABSENT),
    _one("domain-missing", _MISSING),
    _one("domain-read", _VERIFIED, can=lambda _permission: False),
)

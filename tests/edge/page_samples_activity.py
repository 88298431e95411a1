"""Samples of Activity and the access log."""

from datetime import UTC, datetime
from typing import Any, Final

from rxauth.edge.settings import accesses, activity, activity_charts
from rxauth.edge.settings.fields import Fields
from tests.edge.page_sample import NOW, Sample, Values, settings

_DAY_S: Final = 86_400
_RUTH: Final = "usr_01J9ZK3V6T8QXYWVTSRQPNMKJH"
_BACKEND: Final = "aB3xK9mQ2rT7vW1yZ5cD8eF4gH6jL0nP"


def _at(at_s: int) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _entry(place: int, event: str, **changes: Any) -> Values:
    return {
        "id": f"01M844DZG0JYXT5CZBDQY0M{place:03d}",
        "seq": str(48_213 - place),
        "at": _at(NOW - place * 4_000),
        "event": event,
        "outcome": "success",
        "actorKind": "person",
        "actorId": _RUTH,
        "actorName": "Ruth Alder",
        "target": None,
        "targetName": None,
        "reason": None,
        "network": "203.0.113.7",
        "count": 1,
    } | changes


_ENTRIES: Final = [
    _entry(1, "secret.created", target="sec_01J9ZK3V6T8QXYWVTSRQPNMKJH", targetName="Nightly import"),
    _entry(2, "person.invited", target="inv_1", targetName="maya@alder.example"),
    _entry(
        3,
        "token.refused",
        actorKind="client",
        actorId=_BACKEND,
        actorName="Alder backend",
        outcome="failure",
        reason="invalid_client",
        count=1_204,
    ),
    _entry(4, "provider.approved", target=_RUTH, targetName="Dr. Maya Brandt-Okonkwo van der Wetering"),
    _entry(5, "person.signed_in", network="2001:db8:85a3::/64", actorName="عبد الرحمن الأرز"),
    _entry(6, "client.tokens_revoked", actorKind="operator", actorId=None, actorName=None, network=None),
    _entry(7, "person.sign_in_refused", outcome="failure", reason="pwd", count=3),
]
_ISSUED: Final = [0, 0, 310, 290, 305, 12, 9, 301, 322, 330, 298, 340, 15, 11, 350, 352, 349, 361, 370, 20, 14]
_VERIFICATION: Final[Values] = {
    "entries": "48213",
    "verifiedAt": _at(NOW - 7_400),
    "verifiedEntries": "48100",
    "problems": 0,
    "isWhole": True,
    "checkpoint": {
        "size": "48200",
        "at": _at(NOW - 40),
        "note": "rxauth-audit-01M8\n48200\nq1xv8Zl0dC4=\n\n— rxauth-audit-01M8 Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp\n",
    },
}


def _times(counts: list[int], name: str = "count") -> list[Values]:
    return [{"at": _at(NOW - NOW % _DAY_S - (30 - place) * _DAY_S), name: count} for place, count in enumerate(counts)]


def _month(*counts: int) -> list[int]:
    return [(counts or (0,))[place % len(counts or (0,))] for place in range(31)]


_SERIES: Final[Values] = {
    "issued": _times(_month(*_ISSUED)),
    "refused": _times(_month(0, 0, 4, 0, 31, 0, 0)),
    "signedIn": _times(_month(12, 14, 9, 11, 13, 2, 1)),
    "signInRefused": _times(_month(1, 0, 0, 2, 0, 0, 0)),
    "webhookDeliverySeries": [
        {"at": one["at"], "delivered": delivered, "dead": dead}
        for one, delivered, dead in zip(
            _times(_month()), _month(80, 75, 90, 60, 70, 5, 4), _month(0, 0, 0, 6), strict=True
        )
    ],
}
_QUIET: Final[Values] = {
    name: [{key: 0 if key != "at" else value for key, value in one.items()} for one in times]
    for name, times in _SERIES.items()
}


def _list(name: str, data: Values, fields: tuple[tuple[str, str], ...] = (), **changes: Any) -> Sample:
    asked = Fields(fields)
    values = {**activity.LIST.values(data, asked), "fields": asked}
    return settings(f"activity{name}", "activity", "activity", data, **{**values, **changes})


def _found(*entries: Values, following: str | None = None) -> Values:
    return {"auditEntries": {"entries": list(entries), "next": following}}


def _record(place: int, **changes: Any) -> Values:
    return {
        "id": f"01M844DZG0JYXT5CZBDQY0M{place:03d}",
        "at": _at(NOW - place * 5_000),
        "actorKind": "person",
        "actorId": _RUTH,
        "actorName": "Ruth Alder",
        "clientId": _BACKEND,
        "operation": "PatientChart",
        "fields": ["patient", "prescriptions"],
        "outcome": "success",
        "codes": [],
        "patients": 1,
        "network": "203.0.113.7",
    } | changes


_RECORDS: Final = [
    _record(1),
    _record(2, actorKind="client", actorId=_BACKEND, actorName="Alder backend", operation=None, patients=25),
    _record(3, outcome="partial", codes=["NOT_FOUND"], network="2001:db8:85a3:8d3:1319:8a2e:370:7348"),
]


def _log(name: str, template: str, section: int, data: Values, fields: tuple[tuple[str, str], ...]) -> Sample:
    asked = Fields(fields)
    values = {**accesses.SECTIONS[section].values(data, asked), "fields": asked}
    return settings(f"activity-{name}", template, "activity", data, **values)


_DETAILED: Final = _ENTRIES[0] | {
    "requestId": "9f86d081884c7d65",
    "details": [{"name": "name", "value": "Nightly import"}],
}
_ACTOR: Final = {"id": _RUTH, "name": "Ruth Alder"}
_PERSON: Final = {"id": _RUTH, "user": {"name": {"full": "Ruth Alder"}, "email": "ruth@alder.example"}}
_OVER_TIME: Final = _SERIES | {"machineClient": {"id": _BACKEND, "name": "Alder backend"}, "apps": []}

SAMPLES: Final = (
    _list("", {**_found(*_ENTRIES, following="01M8"), "auditVerification": _VERIFICATION, **_SERIES}),
    _list(
        "-new",
        {
            **_found(),
            "auditVerification": _VERIFICATION | {"verifiedAt": None, "checkpoint": None},
            **_QUIET,
        },
    ),
    _list(
        "-broken",
        {**_found(*_ENTRIES[:1]), "auditVerification": _VERIFICATION | {"problems": 2}, **_SERIES},
    ),
    _list(
        "-filtered", _found(*_ENTRIES[:2]), (("event", "secret.created"), ("from", "2026-11-01"), ("target", "sec_1"))
    ),
    _list("-nothing", _found(), (("event", "client.created"), ("tokens", "yes"))),
    _list("-who", {"members": [_PERSON]}, (("person", "Ruth"),)),
    _list("-nobody", {"members": []}, (("person", "Nobody of that name"),)),
    _list("-wrong", {}, (("from", "yesterday"),), error="Write a day such as 2026-11-24.", error_field="from"),
    settings(
        "activity-entry",
        "activity_entry",
        "activity",
        {"auditEntry": _DETAILED},
        **activity.ENTRY_PAGE.values({"auditEntry": _DETAILED}, Fields()),
    ),
    settings(
        "activity-over-time",
        "activity_over_time",
        "activity",
        _OVER_TIME,
        **activity_charts.PAGE.values(_OVER_TIME, Fields()),
    ),
    _log("patients", "activity_patients", 0, {}, ()),
    _log(
        "patients-found",
        "activity_patients",
        0,
        {"patients": [{"id": "pat_1", "name": {"full": "Wilhelmina Canaryfield"}, "dateOfBirth": "1984-02-29"}]},
        (("q", "wil"),),
    ),
    _log("patients-none", "activity_patients", 0, {"patients": []}, (("q", "zzz"),)),
    _log(
        "patient",
        "activity_patient",
        1,
        {"patient": {"id": "pat_1", "name": {"full": "Wilhelmina Canaryfield"}}, "patientAccess": _RECORDS},
        (),
    ),
    _log("patient-unseen", "activity_patient", 1, {"patientAccess": []}, ()),
    _log("accesses", "activity_accesses", 2, {"auditActor": _ACTOR, "accessLog": _RECORDS}, ()),
    _log("accesses-end", "activity_accesses", 2, {"auditActor": _ACTOR, "accessLog": []}, (("after", "01M8"),)),
)

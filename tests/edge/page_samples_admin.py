"""Samples of the operator console."""

from dataclasses import asdict, replace
from typing import Any, Final

from rxauth.domain.audit_tail import LastCheckpoint
from rxauth.domain.audit_verifications import Verification
from rxauth.domain.key_removal import Holders
from rxauth.domain.operators import Listed
from rxauth.domain.organization_list import Line, Size
from rxauth.domain.organizations import Organization
from rxauth.domain.signing_keys import KeyDescription, KeyState
from rxauth.edge.admin.overview import Check
from rxauth.edge.admin.sections import NAVIGATION
from tests.edge.page_sample import FRAME, NOW, Sample, Values

_DAY: Final = 86_400
_ORG: Final = "org_01KAMXJ1T0V8ZJ6X5YQ0R3W7NC"
_FRAME: Final[Values] = FRAME | {
    "navigation": NAVIGATION,
    "organization_name": "Operator console",
    "switch_url": None,
    "email": "olga@platform.example",
    "once": "a-key-of-a-form",
    "seen": {},
    "typed": {},
}
_CHECKS: Final = [
    Check("Database", is_fine=True, said="PostgreSQL 15.14, tables of revision 0024"),
    Check("Clock", is_fine=True, said="Agrees with the database's"),
    Check("Change feed", is_fine=True, said="Heard from the database less than a second ago"),
    Check("Audit log", True, "3 records wait", NOW - 1),
    Check("Letters", is_fine=True, said="Nothing waits"),
    Check("Webhooks", True, "12 deliveries wait", NOW - 240),
    Check("Pharmacies", is_fine=True, said="Nothing waits"),
    Check("Prescriptions", is_fine=True, said="All that are over are stored so"),
]
_BROKEN: Final = [
    *_CHECKS[:4],
    Check("Letters", False, "1,000 or more letters wait, 14 given up; no mail server is set", NOW - 6 * _DAY),
    Check("Webhooks", False, "1 delivery waits, 208 given up", NOW - 7_400),
    *_CHECKS[6:],
]
_ALDER: Final = Organization(_ORG, "Alder Clinic", NOW - 90 * _DAY)
_SIZE: Final = Size(
    people=4_812,
    clients=4,
    machine_client="Q2h5v0aZbq1FJt7NcE8kYw3RmXd9LsPu",
    is_machine_disabled=False,
    administrators=("ruth@alder.example", "maya@alder.example"),
    invited=(("dan@alder.example", NOW + 5 * _DAY),),
)
_ONE: Final[Values] = {"organization": _ALDER, "size": _SIZE, "path": f"/admin/organizations/{_ORG}"}
_LONG: Final[Values] = _ONE | {
    "organization": Organization(_ORG, "W" * 200, NOW - _DAY, NOW - 3_600),
    "size": Size(1, 1, None, False, ("w" * 200 + "@alder.example",), ()),
}
_NEW: Final[Values] = _ONE | {
    "organization": Organization(_ORG, "عيادة الأرز", NOW),
    "size": Size(0, 0, None, False, (), (("dan@alder.example", NOW + 5 * _DAY),)),
}
_LINES: Final = [
    Line(f"org_01KAMXJ1T0V8ZJ6X5YQ0R3W7N{n}", name, NOW - n * 9 * _DAY, NOW if n == 2 else None)
    for n, name in enumerate(("Alder Clinic", "Birch Clinic", "Cedar Grove Family Medicine", "عيادة الأرز", "W" * 200))
]
_FOUND: Final[Values] = {
    "words": "",
    "is_search": False,
    "organizations": _LINES,
    "after": _LINES[-1].id,
    "is_first": True,
}
_NONE: Final[Values] = _FOUND | {"organizations": [], "after": None}
_KEYS: Final[Values] = {
    "keys": [
        KeyDescription("uT3Yq5bJm0cXv7sPl2NdRw9kZaFh4EoGiB1QyWx6VtM", algorithm, state, NOW - age * _DAY, until)
        for algorithm in ("ES256", "RS256")
        for state, age, until in (
            (KeyState.CURRENT, 60, None),
            (KeyState.NEXT, 30, None),
            (KeyState.PREVIOUS, 90, NOW + 50_000),
        )
    ],
    "retired": 3,
    "algorithms": 2,
    "ready_at": NOW - 60,
    "verify_for_s": 86_460,
}
_PLACE: Final = "pkcs11:token=rxauth;object=rxauth-RS256-22bda88da4a9b5be"
_REMOVED: Final[Values] = {
    "key": KeyDescription("uT3Yq5bJm0cXv7sPl2NdRw9kZaFh4EoGiB1QyWx6VtM", "RS256", KeyState.CURRENT, NOW - _DAY, None),
    "holders": Holders(sessions=1_000, machines=1),
    "counted": 1_000,
    "coming": "Zk3Xq5bJm0cXv7sPl2NdRw9kZaFh4EoGiB1QyWx6VtM",
    "known_at": NOW - 60,
    "key_set_s": 300,
}
_REMOVED_NEXT: Final = _REMOVED | {"key": replace(_REMOVED["key"], state=KeyState.NEXT), "known_at": NOW + 310}
_REMOVED_PREVIOUS: Final = _REMOVED | {
    "key": replace(_REMOVED["key"], state=KeyState.PREVIOUS, verify_until=NOW + 50_000),
    "holders": Holders(sessions=1, machines=0),
    "key_set_s": 60,
}
_AUDIT: Final[Values] = {
    "checkpoint": LastCheckpoint(
        1_204_518,
        bytes(range(32)),
        (NOW - 41) * 1_000_000,
        "rxauth-audit-01KAMXJ1T0V8ZJ6X5YQ0R3W7NC+68a5392d+AZzrp7YdXVAnfm2e05ZCFXr3CqN0p5PynfltHOITwKa8",
    ),
    "checkpoint_problem": None,
    "verification": Verification((NOW - 3 * _DAY) * 1_000_000, 1_180_002, 0, is_whole=True),
}
_BAD_AUDIT: Final[Values] = {
    "checkpoint": None,
    "checkpoint_problem": "the signature does not belong to it",
    "verification": Verification((NOW - 20) * 1_000_000, 1_000, 1, is_whole=False),
}
_NO_AUDIT: Final[Values] = {"checkpoint": None, "checkpoint_problem": None, "verification": None}
_OPERATORS: Final[Values] = {
    "operators": [
        Listed("usr_1", "olga@platform.example", NOW - 300 * _DAY, is_disabled=False),
        Listed("usr_2", "otto@platform.example", NOW - 200 * _DAY, is_disabled=False),
        Listed("usr_3", "w" * 200 + "@platform.example", NOW - 100 * _DAY, is_disabled=True),
    ],
    "user_id": "usr_1",
}


def _sample(name: str, template: str, tab: str, values: Values, **changes: Any) -> Sample:
    shown = {key: _plain(value) for key, value in (_FRAME | {"tab": tab} | values | changes).items()}
    return Sample(f"admin-{name}", f"admin_{template}.html", shown)


def _plain(value: Any) -> Any:
    """Returns records as mappings, whose texts tests replace."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return asdict(value) if isinstance(value, (Check, Line, Listed, Organization, Size)) else value


def _of_organizations(name: str, template: str, values: Values, **changes: Any) -> Sample:
    return _sample(name, template, "organizations", values, **changes)


_TAKEN = {
    "typed": {"name": "x" * 300, "administrator": "ruth@alder.example"},
    "error": "An organization's name has 1 to 200 characters.",
    "error_field": "name",
}
SAMPLES: Final = (
    _sample("overview", "overview", "overview", {"checks": _CHECKS, "version": "0.1.0"}),
    _sample("overview-broken", "overview", "overview", {"checks": _BROKEN, "version": "0.1.0"}),
    _of_organizations("organizations", "organizations", _FOUND),
    _of_organizations("organizations-none", "organizations", _NONE),
    _of_organizations("organizations-unknown", "organizations", _NONE | {"words": "zzz", "is_search": True}),
    _of_organizations("organization-new", "organization_new", {}),
    _of_organizations("organization-new-wrong", "organization_new", {}, **_TAKEN),
    _of_organizations("organization", "organization", _ONE, notice="The invite is on its way."),
    _of_organizations("organization-disabled", "organization", _LONG),
    _of_organizations("organization-empty", "organization", _NEW),
    _of_organizations("organization-invite", "organization_invite", _NEW),
    _of_organizations("organization-disable", "organization_disable", _ONE),
    _of_organizations("organization-enable", "organization_enable", _LONG),
    _of_organizations("absent", "absent", {}),
    _sample("keys", "keys", "keys", _KEYS),
    _sample("keys-early", "keys", "keys", _KEYS | {"ready_at": NOW + 290}, notice="The next keys sign from now on."),
    _sample("keys-module", "keys", "keys", _KEYS | {"keys": [replace(one, place=_PLACE) for one in _KEYS["keys"]]}),
    _sample("keys-rotate", "keys_rotate", "keys", _KEYS),
    _sample("keys-remove", "keys_remove", "keys", _REMOVED),
    _sample("keys-remove-early", "keys_remove", "keys", _REMOVED | {"known_at": NOW + 240}),
    _sample("keys-remove-next", "keys_remove", "keys", _REMOVED_NEXT),
    _sample("keys-remove-previous", "keys_remove", "keys", _REMOVED_PREVIOUS),
    _sample("audit", "audit", "audit", _AUDIT),
    _sample("audit-bad", "audit", "audit", _BAD_AUDIT),
    _sample("audit-none", "audit", "audit", _NO_AUDIT),
    _sample("operators", "operators", "operators", _OPERATORS),
)

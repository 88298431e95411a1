"""Samples of the team's pages."""

from typing import Any, Final

from rxauth.edge.settings import team, team_member
from rxauth.edge.settings.fields import Fields, of
from rxauth.policy.roles import DESCRIPTIONS, Role
from tests.edge.page_sample import Sample, Values, settings

_EARLIER: Final = "2026-11-23T11:20:00.000Z"
_LATER: Final = "2026-11-24T11:20:00.000Z"
_ROLES: Final = [
    {"id": role.id, "name": role.value, "description": DESCRIPTIONS[role], "refusal": None} for role in Role
]
_LESS: Final = [
    one
    | {
        "refusal": None
        if one["name"] in {"Staff", "Support"}
        else f"{one['name']} may see API clients, and you may not"
    }
    for one in _ROLES
]
_WAITS: Final = "nobody authorized this person as a provider of the organization"


def _held(*names: str, pending: str | None = None) -> list[Values]:
    roles = [one for one in _ROLES if one["name"] in names]
    return [{"role": one, "pending": pending if one["name"] == "Prescriber" else None} for one in roles]


def _person(number: int, name: str, email: str, **more: Any) -> Values:
    user = {"id": f"usr_{number}", "email": email, "name": {"full": name}}
    return {
        "id": f"usr_{number}",
        "disabled": False,
        "user": user,
        "roles": _held("Staff"),
        "secondFactors": {"app": True, "passkeys": 0, "recoveryCodesLeft": 8},
        "lastSeenAt": _EARLIER,
        "secondFactorReset": None,
    } | more


def _invite(number: int, email: str, **more: Any) -> Values:
    roles = [{"id": "rol_prescriber", "name": "Prescriber"}]
    there = {"id": f"inv_{number}", "email": email, "roles": roles, "expired": False, "expiresAt": _LATER}
    return there | {"inviterId": "usr_1"} | more


_RESET: Final[Values] = {
    "id": "prp_1",
    "askedBy": "usr_2",
    "askedByName": "Sam Oak",
    "askedAt": _EARLIER,
    "lapsesAt": _LATER,
    "approvalRefusal": None,
}
_PEOPLE: Final = [
    _person(5, "Zoë Huber", "zoe@alder.example", roles=_held("Prescriber", "Support", pending=_WAITS), lastSeenAt=None),
    _person(4, "Ruth Lime", "ruth@alder.example", secondFactors={"app": False, "passkeys": 2}),
    _person(3, "Tom Elm", "tom@alder.example", secondFactors={"app": False, "passkeys": 0}, disabled=True),
    _person(2, "Sam Oak", "sam@alder.example", roles=_held("Administrator"), secondFactorReset=_RESET),
    _person(1, "Maya Alder", "maya@alder.example", roles=_held("Administrator", "Medical Operations", "Developer")),
]
_INVITES: Final = [
    _invite(2, "bob@example.com"),
    _invite(1, "somebody.with.a.long.name@a-very-long-domain.example", expired=True),
]


def _team(name: str, data: Values, query: tuple[tuple[str, str], ...] = (), **changes: Any) -> Sample:
    fields = of(query)
    return settings(name, "team", "team", data, **team.SECTIONS[0].values(data, fields), fields=fields, **changes)


def _member(name: str, member: Values, roles: list[Values] = _ROLES, **changes: Any) -> Sample:
    data = {"member": member, "roles": roles}
    return settings(name, "team_member", "team", data, **team_member.SECTIONS[0].values(data, Fields()), **changes)


def _page(name: str, template: str, data: Values, number: int, **changes: Any) -> Sample:
    values = team_member.SECTIONS[number].values(data, Fields())
    return settings(name, f"team_{template}", "team", data, **values, **changes)


_ADDRESS: Final = {
    "street1": "1 Main Street",
    "street2": "Suite 4",
    "city": "Albany",
    "state": "NY",
    "postalCode": "12207",
    "country": "US",
}
_ZOE: Final = _PEOPLE[0] | {
    "user": {
        "id": "usr_5",
        "email": "zoe@alder.example",
        "phone": "+12125550100",
        "fax": None,
        "npi": "1245319599",
        "name": {"full": "Dr. Zoë Huber"},
        "address": _ADDRESS,
    },
    "joinedAt": "2026-03-02T09:00:00.000Z",
    "sessions": 2,
    "lastSeenAt": _EARLIER,
    "worksElsewhere": False,
    "refusal": None,
    "resetRefusal": None,
    "resetTakesTwo": True,
    "authority": None,
}
_BARE: Final = _ZOE | {
    "user": _ZOE["user"] | dict.fromkeys(("phone", "fax", "npi", "address")),
    "roles": _held("Support"),
    "secondFactors": {"app": False, "passkeys": 0, "recoveryCodesLeft": 0},
    "sessions": 0,
    "lastSeenAt": None,
    "worksElsewhere": True,
    "resetRefusal": "this person has no second factor",
    "resetTakesTwo": False,
}
_OWN: Final = _ZOE | {
    "id": "usr_1",
    "roles": _held("Administrator"),
    "refusal": "this is the organization's only administrator: make somebody else one first",
    "resetRefusal": "your own second factors are changed on your account's page, or by others",
}
_PROFILE: Final = _ZOE | {
    "profile": {
        "name": {"title": "Dr.", "first": "Zoë", "middle": None, "last": "Huber"},
        "phone": "+12125550100",
        "fax": None,
        "npi": "1245319599",
        "address": _ADDRESS,
    }
}
_ASKED: Final = _ZOE | {"secondFactorReset": _RESET}
_OWN_ASKED: Final = _RESET | {"approvalRefusal": "whoever asked for it cannot approve it: that takes a second person"}
_PRESCRIBES: Final = _ZOE | {"authority": {"state": "APPROVED"}, "roles": _held("Prescriber", "Support")}
_LEAVING: Final = [_invite(1, "a@example.com", inviterId="usr_5"), _invite(2, "b@example.com", inviterId="usr_5")]
_BAD_EMAIL: Final = "This is no e-mail address: it looks like name@example.com."
_NOT_YOURS: Final = "Prescriber may add and edit patients, and you may not"
_BAD_NPI: Final = "The NPI's last digit does not fit the others: a digit is mistyped."


def _reads(permission: str) -> bool:
    return permission == "read:profile"


SAMPLES: Final = (
    _team("team", {"members": _PEOPLE, "roles": _ROLES, "invites": _INVITES}),
    _team("team-less", {"members": _PEOPLE, "roles": _LESS, "invites": _INVITES}),
    _team("team-alone", {"members": _PEOPLE[-1:], "roles": _ROLES, "invites": []}),
    _team("team-more", {"members": _PEOPLE * 5, "roles": _ROLES, "invites": []}, (("search", "a"),)),
    _team("team-none", {"members": [], "roles": _ROLES, "invites": []}, (("search", "zz"),)),
    _team("team-end", {"members": [], "roles": _ROLES, "invites": []}, (("after", "usr_1"),)),
    _team("team-read", {"members": _PEOPLE, "roles": _LESS}, can=_reads),
    settings("team-invite", "team_invite", "team", {"roles": _ROLES}),
    settings("team-invite-less", "team_invite", "team", {"roles": _LESS}),
    settings("team-invite-wrong", "team_invite", "team", {"roles": _LESS}, error=_BAD_EMAIL, error_field="email"),
    _member("team-member", _ZOE),
    _member("team-member-bare", _BARE),
    _member("team-member-own", _OWN),
    _member("team-member-less", _PRESCRIBES | {"refusal": _NOT_YOURS, "resetRefusal": _NOT_YOURS}, _LESS),
    _member("team-member-asked", _ASKED),
    _member("team-member-asked-own", _ZOE | {"secondFactorReset": _OWN_ASKED}),
    _member("team-member-disabled", _BARE | {"disabled": True}),
    _member("team-member-read", _ZOE, _LESS, can=_reads),
    _page("team-profile", "profile", {"member": _PROFILE}, 1),
    _page("team-profile-wrong", "profile", {"member": _PROFILE}, 1, error=_BAD_NPI, error_field="npi"),
    _page(
        "team-factors", "factors", {"member": _BARE | {"resetRefusal": None, "secondFactors": _ZOE["secondFactors"]}}, 2
    ),
    _page("team-factors-two", "factors", {"member": _ZOE}, 2),
    _page("team-factors-approve", "factors", {"member": _ASKED}, 2),
    _page("team-factors-own", "factors", {"member": _ZOE | {"secondFactorReset": _OWN_ASKED}}, 2),
    _page("team-factors-no", "factors", {"member": _BARE}, 2),
    _page("team-remove", "remove", {"member": _PRESCRIBES, "invites": _LEAVING}, 3),
    _page("team-remove-bare", "remove", {"member": _BARE, "invites": []}, 3),
    _page("team-remove-own", "remove", {"member": _OWN, "invites": []}, 3),
)

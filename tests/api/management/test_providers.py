"""A provider's authority over HTTP, from the proposal to the restoration, and who can do each step."""

from collections.abc import Iterator

import pytest
from graphql import GraphQLEnumType

from rxauth.api import contract
from rxauth.api.schema import required_permissions
from rxauth.domain.provider_acts import Reason
from rxauth.policy.authority import State
from rxauth.policy.licences import LicenceStatus
from rxauth.policy.permissions import BY_NAME, Machine
from rxauth.policy.roles import Role
from tests.api.answers import Clinics, code, the_error
from tests.api.management.documents import ARGUMENTS, CHECKED, NPI, facts, licence
from tests.api.management.people import Clinic
from tests.api.management.sign_ins import number
from tests.live import Live, decode
from tests.world import Template

SERVED = contract.schema()
assert SERVED.mutation_type is not None
MOMENT = "2026-11-23T12:00:00.000Z"


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def test_two_people_give_authority_a_machine_suspends_it_and_two_people_restore_it(clinic: Clinic) -> None:
    doctor = clinic.holders.tokens(clinic.doctor.id)
    assert "write:prescription" not in decode(doctor["access_token"])[1]["permissions"]

    proposed = clinic.act(clinic.staff, "proposeProviderAuthority", facts=facts())
    assert (proposed["state"], proposed["facts"]) == ("PROPOSED", None)
    assert proposed["proposal"]["askedBy"] == clinic.staff.id
    assert proposed["refusal"] is not None

    approved = clinic.approve(proposed["proposal"]["id"])
    assert (approved["state"], approved["refusal"], approved["proposal"]) == ("APPROVED", None, None)
    assert (approved["proposedBy"], approved["approvedBy"]) == (clinic.staff.id, clinic.administrator.id)

    refreshed = clinic.holders.refresh(doctor["refresh_token"]).json()
    assert "write:prescription" in decode(refreshed["access_token"])[1]["permissions"]

    suspended = clinic.act(clinic.machine(), "suspendProviderAuthority", reason="FACTOR_LOST")
    assert (suspended["state"], suspended["reason"]) == ("SUSPENDED", "FACTOR_LOST")
    refreshed = clinic.holders.refresh(refreshed["refresh_token"]).json()
    assert "write:prescription" not in decode(refreshed["access_token"])[1]["permissions"]

    asked = clinic.act(clinic.staff, "askRestoreProviderAuthority")
    assert (asked["state"], asked["proposal"]["kind"]) == ("SUSPENDED", "ASK_RESTORE")
    restored = clinic.approve(asked["proposal"]["id"])
    assert (restored["state"], restored["refusal"], restored["reason"]) == ("APPROVED", None, None)

    events = ("proposed", "approved", "suspended", "restore_asked", "restored", "refused")
    recorded = clinic.recorded(*(f"provider.{event}" for event in events))
    assert [(one["event"], one["actorKind"], one["actorId"], one["target"]) for one in recorded] == [
        ("provider.proposed", "person", clinic.staff.id, clinic.doctor.id),
        ("provider.approved", "person", clinic.administrator.id, clinic.doctor.id),
        ("provider.suspended", "client", clinic.live.world.alder.client_id, clinic.doctor.id),
        ("provider.restore_asked", "person", clinic.staff.id, clinic.doctor.id),
        ("provider.restored", "person", clinic.administrator.id, clinic.doctor.id),
    ]
    approval = recorded[1]["details"]
    assert (approval["first_by"], approval["second_by"]) == (clinic.staff.id, clinic.administrator.id)
    assert approval["proposal_id"] == recorded[0]["details"]["proposal_id"]


def test_everything_that_was_proposed_is_shown_as_it_was_typed(clinic: Clinic) -> None:
    registration = {
        "number": "ap5836727",
        "state": "NY",
        "schedules": ["IIIN", "II"],
        "status": "ACTIVE",
        "expiresOn": "2027-02-28",
        "verification": {"source": "DEA's website"},
    }
    other = licence(state="NJ", number="NJ-9", status="EXPIRED", expiresOn="2024-02-29")
    given = facts(licence(), other, registrations=[registration], effectiveUntil="2027-01-01T00:00:00.000Z")

    clinic.approve(clinic.propose(facts=given))

    checked = CHECKED | {"checkedAt": MOMENT, "checkedBy": clinic.staff.id}
    shown = clinic.authority()
    assert shown["effectiveFrom"] == shown["approvedAt"] == shown["changedAt"] == MOMENT
    assert shown["facts"] == {
        "NPI": NPI,
        "npiVerification": checked,
        "effectiveUntil": "2027-01-01T00:00:00.000Z",
        "licences": [one | {"verification": checked} for one in (other, licence())],
        "registrations": [
            registration
            | {
                "number": "AP5836727",
                "schedules": ["II", "IIIN"],
                "verification": {
                    "source": "DEA's website",
                    "reference": None,
                    "checkedAt": MOMENT,
                    "checkedBy": clinic.staff.id,
                },
            }
        ],
    }


def test_other_facts_hold_only_when_a_second_person_approves_them(clinic: Clinic) -> None:
    clinic.approve(clinic.propose())
    more = facts(licence(), licence(state="NJ", number="NJ-9"))

    asked = clinic.act(clinic.staff, "changeProviderAuthority", facts=more)
    assert (asked["state"], asked["proposal"]["kind"], asked["refusal"]) == ("APPROVED", "ASK_CHANGE", None)
    assert [one["state"] for one in asked["facts"]["licences"]] == ["NY"]

    changed = clinic.approve(asked["proposal"]["id"])
    assert sorted(one["state"] for one in changed["facts"]["licences"]) == ["NJ", "NY"]
    assert [one["event"] for one in clinic.recorded("provider.change_asked", "provider.changed")] == [
        "provider.change_asked",
        "provider.changed",
    ]


def test_a_licence_that_got_worse_counts_no_longer_and_the_answer_says_why(clinic: Clinic) -> None:
    clinic.approve(clinic.propose())

    limited = clinic.act(clinic.staff, "limitProviderLicence", state="NY", number="123456", status="SUSPENDED")

    assert limited["state"] == "APPROVED"
    assert limited["refusal"] == "licence NY 123456 is suspended"
    (recorded,) = clinic.recorded("provider.limited")
    assert recorded["details"] == {"licence_state": "NY", "licence_status": "suspended"}


def test_a_rejected_proposal_can_be_made_again_and_a_revoked_authority_too(clinic: Clinic) -> None:
    proposal_id = clinic.propose()
    rejected = clinic.act(clinic.administrator, "rejectProviderAuthority", proposalId=proposal_id, reason="MISTAKEN")
    assert (rejected["state"], rejected["reason"], rejected["proposal"]) == ("REJECTED", "MISTAKEN", None)

    clinic.approve(clinic.propose())
    revoked = clinic.act(clinic.staff, "revokeProviderAuthority", reason="LEFT")
    assert (revoked["state"], revoked["reason"]) == ("REVOKED", "LEFT")
    assert clinic.act(clinic.staff, "proposeProviderAuthority", facts=facts())["state"] == "PROPOSED"


def test_dates_end_authority_by_themselves(lone_clinic: Clinic) -> None:
    until = "2026-11-24T12:00:00.000Z"
    lone_clinic.approve(lone_clinic.propose(facts=facts(effectiveUntil=until)))
    lone_clinic.live.clock.advance(86_399)
    reader = lone_clinic.again(lone_clinic.administrator)
    assert lone_clinic.authority(reader)["state"] == "APPROVED"
    lone_clinic.live.clock.advance(1)
    shown = lone_clinic.authority(reader)
    assert (shown["state"], shown["refusal"]) == ("EXPIRED", "this provider's authority has ended")


def test_authorities_are_listed_by_state_and_by_whether_somebody_must_look_at_them(lone_clinic: Clinic) -> None:
    clinic = lone_clinic
    others = [clinic.somebody(Role.SUPPORT) for _ in range(4)]
    clinic.approve(clinic.propose())
    clinic.act(clinic.staff, "suspendProviderAuthority", reason="OTHER")
    for one in others:
        clinic.act(clinic.staff, "proposeProviderAuthority", userId=one.id, facts=facts())
    document = """query($state: AuthorityState, $waiting: Boolean, $after: ID, $first: Int) {
      providerAuthorities(state: $state, waiting: $waiting, after: $after, first: $first) { userId }
    }"""

    def listed(**variables: object) -> list[str]:
        found = clinic.live.data(clinic.staff.token, document, variables)["providerAuthorities"]
        return [one["userId"] for one in found]

    newest_first = sorted([clinic.doctor.id, *(one.id for one in others)], reverse=True)
    waiting = [one for one in newest_first if one != clinic.doctor.id]
    assert listed() == newest_first
    assert listed(state="SUSPENDED") == listed(waiting=False) == [clinic.doctor.id]
    assert listed(state="PROPOSED") == listed(waiting=True) == waiting
    assert listed(waiting=True, first=2) == waiting[:2]
    assert listed(waiting=True, first=1, after=waiting[1]) == waiting[2:3]
    assert listed(state="REVOKED") == []


def test_the_contract_has_a_name_for_every_code_of_policy() -> None:
    for name, codes in (("AuthorityState", State), ("AuthorityReason", Reason), ("LicenceStatus", LicenceStatus)):
        kind = SERVED.type_map[name]
        assert isinstance(kind, GraphQLEnumType)
        assert list(kind.values) == [one.name for one in codes]


# What each mutation is asked, though nobody may: it never gets so far as to read it.
NONSENSE = {
    "facts": facts(),
    "proposalId": "prp_none",
    "reason": "OTHER",
    "state": "NY",
    "number": "1",
    "status": "EXPIRED",
}
NEEDED = {name: next(iter(required_permissions(SERVED.mutation_type.fields[name]) or ())) for name in ARGUMENTS}


def arguments(name: str) -> dict[str, object]:
    """Returns what a mutation is asked beside about whom."""
    return {argument: NONSENSE[argument] for argument in ARGUMENTS[name] if argument != "userId"}


@pytest.fixture(scope="module")
def everybody(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """A clinic with an approved provider, that nobody in these tests can change."""
    clinics = Clinics(templates, tmp_path_factory)
    clinic = Clinic(clinics.serve("sqlite"))
    clinic.approve(clinic.propose())
    clinic.machine()
    yield clinic
    clinics.stop()


@pytest.mark.parametrize("name", ARGUMENTS)
def test_who_lacks_the_permission_does_nothing(everybody: Clinic, name: str) -> None:
    needed = BY_NAME[NEEDED[name]]
    refused = [role for role in Role if role not in needed.roles]
    callers = [everybody.somebody(role).token for role in refused]
    callers.append(everybody.live.token(everybody.live.world.alder, scope="write:order"))
    if needed.machine is Machine.NEVER:
        callers.append(everybody.live.token(everybody.live.world.alder))
    for bearer in callers:
        error = the_error(everybody.ask(bearer, name, **arguments(name)))
        assert error["extensions"]["code"] == "FORBIDDEN"
        assert error["extensions"]["requiredPermission"] == needed.name
    assert everybody.authority()["state"] == "APPROVED"


def test_each_refused_act_is_a_record_and_a_refused_look_is_none(clinic: Clinic) -> None:
    weak, machine = clinic.somebody(Role.SUPPORT), clinic.live.token(clinic.live.world.alder)
    for bearer in (weak, machine, machine):
        clinic.ask(bearer, "suspendProviderAuthority", reason="OTHER")
    assert code(clinic.live.graphql(machine, "{ providerAuthorities { userId } }")) == "FORBIDDEN"

    recorded = clinic.recorded("provider.refused")

    client_id = clinic.live.world.alder.client_id
    assert [(one["actorKind"], one["actorId"], one["reason"]) for one in recorded] == [
        ("person", weak.id, "role_missing"),
        *[("client", client_id, "not_given")] * 2,
    ]


@pytest.mark.parametrize("name", ARGUMENTS)
def test_another_organizations_provider_is_nobodys(everybody: Clinic, name: str) -> None:
    organization_id = everybody.live.world.birch.organization_id
    roles = (Role.ADMINISTRATOR, Role.STAFF)
    stranger = everybody.somebody(*roles, organization_id=organization_id)

    for user_id in (everybody.doctor.id, "usr_01M844DZG0VGAJQXTTXH88WYZH", "nobody", "x" * 1_000):
        answer = everybody.ask(stranger, name, **{"userId": user_id} | arguments(name))
        assert code(answer) == "NOT_FOUND"
    assert everybody.authority(stranger, everybody.doctor) is None
    assert everybody.authority()["state"] == "APPROVED"
    number(everybody.live)
    document = "{ auditEntries(first: 100) { entries { target } } }"
    seen = everybody.live.data(stranger.token, document)["auditEntries"]["entries"]
    assert everybody.doctor.id not in {one["target"] for one in seen}

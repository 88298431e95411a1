"""What a page about providers asks: names, what each could do, the register's word, history, and what ends soon."""

from typing import Any

import pytest

from rxauth.domain import memberships, users
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.clinical.test_statements import statements
from tests.api.management.documents import FACTS, NPI, VERIFICATION, facts, licence
from tests.api.management.people import Clinic, Somebody
from tests.live import Live

NAMED = VERIFICATION.replace("checkedBy", "checkedBy checkedByName")
AUTHORITY = f"""{{
  userId name state acts activePrescriptions proposedByName approvedByName refusal
  approvalRefusal {{ code message }} npiCheck {{ NPI importedAt problem {{ code message }} }}
  facts {FACTS.replace(VERIFICATION, NAMED)}
  proposal {{ id kind askedBy askedByName askedAt lapsesAt facts {FACTS.replace(VERIFICATION, NAMED)} }}
}}"""
ONE = f"query($userId: ID!) {{ providerAuthority(userId: $userId) {AUTHORITY} }}"
MANY = f"query($first: Int, $waiting: Boolean) {{ providerAuthorities(first: $first, waiting: $waiting) {AUTHORITY} }}"
HISTORY = """query($userId: ID!, $after: Int, $first: Int) {
  providerHistory(userId: $userId, after: $after, first: $first) {
    number at event actorKind actorId actorName reason licenceState licenceStatus
  }
}"""
EXPIRATIONS = """query($days: Int, $ended: Int, $after: ID, $first: Int) {
  providerExpirations(withinDays: $days, endedDays: $ended, after: $after, first: $first) {
    id what userId name on endsAt hasEnded state number
  }
}"""


CANDIDATES = """query($name: String, $after: ID, $first: Int) {
  providerCandidates(name: $name, after: $after, first: $first) { userId name email NPI state }
}"""
CANDIDATE = "query($userId: ID!) { providerCandidate(userId: $userId) { userId name email NPI state } }"


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def seen(clinic: Clinic, who: Somebody) -> Any:
    """Returns the doctor's authority as somebody sees it."""
    return clinic.live.data(who.token, ONE, {"userId": clinic.doctor.id})["providerAuthority"]


def name(clinic: Clinic, who: Somebody) -> str:
    """Returns the name of one of the clinic's people."""
    user = clinic.live.server.database.read(lambda tx: users.find(tx, who.id))
    assert user is not None
    return user.name.full


def test_everybody_who_had_a_part_in_it_is_named(clinic: Clinic) -> None:
    proposal_id = clinic.propose()
    asked = seen(clinic, clinic.administrator)
    assert asked["name"] == name(clinic, clinic.doctor)
    assert asked["proposal"]["askedByName"] == name(clinic, clinic.staff)
    assert asked["proposal"]["facts"]["licences"][0]["verification"]["checkedByName"] == name(clinic, clinic.staff)
    assert asked["proposal"]["lapsesAt"] == "2026-11-30T12:00:00.000Z"
    assert (asked["proposedByName"], asked["approvedByName"]) == (None, None)

    clinic.approve(proposal_id)
    given = seen(clinic, clinic.staff)
    assert given["proposedByName"] == name(clinic, clinic.staff)
    assert given["approvedByName"] == name(clinic, clinic.administrator)


def test_each_sees_what_they_could_do_and_the_proposer_why_not_approve(clinic: Clinic) -> None:
    prescriber = clinic.somebody(Role.PRESCRIBER)
    clinic.propose()
    own, second = seen(clinic, clinic.staff), seen(clinic, clinic.administrator)
    assert own["acts"] == []
    assert own["approvalRefusal"]["code"] == "permission_missing"
    assert second["acts"] == ["APPROVE", "REJECT"]
    assert second["approvalRefusal"] is None
    assert code(clinic.live.graphql(prescriber.token, ONE, {"userId": clinic.doctor.id})) == "FORBIDDEN"

    proposal_id = clinic.act(clinic.administrator, "rejectProviderAuthority", **_rejecting(clinic))["proposal"]
    assert proposal_id is None
    clinic.act(clinic.administrator, "proposeProviderAuthority", facts=facts())
    refused = seen(clinic, clinic.administrator)
    assert refused["acts"] == ["REJECT"]
    assert refused["approvalRefusal"]["code"] == "same_person"
    assert "second person" in refused["approvalRefusal"]["message"]


def _rejecting(clinic: Clinic) -> dict[str, str]:
    return {"proposalId": seen(clinic, clinic.staff)["proposal"]["id"], "reason": "MISTAKEN"}


def test_an_authority_in_force_can_be_changed_suspended_limited_and_revoked(lone_clinic: Clinic) -> None:
    lone_clinic.approve(lone_clinic.propose())
    assert seen(lone_clinic, lone_clinic.staff)["acts"] == ["ASK_CHANGE", "SUSPEND", "LIMIT", "REVOKE"]
    lone_clinic.act(lone_clinic.staff, "suspendProviderAuthority", reason="OTHER")
    assert seen(lone_clinic, lone_clinic.staff)["acts"] == ["ASK_RESTORE", "LIMIT", "REVOKE"]


def test_what_would_keep_facts_from_being_approved_shows_beforehand(lone_clinic: Clinic) -> None:
    clinic = lone_clinic
    clinic.propose(facts=facts(licence(verification=None)))
    assert seen(clinic, clinic.administrator)["approvalRefusal"]["code"] == "licence_not_verified"
    shown = seen(clinic, clinic.administrator)["npiCheck"]
    assert (shown["NPI"], shown["importedAt"], shown["problem"]["code"]) == (NPI, None, "npi_not_verified")


def test_whoever_lost_the_permission_since_they_proposed_shows_beforehand(lone_clinic: Clinic) -> None:
    clinic = lone_clinic
    clinic.propose()
    organization_id, now = clinic.live.world.alder.organization_id, clinic.live.clock.seconds()
    clinic.holders.write(lambda tx: memberships.set_roles(tx, organization_id, clinic.staff.id, (Role.SUPPORT,), now))
    shown = seen(clinic, clinic.administrator)
    assert shown["approvalRefusal"]["code"] == "proposer_lost_permission"
    assert "APPROVE" not in shown["acts"]


def test_a_lapsed_proposal_waits_for_nobody(lone_clinic: Clinic) -> None:
    clinic = lone_clinic
    clinic.propose()
    clinic.live.clock.advance(7 * 86_400)
    shown = seen(clinic, clinic.again(clinic.administrator))
    assert (shown["state"], shown["approvalRefusal"], shown["acts"]) == ("EXPIRED", None, ["PROPOSE"])


def test_the_history_has_every_act_newest_first_page_by_page(clinic: Clinic) -> None:
    clinic.approve(clinic.propose())
    clinic.act(clinic.staff, "limitProviderLicence", state="NY", number="123456", status="PROBATION")
    clinic.act(clinic.machine(), "suspendProviderAuthority", reason="FACTOR_LOST")

    def history(**variables: Any) -> list[Any]:
        given = {"userId": clinic.doctor.id} | variables
        return list(clinic.live.data(clinic.staff.token, HISTORY, given)["providerHistory"])

    whole = history()
    assert [(one["number"], one["event"], one["actorKind"]) for one in whole] == [
        (4, "SUSPENDED", "client"),
        (3, "LIMITED", "person"),
        (2, "APPROVED", "person"),
        (1, "PROPOSED", "person"),
    ]
    assert [one["actorName"] for one in whole[1:]] == [
        name(clinic, one) for one in (clinic.staff, clinic.administrator, clinic.staff)
    ]
    assert whole[0]["actorName"] is not None
    assert (whole[0]["reason"], whole[1]["licenceState"], whole[1]["licenceStatus"]) == (
        "FACTOR_LOST",
        "NY",
        "PROBATION",
    )
    assert [*history(first=3), *history(first=3, after=2)] == whole
    assert history(userId="usr_nobody") == []
    stranger = clinic.somebody(Role.ADMINISTRATOR, organization_id=clinic.live.world.birch.organization_id)
    assert clinic.live.data(stranger.token, HISTORY, {"userId": clinic.doctor.id})["providerHistory"] == []


def test_what_ends_soon_is_listed_by_day_with_the_name(clinic: Clinic) -> None:
    late = licence(state="NJ", number="NJ-9", expiresOn="2027-12-31")
    clinic.approve(clinic.propose(facts=facts(licence(), late, effectiveUntil="2026-12-01T00:00:00.000Z")))
    clinic.act(clinic.staff, "changeProviderAuthority", facts=facts())

    def ends(**variables: Any) -> list[Any]:
        found = clinic.live.data(clinic.staff.token, EXPIRATIONS, variables)["providerExpirations"]
        return [one for one in found if one["userId"] == clinic.doctor.id]

    whole = ends()
    assert [(one["what"], one["on"], one["state"], one["hasEnded"]) for one in whole] == [
        ("PROPOSAL", "2026-11-30", None, False),
        ("AUTHORITY", "2026-12-01", None, False),
        ("LICENCE", "2026-12-31", "NY", False),
    ]
    assert whole[2]["endsAt"] == "2027-01-01T05:00:00.000Z"
    assert {one["name"] for one in whole} == {name(clinic, clinic.doctor)}
    assert ends(days=7) == []
    assert [one["what"] for one in ends(days=8)] == ["PROPOSAL", "AUTHORITY"]
    assert ends(after=whole[0]["id"]) == whole[1:]
    stranger = clinic.somebody(Role.ADMINISTRATOR, organization_id=clinic.live.world.birch.organization_id)
    found = clinic.live.data(stranger.token, EXPIRATIONS, {"days": 366})["providerExpirations"]
    assert clinic.doctor.id not in {one["userId"] for one in found}


def test_what_ended_lately_is_listed_where_it_is_asked_for(lone_clinic: Clinic) -> None:
    clinic = lone_clinic
    clinic.approve(clinic.propose(facts=facts(licence(expiresOn="2026-11-25"))))
    clinic.live.clock.advance(5 * 86_400)
    reader = clinic.again(clinic.staff)

    def ends(**variables: Any) -> list[Any]:
        found = clinic.live.data(reader.token, EXPIRATIONS, variables)["providerExpirations"]
        return [(one["on"], one["hasEnded"]) for one in found if one["userId"] == clinic.doctor.id]

    assert ends() == []
    assert ends(ended=1) == []
    assert ends(ended=3) == [("2026-11-25", True)]


@pytest.mark.parametrize(
    ("variables", "field"),
    [
        ({"days": 0}, "withinDays"),
        ({"days": 367}, "withinDays"),
        ({"ended": -1}, "endedDays"),
        ({"after": "x"}, "after"),
    ],
)
def test_a_window_has_limits(lone_clinic: Clinic, variables: dict[str, Any], field: str) -> None:
    error = the_error(lone_clinic.live.graphql(lone_clinic.staff.token, EXPIRATIONS, variables))
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", field)


def test_who_can_be_proposed_is_found_by_parts_of_the_name_or_the_address(clinic: Clinic) -> None:
    def found(**variables: Any) -> list[str]:
        shown = clinic.live.data(clinic.staff.token, CANDIDATES, {"first": 100} | variables)["providerCandidates"]
        return [one["userId"] for one in shown]

    whole = found()
    assert {clinic.doctor.id, clinic.staff.id, clinic.administrator.id} <= set(whole)
    assert whole == sorted(whole, reverse=True)
    assert found(first=1, after=whole[0]) == whole[1:2]
    address = clinic.live.server.database.read(lambda tx: users.find(tx, clinic.doctor.id))
    assert address is not None
    assert clinic.doctor.id in found(name=f"  MARSH {address.email[:6].upper()} ")
    assert found(name="%") == found(name="_zz") == []
    given = {"userId": clinic.doctor.id}
    assert clinic.live.data(clinic.staff.token, CANDIDATE, given)["providerCandidate"]["state"] is None

    clinic.approve(clinic.propose())
    assert clinic.doctor.id not in found()
    assert clinic.live.data(clinic.staff.token, CANDIDATE, given)["providerCandidate"] is None
    clinic.act(clinic.staff, "revokeProviderAuthority", reason="LEFT")
    shown = clinic.live.data(clinic.staff.token, CANDIDATE, given)["providerCandidate"]
    assert (shown["state"], shown["name"]) == ("REVOKED", name(clinic, clinic.doctor))
    stranger = clinic.somebody(Role.ADMINISTRATOR, organization_id=clinic.live.world.birch.organization_id)
    assert clinic.live.data(stranger.token, CANDIDATE, given)["providerCandidate"] is None
    assert clinic.doctor.id not in {
        one["userId"] for one in clinic.live.data(stranger.token, CANDIDATES)["providerCandidates"]
    }
    prescriber = clinic.somebody(Role.PRESCRIBER)
    assert code(clinic.live.graphql(prescriber.token, CANDIDATES)) == "FORBIDDEN"


def test_many_providers_need_no_more_statements_than_one(clinic: Clinic) -> None:
    def count(document: str, variables: dict[str, Any]) -> int:
        """Counts the fewest of some tries: after an act, who asks is read anew once."""
        counted = []
        for _ in range(4):
            with statements(clinic.live) as sent:
                clinic.live.data(clinic.administrator.token, document, variables)
            counted.append(len(sent))
        return min(counted)

    clinic.approve(clinic.propose())
    clinic.act(clinic.staff, "changeProviderAuthority", facts=facts())
    asked = [(MANY, {"first": 100}), (MANY, {"first": 100, "waiting": True}), (EXPIRATIONS, {"days": 90})]
    for_one = [count(*one) for one in asked]
    for number in range(5):
        somebody, proposer = clinic.somebody(Role.SUPPORT), clinic.somebody(Role.STAFF)
        clinic.act(proposer, "proposeProviderAuthority", userId=somebody.id, facts=facts())
        if number % 2:
            proposal_id = clinic.live.data(proposer.token, ONE, {"userId": somebody.id})["providerAuthority"]
            given = {"userId": somebody.id, "proposalId": proposal_id["proposal"]["id"]}
            clinic.act(clinic.administrator, "approveProviderAuthority", **given)
    assert [count(*one) for one in asked] == for_one

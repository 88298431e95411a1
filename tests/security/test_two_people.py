"""Authority to prescribe takes two people (21 CFR 1311.125): every way around the second one, tried over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import bindparam, update

from rxauth.domain import memberships, nppes_imports
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import users
from rxauth.storage.tenancy import sql
from tests.api.answers import the_error
from tests.api.management.documents import NPI, facts, licence
from tests.api.management.people import Clinic, Somebody
from tests.api.management.sign_ins import number
from tests.live import Live
from tests.world import NOW

STEP_UP = {"code": "INSUFFICIENT_USER_AUTHENTICATION", "acr_values": "aal2", "max_age": 300}
_RENAME = sql(update(users).where(users.c.id == bindparam("the_id")).values(last_name=bindparam("name")))


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def why(answer: httpx.Response) -> tuple[str, str]:
    """Returns the code of a refusal, and its reason."""
    extensions = the_error(answer)["extensions"]
    return extensions["code"], extensions["reason"]


def give(clinic: Clinic, who: Somebody, role: Role) -> None:
    """Gives a member one role in place of those before."""
    organization_id, now = clinic.holders.organization_id, clinic.live.clock.seconds()
    clinic.holders.write(lambda tx: memberships.set_roles(tx, organization_id, who.id, [role], now))


def only_refusal(clinic: Clinic, reason: str, who: Somebody) -> None:
    """Checks that the log has one refused act, and why, and that nothing came of it."""
    (recorded,) = clinic.recorded("provider.refused")
    assert (recorded["outcome"], recorded["reason"]) == ("failure", reason)
    assert (recorded["actorKind"], recorded["actorId"]) == ("person", who.id)
    assert recorded["target"] == clinic.doctor.id
    assert clinic.recorded("provider.approved") == []


def test_whoever_proposed_cannot_approve(clinic: Clinic) -> None:
    both = clinic.administrator
    proposed = clinic.act(both, "proposeProviderAuthority", facts=facts())

    answer = clinic.ask(both, "approveProviderAuthority", proposalId=proposed["proposal"]["id"])

    assert why(answer) == ("FORBIDDEN", "same_person")
    only_refusal(clinic, "same_person", both)


def test_whoever_proposed_cannot_approve_from_another_sign_in(lone_clinic: Clinic) -> None:
    proposed = lone_clinic.act(lone_clinic.administrator, "proposeProviderAuthority", facts=facts())
    again = lone_clinic.again(lone_clinic.administrator)
    answer = lone_clinic.ask(again, "approveProviderAuthority", proposalId=proposed["proposal"]["id"])
    assert why(answer) == ("FORBIDDEN", "same_person")


def test_nobody_approves_their_own_authority_unless_the_organization_is_solo(clinic: Clinic) -> None:
    clinic.doctor = clinic.somebody(Role.ADMINISTRATOR)
    proposal_id = clinic.propose()
    answer = clinic.ask(clinic.doctor, "approveProviderAuthority", proposalId=proposal_id)
    assert why(answer) == ("FORBIDDEN", "own_authority")
    only_refusal(clinic, "own_authority", clinic.doctor)

    clinic.live.data(clinic.administrator.token, "mutation { setProviderRules(solo: true) { solo } }")
    approved = clinic.act(clinic.doctor, "approveProviderAuthority", proposalId=proposal_id)
    assert approved["state"] == "APPROVED"


def test_a_solo_provider_cannot_be_both_people(lone_clinic: Clinic) -> None:
    lone_clinic.live.data(lone_clinic.administrator.token, "mutation { setProviderRules(solo: true) { solo } }")
    lone_clinic.doctor = lone_clinic.administrator
    proposed = lone_clinic.act(lone_clinic.doctor, "proposeProviderAuthority", facts=facts())
    answer = lone_clinic.ask(lone_clinic.doctor, "approveProviderAuthority", proposalId=proposed["proposal"]["id"])
    assert why(answer) == ("FORBIDDEN", "same_person")


@pytest.mark.parametrize("name", ["proposeProviderAuthority", "approveProviderAuthority"])
@pytest.mark.parametrize("proof", ["weak", "old"])
def test_both_people_proved_two_factors_a_moment_ago(lone_clinic: Clinic, name: str, proof: str) -> None:
    clinic = lone_clinic
    is_approval = name == "approveProviderAuthority"
    asked: dict[str, Any] = {"proposalId": clinic.propose()} if is_approval else {"facts": facts()}
    who = clinic.administrator
    if proof == "weak":
        who = clinic.again(who, "pwd")
    else:
        clinic.live.clock.advance(301)

    answer = clinic.ask(who, name, **asked)

    assert the_error(answer)["extensions"] == STEP_UP
    only_refusal(clinic, "second_factor_not_fresh", who)
    assert clinic.act(clinic.again(who), name, **asked)["state"] == ("APPROVED" if is_approval else "PROPOSED")


def test_taking_authority_takes_one_person_and_no_fresh_proof(lone_clinic: Clinic) -> None:
    lone_clinic.approve(lone_clinic.propose())
    weak = lone_clinic.again(lone_clinic.staff, "pwd")
    assert lone_clinic.act(weak, "suspendProviderAuthority", reason="OTHER")["state"] == "SUSPENDED"


def test_a_proposal_that_was_replaced_is_not_approved(clinic: Clinic) -> None:
    clinic.approve(clinic.propose())
    first = clinic.act(clinic.staff, "changeProviderAuthority", facts=facts())["proposal"]["id"]
    wider = facts(licence(), licence(state="NJ", number="NJ-9"))
    clinic.act(clinic.staff, "changeProviderAuthority", facts=wider)

    answer = clinic.ask(clinic.administrator, "approveProviderAuthority", proposalId=first)

    assert why(answer) == ("CONFLICT", "proposal_stale")
    assert [one["state"] for one in clinic.authority()["facts"]["licences"]] == ["NY"]


def test_a_proposal_that_waited_too_long_is_not_approved(lone_clinic: Clinic) -> None:
    proposal_id = lone_clinic.propose()
    lone_clinic.live.clock.advance(7 * 86_400)
    again = lone_clinic.again(lone_clinic.administrator)
    assert why(lone_clinic.ask(again, "approveProviderAuthority", proposalId=proposal_id))[0] == "CONFLICT"
    assert lone_clinic.authority(again)["state"] == "EXPIRED"


def test_what_somebody_proposed_who_lost_the_role_since_is_not_approved(clinic: Clinic) -> None:
    proposal_id = clinic.propose()
    give(clinic, clinic.staff, Role.SUPPORT)

    answer = clinic.ask(clinic.administrator, "approveProviderAuthority", proposalId=proposal_id)

    assert why(answer) == ("CONFLICT", "proposer_lost_permission")


def test_whoever_lost_the_role_since_the_token_was_issued_approves_nothing(clinic: Clinic) -> None:
    proposal_id = clinic.propose()
    second = clinic.somebody(Role.ADMINISTRATOR)
    give(clinic, second, Role.STAFF)

    error = the_error(clinic.ask(second, "approveProviderAuthority", proposalId=proposal_id))

    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["extensions"]["requiredPermission"] == "approve:provider_authority"


def test_whoever_works_for_another_organization_approves_nothing(lone_clinic: Clinic) -> None:
    birch = lone_clinic.live.world.birch.organization_id
    stranger = lone_clinic.somebody(Role.ADMINISTRATOR, organization_id=birch)
    answer = lone_clinic.ask(stranger, "approveProviderAuthority", proposalId=lone_clinic.propose())
    assert the_error(answer)["extensions"]["code"] == "NOT_FOUND"
    assert lone_clinic.authority()["state"] == "PROPOSED"


def test_of_many_who_approve_at_once_one_does(clinic: Clinic) -> None:
    proposal_id = clinic.propose()
    seconds = [clinic.administrator, *(clinic.somebody(Role.ADMINISTRATOR) for _ in range(5))]

    with ThreadPoolExecutor(len(seconds)) as threads:
        answers = list(
            threads.map(lambda one: clinic.ask(one, "approveProviderAuthority", proposalId=proposal_id), seconds)
        )

    lost = [answer for answer in answers if "errors" in answer.json()]
    assert len(lost) == len(seconds) - 1
    assert {the_error(answer)["extensions"]["code"] for answer in lost} == {"CONFLICT"}
    assert len(clinic.recorded("provider.approved")) == 1
    assert len(clinic.recorded("provider.refused")) == len(lost)


def register(clinic: Clinic, **changes: Any) -> None:
    """Has the register list the doctor's NPI."""
    row = {
        "npi": NPI,
        "entity_type": 1,
        "last_name_key": "marsh",
        "first_name_key": "ada",
        "deactivated_on": None,
        "imported_at": NOW,
    }

    def work(transaction: Transaction) -> None:
        import_id = nppes_imports.begin(transaction, NOW * 1_000)
        nppes_imports.keep(transaction, import_id, [row | changes])
        nppes_imports.end(transaction, import_id, NOW)

    clinic.holders.write(work)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ({"entity_type": 2}, "npi_of_organization"),
        ({"deactivated_on": "2026-11-20"}, "npi_deactivated"),
        ({"last_name_key": "other"}, "npi_of_another"),
    ],
    ids=["organization", "deactivated", "another name"],
)
def test_what_the_register_says_now_counts_and_no_evidence_by_hand_outweighs_it(
    lone_clinic: Clinic, listed: dict[str, Any], reason: str
) -> None:
    clinic = lone_clinic
    proposal_id = clinic.propose()
    register(clinic, **listed)

    assert why(clinic.ask(clinic.administrator, "approveProviderAuthority", proposalId=proposal_id)) == (
        "BAD_USER_INPUT",
        reason,
    )
    other = clinic.somebody(Role.SUPPORT)
    answer = clinic.ask(clinic.staff, "proposeProviderAuthority", userId=other.id, facts=facts())
    assert why(answer) == ("BAD_USER_INPUT", reason)


def test_a_register_that_confirms_the_npi_needs_no_evidence_by_hand(clinic: Clinic) -> None:
    register(clinic)
    approved = clinic.approve(clinic.propose(facts=facts(npiVerification=None)))
    assert approved["facts"]["npiVerification"]["source"] == "NPPES"


def test_whoever_took_another_name_since_the_proposal_is_another_to_the_register(lone_clinic: Clinic) -> None:
    register(lone_clinic)
    proposal_id = lone_clinic.propose()
    lone_clinic.holders.write(lambda tx: tx.run(_RENAME, the_id=lone_clinic.doctor.id, name="Other"))
    answer = lone_clinic.ask(lone_clinic.administrator, "approveProviderAuthority", proposalId=proposal_id)
    assert why(answer) == ("BAD_USER_INPUT", "npi_of_another")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (facts(npiVerification=None), "npi_not_verified"),
        (facts(licence(verification=None)), "licence_not_verified"),
        (facts(licence(expiresOn="2026-11-22")), "licence_lapsed"),
        (facts(licence(status="PROBATION")), "licence_lapsed"),
        (facts(effectiveUntil="2026-11-23T12:00:00.000Z"), "authority_ended"),
    ],
    ids=["NPI unverified", "licence unverified", "licence over", "licence on probation", "ended already"],
)
def test_what_is_not_shown_to_be_true_is_not_approved(lone_clinic: Clinic, given: dict[str, Any], reason: str) -> None:
    proposal_id = lone_clinic.propose(facts=given)
    answer = lone_clinic.ask(lone_clinic.administrator, "approveProviderAuthority", proposalId=proposal_id)
    assert why(answer) == ("BAD_USER_INPUT", reason)
    assert lone_clinic.authority()["state"] == "PROPOSED"


def test_no_record_of_it_all_holds_a_name_or_a_number(lone_clinic: Clinic) -> None:
    clinic = lone_clinic
    clinic.approve(clinic.propose())
    clinic.act(clinic.staff, "limitProviderLicence", state="NY", number="123456", status="REVOKED")
    number(clinic.live)
    document = "{ auditEntries(first: 100) { entries { event target details { name value } } } }"
    shown = clinic.live.graphql(clinic.administrator.token, document).text
    for secret in (NPI, '123456"', "Marsh", "Ada", "board's website", "lookup 17"):
        assert secret not in shown

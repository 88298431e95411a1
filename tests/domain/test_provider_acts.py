"""Authorities to prescribe: every act on both engines, what it leaves, and what it refuses."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from rxauth.domain import memberships, nppes, organizations, provider_acts, provider_lists, providers, users
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.paging import page
from rxauth.domain.provider_facts import Facts, HeldLicence, Verification
from rxauth.domain.providers import AuthorityRefusedError, Provider
from rxauth.domain.users import User
from rxauth.policy import prescribing
from rxauth.policy.authority import FRESH_S, PROPOSAL_LIFETIME_S, Doer, State
from rxauth.policy.roles import Role
from rxauth.storage.database import ConflictError, Database, Transaction
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tables.providers import nppes_providers
from rxauth.storage.tenancy import insert_row, sql
from tests.people import add_person
from tests.providers import EVIDENCE, NPI, OPERATOR, add_member, as_doer, facts, give, licence
from tests.world import NOW, World

_LIST = insert_row(nppes_providers)
_LOG = sql(select(audit_outbox.c.entry).order_by(audit_outbox.c.id))


@dataclass
class Clinic:
    """Alder Clinic with people: ada is to prescribe; ben and cleo decide; ben proposes."""

    database: Database
    id: str
    other_id: str
    ada: User
    ben: User
    cleo: User

    def propose(self, given: Facts | None = None, doer: Doer | None = None, now: int = NOW) -> str:
        """Has ben propose ada; returns the proposal."""
        by = doer or as_doer(self.ben, now)
        made = self.write(provider_acts.propose, given or facts(), doer=by, now=now)
        return _proposal(made)

    def approve(self, proposal_id: str, doer: Doer | None = None, now: int = NOW) -> Provider:
        """Has cleo approve."""
        return self.write(provider_acts.approve, proposal_id, doer=doer or as_doer(self.cleo, now), now=now)

    def approved(self, given: Facts | None = None) -> Provider:
        """Has ben propose ada, and cleo approve."""
        return self.approve(self.propose(given))

    def write(self, act: Callable[..., Provider], *arguments: Any, doer: Doer = OPERATOR, now: int = NOW) -> Provider:
        """Runs an act on ada's authority."""
        return self.database.write(lambda tx: act(tx, self.id, self.ada.id, *arguments, doer=doer, now=now))

    def found(self) -> Provider | None:
        """Returns ada's authority as it is stored."""
        return self.database.read(lambda tx: providers.find(tx, self.id, self.ada.id))

    def may_prescribe(self, now: int = NOW) -> bool:
        """Tells whether the rule lets ada prescribe, judged as a write judges it."""
        subject = self.database.write(lambda tx: providers.subject_for_writing(tx, self.id, self.ada.id))
        return subject is not None and prescribing.refusal(subject, now) is None

    def log(self) -> list[dict[str, Any]]:
        """Returns what was recorded of authorities."""
        rows = self.database.read(lambda tx: tx.all(_LOG))
        entries = [msgspec.json.decode(row.entry) for row in rows]
        return [one for one in entries if one["event"].startswith("provider.")]

    def logged(self, event: str) -> dict[str, Any]:
        """Returns the one record of an event."""
        [found] = [one for one in self.log() if one["event"] == event]
        return found


def _proposal(provider: Provider) -> str:
    assert provider.proposal is not None
    return provider.proposal.id


@pytest.fixture
def clinic(world: World) -> Iterator[Clinic]:
    """Alder Clinic on each engine."""
    database = world.open()
    alder, birch = world.alder.organization_id, world.birch.organization_id

    def work(tx: Transaction) -> Clinic:
        ada = add_member(tx, alder, "ada@alder.example", Role.STAFF)
        ben = add_member(tx, alder, "ben@alder.example", Role.ADMINISTRATOR)
        cleo = add_member(tx, alder, "cleo@alder.example", Role.ADMINISTRATOR)
        return Clinic(database, alder, birch, ada, ben, cleo)

    yield database.write(work)
    database.close()


def test_two_people_give_an_authority_and_the_role(clinic: Clinic) -> None:
    proposal = clinic.propose()
    assert not clinic.may_prescribe()

    given = clinic.approve(proposal)

    assert (given.state, given.effective_from, given.approved_at) == (State.APPROVED, NOW, NOW)
    assert (given.proposed_by, given.approved_by, given.proposal) == (clinic.ben.id, clinic.cleo.id, None)
    assert clinic.found() == given
    assert clinic.may_prescribe()
    asked, approved = (clinic.logged(event) for event in ("provider.proposed", "provider.approved"))
    assert (asked["actor"]["id"], asked["target"]) == (clinic.ben.id, clinic.ada.id)
    assert approved == approved | {
        "actor": {"kind": "person", "id": clinic.cleo.id},
        "organization_id": clinic.id,
        "target": clinic.ada.id,
        "proposal_id": proposal,
        "first_by": clinic.ben.id,
        "second_by": clinic.cleo.id,
        "asked_at": NOW,
        "second_factor_at": NOW,
        "members": 3,
        "solo": 0,
    }


def test_what_is_kept_is_what_was_approved(clinic: Clinic) -> None:
    given = clinic.approved(facts([licence("NY"), licence("CA", "A 1", 30)], until=NOW + 86_400))

    assert given.facts is not None
    assert [(one.licence.state, one.licence.number) for one in given.facts.licences] == [
        ("NY", "123456"),
        ("CA", "A 1"),
    ]
    assert {one.verification for one in given.facts.licences} == {replace(EVIDENCE, checked_by=clinic.ben.id)}
    found = clinic.found()
    assert found is not None
    assert found.facts is not None
    assert set(found.facts.licences) == set(given.facts.licences)
    assert (found.facts.npi, found.facts.effective_until) == (NPI, NOW + 86_400)


def test_nothing_personal_is_printed_or_recorded(clinic: Clinic) -> None:
    given = clinic.approved()
    clinic.write(provider_acts.limit, ("NY", "123456"), "suspended")
    for text in (repr(given), repr(given.facts), msgspec.json.encode(clinic.log()).decode()):
        assert NPI not in text
        assert "123456" not in text


@pytest.mark.parametrize("act", ["suspend", "revoke"])
def test_one_person_takes_an_authority_at_once(clinic: Clinic, act: str) -> None:
    clinic.approved()

    taken = clinic.write(getattr(provider_acts, act), "board_action", doer=as_doer(clinic.ben))

    assert taken.state == {"suspend": State.SUSPENDED, "revoke": State.REVOKED}[act]
    assert taken.reason == "board_action"
    assert not clinic.may_prescribe()
    event = {"suspend": "provider.suspended", "revoke": "provider.revoked"}[act]
    assert clinic.logged(event)["why"] == "board_action"


def test_a_suspended_authority_is_given_back_by_two_people(clinic: Clinic) -> None:
    clinic.approved()
    clinic.write(provider_acts.suspend, "requested", doer=as_doer(clinic.ben))
    asked = clinic.write(provider_acts.ask_restore, None, doer=as_doer(clinic.ben))
    assert not clinic.may_prescribe()

    restored = clinic.approve(_proposal(asked), now=NOW + 1)

    assert (restored.state, restored.reason, restored.effective_from) == (State.APPROVED, None, NOW + 1)
    assert clinic.may_prescribe(NOW + 1)
    assert clinic.logged("provider.restored")["proposal_id"] == clinic.logged("provider.restore_asked")["proposal_id"]


def test_more_facts_take_two_people_and_the_authority_goes_on_meanwhile(clinic: Clinic) -> None:
    clinic.approved()
    more = facts([licence("NY"), licence("CA", "A1")])
    asked = clinic.write(provider_acts.ask_change, more, doer=as_doer(clinic.ben), now=NOW + 5)
    assert clinic.may_prescribe()
    assert asked.facts is not None
    assert [one.licence.state for one in asked.facts.licences] == ["NY"]

    changed = clinic.approve(_proposal(asked), now=NOW + 9)

    assert (changed.state, changed.effective_from, changed.approved_at) == (State.APPROVED, NOW, NOW + 9)
    assert changed.facts is not None
    assert [one.licence.state for one in changed.facts.licences] == ["NY", "CA"]
    assert clinic.logged("provider.changed")["first_by"] == clinic.logged("provider.change_asked")["actor"]["id"]


def test_a_licence_that_got_worse_is_noted_by_one_person_and_ends_what_was_proposed(clinic: Clinic) -> None:
    clinic.approved(facts([licence("NY"), licence("CA", "A1")]))
    asked = clinic.write(provider_acts.ask_change, facts(), doer=as_doer(clinic.ben))

    limited = clinic.write(provider_acts.limit, ("NY", "123456"), "suspended", doer=as_doer(clinic.cleo))

    assert limited.facts is not None
    statuses = {one.licence.state: one.licence.status for one in limited.facts.licences}
    assert statuses == {"NY": "suspended", "CA": "active"}
    assert clinic.may_prescribe()  # in California
    with pytest.raises(AuthorityRefusedError) as refused:
        clinic.approve(_proposal(asked))
    assert refused.value.code == "nothing_asked"
    clinic.write(provider_acts.limit, ("CA", "A1"), "expired", doer=as_doer(clinic.cleo))
    assert not clinic.may_prescribe()
    noted = {one["licence_state"]: one["licence_status"] for one in clinic.log() if one["event"] == "provider.limited"}
    assert noted == {"NY": "suspended", "CA": "expired"}


@pytest.mark.parametrize("status", ["active", "better", ""])
def test_a_licence_gets_no_better_by_one_person(clinic: Clinic, status: str) -> None:
    clinic.approved()
    with pytest.raises(InvalidError):
        clinic.write(provider_acts.limit, ("NY", "123456"), status)


def test_only_a_licence_that_there_is_gets_worse(clinic: Clinic) -> None:
    clinic.approved()
    with pytest.raises(AbsentError):
        clinic.write(provider_acts.limit, ("CA", "123456"), "expired")


def test_what_is_rejected_leaves_things_as_they_were(clinic: Clinic) -> None:
    proposal = clinic.propose()
    rejected = clinic.write(provider_acts.reject, proposal, "mistaken", doer=as_doer(clinic.ben))
    assert (rejected.state, rejected.reason, rejected.proposal) == (State.REJECTED, "mistaken", None)

    clinic.approved()
    asked = clinic.write(provider_acts.ask_change, facts([licence("CA")]), doer=as_doer(clinic.ben))
    kept = clinic.write(provider_acts.reject, _proposal(asked), "other", doer=as_doer(clinic.cleo))
    assert (kept.state, kept.reason) == (State.APPROVED, None)
    assert clinic.may_prescribe()

    clinic.write(provider_acts.suspend, "factor_lost")
    asked = clinic.write(provider_acts.ask_restore, None, doer=as_doer(clinic.ben))
    kept = clinic.write(provider_acts.reject, _proposal(asked), "other", doer=as_doer(clinic.cleo))
    assert (kept.state, kept.reason) == (State.SUSPENDED, "factor_lost")
    assert not clinic.may_prescribe()


def test_after_revoked_only_a_new_proposal_helps(clinic: Clinic) -> None:
    clinic.approved()
    clinic.write(provider_acts.revoke, "other")
    for act in (provider_acts.ask_restore, provider_acts.ask_change):
        with pytest.raises(AuthorityRefusedError):
            clinic.write(act, facts(), doer=as_doer(clinic.ben))

    proposal = clinic.propose()
    assert not clinic.may_prescribe()
    clinic.approve(proposal)

    assert clinic.may_prescribe()


def test_dates_end_an_authority_and_it_is_proposed_anew(clinic: Clinic) -> None:
    clinic.approved(facts(until=NOW + 10))
    assert clinic.may_prescribe(NOW + 9)
    assert not clinic.may_prescribe(NOW + 10)
    with pytest.raises(AuthorityRefusedError):
        clinic.write(provider_acts.suspend, "other", now=NOW + 10)

    clinic.approve(clinic.propose(now=NOW + 10), now=NOW + 10)

    assert clinic.may_prescribe(NOW + 11)


# What is wrong when somebody approves: what happens before, who approves and when, and the code of the refusal.
Before = Callable[[Clinic], object]
NOTHING: Before = lambda _clinic: None  # noqa: E731
WRONG: dict[str, tuple[Before, Callable[[Clinic], Doer], int, str]] = {
    "the proposer": (NOTHING, lambda c: as_doer(c.ben), NOW, "same_person"),
    "the provider": (
        lambda c: c.database.write(lambda tx: memberships.set_roles(tx, c.id, c.ada.id, [Role.ADMINISTRATOR], NOW)),
        lambda c: as_doer(c.ada),
        NOW,
        "own_authority",
    ),
    "the operator where there are members": (NOTHING, lambda _clinic: OPERATOR, NOW, "operator_not_alone"),
    "a machine": (
        NOTHING,
        lambda _clinic: Doer(None, frozenset({"approve:provider_authority"}), NOW, client_id="machine"),
        NOW,
        "needs_person",
    ),
    "somebody of another organization": (
        lambda c: c.database.write(lambda tx: move(tx, c)),
        lambda c: as_doer(c.cleo),
        NOW,
        "permission_missing",
    ),
    "somebody whose role was taken": (
        lambda c: c.database.write(lambda tx: memberships.set_roles(tx, c.id, c.cleo.id, [Role.STAFF], NOW)),
        lambda c: as_doer(c.cleo),
        NOW,
        "permission_missing",
    ),
    "somebody disabled": (
        lambda c: c.database.write(lambda tx: users.disable(tx, c.cleo.id, NOW)),
        lambda c: as_doer(c.cleo),
        NOW,
        "permission_missing",
    ),
    "without two factors": (
        NOTHING,
        lambda c: replace(as_doer(c.cleo), second_factor_at=None),
        NOW,
        "second_factor_not_fresh",
    ),
    "with factors of a while ago": (
        NOTHING,
        lambda c: as_doer(c.cleo, NOW - FRESH_S - 1),
        NOW,
        "second_factor_not_fresh",
    ),
    "a week later": (
        NOTHING,
        lambda c: as_doer(c.cleo, NOW + PROPOSAL_LIFETIME_S),
        NOW + PROPOSAL_LIFETIME_S,
        "wrong_state",
    ),
    "after the proposer's role was taken": (
        lambda c: c.database.write(lambda tx: memberships.set_roles(tx, c.id, c.ben.id, [Role.DEVELOPER], NOW)),
        lambda c: as_doer(c.cleo),
        NOW,
        "proposer_lost_permission",
    ),
    "after the proposer left": (
        lambda c: c.database.write(lambda tx: memberships.remove(tx, c.id, c.ben.id, NOW)),
        lambda c: as_doer(c.cleo),
        NOW,
        "proposer_lost_permission",
    ),
    "after the licence ended": (
        NOTHING,
        lambda c: as_doer(c.cleo, NOW + 3 * 86_400),
        NOW + 3 * 86_400,
        "licence_lapsed",
    ),
    "after the register got the NPI as an organization's": (
        lambda c: listed(c, entity_type=nppes.ORGANIZATION),
        lambda c: as_doer(c.cleo),
        NOW,
        "npi_of_organization",
    ),
    "after the register got the NPI under another name": (
        lambda c: listed(c, last_name_key="someone"),
        lambda c: as_doer(c.cleo),
        NOW,
        "npi_of_another",
    ),
    "after the register got the NPI as deactivated": (
        lambda c: listed(c, deactivated_on="2026-01-01"),
        lambda c: as_doer(c.cleo),
        NOW,
        "npi_deactivated",
    ),
}


def move(transaction: Transaction, clinic: Clinic) -> None:
    """Has cleo go to another organization."""
    memberships.remove(transaction, clinic.id, clinic.cleo.id, NOW)
    memberships.add(transaction, clinic.other_id, clinic.cleo.id, [Role.ADMINISTRATOR], NOW)


def listed(clinic: Clinic, **changes: object) -> None:
    """Has the register list ada, with changes."""
    row = {"npi": NPI, "entity_type": nppes.INDIVIDUAL, "last_name_key": "marsh", "first_name_key": "ada"}
    whole = row | {"deactivated_on": None, "imported_at": NOW} | changes
    clinic.database.write(lambda tx: tx.run(_LIST, **whole))


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("wrong", WRONG)
def test_an_approval_is_refused_with_a_code_and_changes_nothing(clinic: Clinic, wrong: str) -> None:
    """M-15."""
    happens, doer, now, code = WRONG[wrong]
    proposal = clinic.propose(facts([licence(days=2)]))
    happens(clinic)
    before = clinic.found()

    with pytest.raises(AuthorityRefusedError) as refused:
        clinic.approve(proposal, doer(clinic), now)

    assert refused.value.code == code
    assert clinic.found() == before
    assert not clinic.may_prescribe()


def test_an_approval_names_the_proposal_that_was_looked_at(clinic: Clinic) -> None:
    """M-15: stale."""
    first = clinic.propose()
    clinic.write(provider_acts.reject, first, "mistaken", doer=as_doer(clinic.ben))
    second = clinic.propose(facts([licence("CA")]))
    for stale in (first, "", "prp_none"):
        with pytest.raises(AuthorityRefusedError) as refused:
            clinic.approve(stale)
        assert refused.value.code == "proposal_stale"

    assert clinic.approve(second).state is State.APPROVED


UNPROVEN = {
    "npi_not_verified": replace(facts(), npi_verification=None),
    "licence_not_verified": facts([HeldLicence(licence().licence, None)]),
    "licence_lapsed": facts([licence(days=-2)]),
    "authority_ended": facts(until=NOW),
}


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("code", UNPROVEN)
def test_what_nothing_shows_is_not_approved(clinic: Clinic, code: str) -> None:
    proposal = clinic.propose(UNPROVEN[code])
    with pytest.raises(AuthorityRefusedError) as refused:
        clinic.approve(proposal)
    assert refused.value.code == code


def test_the_register_is_evidence_of_the_npi(clinic: Clinic) -> None:
    listed(clinic)
    given = clinic.approved(replace(facts(), npi_verification=None))
    assert given.facts is not None
    assert given.facts.npi_verification == Verification("NPPES", "2026-11-23", NOW, clinic.cleo.id)


def test_what_the_register_contradicts_is_not_even_proposed(clinic: Clinic) -> None:
    listed(clinic, entity_type=nppes.ORGANIZATION)
    with pytest.raises(AuthorityRefusedError) as refused:
        clinic.propose()
    assert refused.value.code == "npi_of_organization"


INVALID = {
    "an NPI with a wrong digit": facts(npi="1234567890"),
    "no licence": facts([]),
    "a licence twice": facts([licence(), licence()]),
    "evidence of the future": replace(facts(), npi_verification=replace(EVIDENCE, checked_at=NOW + 1)),
    "evidence without a source": replace(facts(), npi_verification=replace(EVIDENCE, source=" ")),
}


@pytest.mark.parametrize("engine", ["sqlite"])
@pytest.mark.parametrize("wrong", INVALID)
def test_facts_that_no_provider_has_are_refused(clinic: Clinic, wrong: str) -> None:
    with pytest.raises(InvalidError):
        clinic.propose(INVALID[wrong])
    assert clinic.found() is None


def test_who_recorded_evidence_is_whoever_proposed_it(clinic: Clinic) -> None:
    """Nobody says that somebody else checked."""
    given = clinic.approved()
    assert given.facts is not None
    kept, new = given.facts.licences[0], licence("CA", "A1")
    changed = facts([kept, new])
    asked = clinic.write(provider_acts.ask_change, changed, doer=as_doer(clinic.cleo))
    assert asked.proposal is not None
    checked = {one.licence.state: one.verification for one in asked.proposal.facts.licences}
    assert {state: one and one.checked_by for state, one in checked.items()} == {
        "NY": clinic.ben.id,
        "CA": clinic.cleo.id,
    }


def test_only_members_are_proposed(clinic: Clinic) -> None:
    stranger = clinic.database.write(lambda tx: add_person(tx, "eve@example.com", None))

    def propose(tx: Transaction, user_id: str) -> Provider:
        return provider_acts.propose(tx, clinic.id, user_id, facts(), doer=as_doer(clinic.ben), now=NOW)

    for user_id in (stranger.id, "usr_none"):
        with pytest.raises(AbsentError):
            clinic.database.write(partial(propose, user_id=user_id))


def test_in_an_organization_of_one_the_operator_is_the_second(world: World) -> None:
    database = world.open()
    alder = world.alder.organization_id
    ada = database.write(lambda tx: add_member(tx, alder, "ada@alder.example", Role.ADMINISTRATOR))
    asked = database.write(lambda tx: provider_acts.propose(tx, alder, ada.id, facts(), doer=as_doer(ada), now=NOW))

    given = database.write(
        lambda tx: provider_acts.approve(tx, alder, ada.id, _proposal(asked), doer=OPERATOR, now=NOW)
    )

    assert (given.state, given.proposed_by, given.approved_by) == (State.APPROVED, ada.id, "operator")
    database.close()


def test_in_a_solo_practice_the_provider_is_the_second(clinic: Clinic) -> None:
    clinic.database.write(
        lambda tx: organizations.set_provider_rules(
            tx, clinic.id, NOW, solo=True, home_state=None, signing_max_age_s=None
        )
    )
    clinic.database.write(lambda tx: memberships.set_roles(tx, clinic.id, clinic.ada.id, [Role.ADMINISTRATOR], NOW))
    given = clinic.approve(clinic.propose(), as_doer(clinic.ada))
    assert given.approved_by == clinic.ada.id
    assert clinic.logged("provider.approved")["solo"] == 1


@pytest.mark.parametrize("act", ["suspend", "revoke"])
def test_a_reason_is_one_of_the_list(clinic: Clinic, act: str) -> None:
    clinic.approved()
    with pytest.raises(InvalidError, match="board_action"):
        clinic.write(getattr(provider_acts, act), "he looked tired")


def test_whose_facts_were_never_approved_has_nothing_to_give_back(clinic: Clinic) -> None:
    clinic.propose()
    with pytest.raises(AuthorityRefusedError):
        clinic.write(provider_acts.ask_restore, None, doer=as_doer(clinic.ben))


def test_authorities_are_listed_in_pages_of_their_own_organization(clinic: Clinic) -> None:
    clinic.approved()
    proposed = clinic.database.write(
        lambda tx: provider_acts.propose(tx, clinic.id, clinic.cleo.id, facts(), doer=as_doer(clinic.ben), now=NOW)
    )

    def pages(tx: Transaction, organization_id: str) -> list[list[str]]:
        first = provider_lists.search(tx, organization_id, page(None, 1), NOW)
        after = first[-1].user_id if first else None
        second = provider_lists.search(tx, organization_id, page(after, 5), NOW)
        return [[one.user_id for one in rows] for rows in (first, second)]

    newest_first = sorted([clinic.ada.id, proposed.user_id], reverse=True)
    assert clinic.database.read(lambda tx: pages(tx, clinic.id)) == [[newest_first[0]], [newest_first[1]]]
    assert clinic.database.read(lambda tx: pages(tx, clinic.other_id)) == [[], []]


def test_the_same_person_is_another_provider_elsewhere(clinic: Clinic) -> None:
    clinic.approved()
    clinic.database.write(lambda tx: memberships.add(tx, clinic.other_id, clinic.ada.id, [Role.PRESCRIBER], NOW))
    elsewhere = clinic.database.write(lambda tx: providers.subject_for_writing(tx, clinic.other_id, clinic.ada.id))
    assert elsewhere is not None
    assert elsewhere.authority is None
    assert prescribing.refusal(elsewhere, NOW) is not None


def test_of_two_first_proposals_at_once_one_stays(clinic: Clinic) -> None:
    clinic.propose()
    with pytest.raises((AuthorityRefusedError, ConflictError)):
        clinic.propose()


def test_two_people_of_a_test_are_two(clinic: Clinic) -> None:
    given = clinic.database.write(lambda tx: give(tx, clinic.id, clinic.ada.id, clinic.ben))
    assert (given.proposed_by, given.approved_by) == ("operator", clinic.ben.id)

"""What of providers ends soon: to the second, by day, page by page, and one's own organization's alone."""

import datetime
from dataclasses import replace

import pytest

from rxauth.domain import provider_acts, provider_expirations, provider_store, providers
from rxauth.domain.errors import InvalidError
from rxauth.domain.provider_expirations import Expiration, What, Window
from rxauth.domain.provider_facts import Facts, HeldLicence, Registration
from rxauth.domain.providers import Proposal
from rxauth.policy.authority import PROPOSAL_LIFETIME_S, Act, State
from rxauth.policy.licences import STATES, Licence, LicenceStatus, end_of_day
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.providers import EVIDENCE, OPERATOR, add_member, authorize, facts, licence
from tests.undone import Undone
from tests.world import NOW

DAY_S = 86_400
TODAY = datetime.datetime.fromtimestamp(NOW, datetime.UTC).date()
MONTH = Window(NOW, NOW + 30 * DAY_S)


class Practice:
    """An organization whose authorities a test stores as it likes."""

    def __init__(self, tx: Transaction, organization_id: str) -> None:
        self.tx = tx
        self.id = organization_id
        self.known = {one.id for one in self.search()}

    def provider(self, name: str, given: Facts, state: State = State.APPROVED, proposal: Proposal | None = None) -> str:
        """Stores an authority."""
        user = add_member(self.tx, self.id, f"{name}@example.com", Role.SUPPORT)
        made = authorize(self.tx, self.id, user.id)
        provider_store.store(self.tx, replace(made, facts=given, state=state, proposal=proposal))
        return user.id

    def search(self, window: Window = MONTH, rows: int = 1_000, after: str | None = None) -> list[Expiration]:
        """Lists what ends."""
        return provider_expirations.search(self.tx, self.id, window, rows, after)

    def found(self, window: Window = MONTH) -> list[Expiration]:
        """Lists what ends and was not there before the test."""
        return [one for one in self.search(window) if one.id not in self.known]


def held(day: int, state: str = "NY", number: str = "1", status: str = "active") -> HeldLicence:
    """Returns a licence that ends so many days from today."""
    return HeldLicence(Licence(state, number, LicenceStatus(status), TODAY + datetime.timedelta(days=day)), EVIDENCE)


def registration(day: int) -> Registration:
    """Returns a registration that ends so many days from today."""
    on = TODAY + datetime.timedelta(days=day)
    return Registration("AP5836727", "NY", ("2",), on, LicenceStatus.ACTIVE, EVIDENCE)


def test_each_kind_is_found_by_the_day_of_its_end(undone: Undone) -> None:
    def work(tx: Transaction) -> None:
        practice = Practice(tx, undone.organization_id)
        given = replace(
            facts([held(20, "NJ", "9"), held(10)], until=NOW + 15 * DAY_S), registrations=(registration(5),)
        )
        proposal = Proposal("prp_1", Act.ASK_CHANGE, "operator", NOW, facts())
        user_id = practice.provider("ada", given, proposal=proposal)

        found = practice.found()
        assert [(one.what, one.user_id, (one.on - TODAY).days) for one in found] == [
            (What.DEA_REGISTRATION, user_id, 5),
            (What.PROPOSAL, user_id, 7),
            (What.LICENCE, user_id, 10),
            (What.AUTHORITY, user_id, 15),
            (What.LICENCE, user_id, 20),
        ]
        assert [(one.state, one.number) for one in found] == [
            ("NY", "AP5836727"), (None, None), ("NY", "1"), (None, None), ("NJ", "9"),
        ]  # fmt: skip
        assert found[1].ends_at == NOW + PROPOSAL_LIFETIME_S
        assert found[2].ends_at == end_of_day(found[2].on, "NY")

    undone.run(work)


def test_what_nobody_can_prescribe_on_any_more_does_not_end(undone: Undone) -> None:
    def work(tx: Transaction) -> None:
        practice = Practice(tx, undone.organization_id)
        practice.provider("ada", facts([held(3, status="suspended"), held(31, "NJ")], until=NOW))
        practice.provider("ben", facts([held(3)], until=NOW + DAY_S), State.REVOKED)
        asked = NOW - PROPOSAL_LIFETIME_S
        practice.provider("cleo", facts([held(400)]), proposal=Proposal("prp_1", Act.ASK_CHANGE, "x", asked, facts()))
        assert practice.found() == []

    undone.run(work)


def test_a_licence_ends_with_the_day_in_its_own_state(undone: Undone) -> None:
    def work(tx: Transaction) -> None:
        practice = Practice(tx, undone.organization_id)
        days = (-2, -1, 0, 1)
        practice.provider("ada", facts([held(day, state, f"{day}") for state in STATES for day in days]))
        for hours in range(0, 24, 3):
            since = NOW + hours * 3_600
            found = practice.found(Window(since, since + 5 * DAY_S))
            expected = {
                (one.licence.state, one.licence.number)
                for one in (held(day, state, f"{day}") for state in STATES for day in days)
                if one.licence.refusal(since) is None
            }
            assert {(one.state, one.number) for one in found} == expected
            assert all(one.ends_at > since for one in found)

    undone.run(work)


@pytest.mark.parametrize("rows", [1, 2, 3, 7])
def test_pages_show_each_thing_once_and_in_order(undone: Undone, rows: int) -> None:
    def work(tx: Transaction) -> None:
        practice = Practice(tx, undone.organization_id)
        for number in range(4):
            given = facts(
                [held(5, "NY", "1"), held(5, "NY", "2"), held(5, "NJ", "3"), held(6, "CA")], until=NOW + 5 * DAY_S
            )
            proposal = Proposal(f"prp_{number}", Act.ASK_CHANGE, "operator", NOW - 2 * DAY_S, facts())
            both = replace(given, registrations=(registration(5),))
            practice.provider(f"doctor-{number}", both, proposal=proposal)
        whole = practice.search()
        shown: list[Expiration] = []
        while page := practice.search(rows=rows, after=shown[-1].id if shown else None):
            shown += page
        assert shown == whole
        assert [one.on for one in whole] == sorted(one.on for one in whole)
        assert len({one.id for one in whole}) == len(whole) >= 28

    undone.run(work)


@pytest.mark.parametrize(
    "after", ["", "x", "1.2.3", "9.2026-11-30.usr_1.1", "1.soon.usr_1.1", "3.soon.usr_1.1", "1.9999-12-31.usr_1.1",
              "3.99999999999999999999.usr_1.1", "1.2026-11-30.usr_1.0", "1.2026-11-30.usr_1.1000", "1.2026-11-30.a.b.1"]
)  # fmt: skip
def test_after_is_something_of_the_list(undone: Undone, after: str) -> None:
    def work(tx: Transaction) -> None:
        with pytest.raises(InvalidError, match="after"):
            Practice(tx, undone.organization_id).search(after=after)

    undone.run(work)


def test_nothing_of_another_organization_is_found(undone: Undone) -> None:
    def work(tx: Transaction) -> None:
        practice = Practice(tx, undone.organization_id)
        practice.provider("ada", facts([held(3)]))
        other = Practice(tx, "org_other")
        assert len(practice.found()) == 1
        assert other.search() == []

    undone.run(work)


def test_an_approval_and_a_suspension_move_what_ends(undone: Undone) -> None:
    def work(tx: Transaction) -> None:
        practice = Practice(tx, undone.organization_id)
        user = add_member(tx, practice.id, "ada@example.com", Role.SUPPORT)
        provider_acts.propose(tx, practice.id, user.id, facts([licence(days=9)]), doer=OPERATOR, now=NOW)
        assert [one.what for one in practice.found()] == [What.PROPOSAL]
        found = providers.find(tx, practice.id, user.id)
        assert found is not None
        provider_store.store(tx, replace(authorize(tx, practice.id, user.id), facts=facts([licence(days=9)])))
        assert [one.what for one in practice.found()] == [What.LICENCE]
        provider_acts.revoke(tx, practice.id, user.id, "left", doer=OPERATOR, now=NOW)
        assert practice.found() == []

    undone.run(work)

"""M-14 to M-17: races about the authority to prescribe, each held open by hand, and the last administrator."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from rxauth.domain import memberships, organizations, provider_acts, providers, users
from rxauth.domain.administrators import LastAdministratorError
from rxauth.domain.providers import AuthorityRefusedError, Provider
from rxauth.domain.users import User
from rxauth.policy import prescribing
from rxauth.policy.authority import State
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.people import one_after_the_other
from tests.providers import OPERATOR, add_member, as_doer, facts, give, licence
from tests.world import NOW, World


@dataclass(frozen=True)
class Clinic:
    """Alder Clinic: ada is a provider, ben and cleo decide."""

    world: World
    id: str
    ada: User
    ben: User
    cleo: User

    def write(self, work: Callable[[Transaction], Any]) -> Any:
        """Writes in a database connection of its own."""
        database = self.world.open()
        try:
            return database.write(work)
        finally:
            database.close()

    def subject_refusal(self, transaction: Transaction) -> str | None:
        """Judges ada as a prescription's own transaction does; None: it may be written."""
        subject = providers.subject_for_writing(transaction, self.id, self.ada.id)
        refused = None if subject is None else prescribing.refusal(subject, NOW)
        return "not_a_member" if subject is None else None if refused is None else refused.code


@pytest.fixture
def clinic(world: World) -> Iterator[Clinic]:
    """Alder Clinic on each engine, with an approved provider."""
    database, alder = world.open(), world.alder.organization_id

    def work(tx: Transaction) -> Clinic:
        ada = add_member(tx, alder, "ada@alder.example", Role.STAFF)
        ben = add_member(tx, alder, "ben@alder.example", Role.ADMINISTRATOR)
        cleo = add_member(tx, alder, "cleo@alder.example", Role.ADMINISTRATOR)
        give(tx, alder, ada.id, ben)
        return Clinic(world, alder, ada, ben, cleo)

    yield database.write(work)
    database.close()


def act(name: str, *arguments: Any) -> Callable[[Clinic, Transaction], object]:
    """Returns an act of the operator on ada's authority."""
    return lambda c, tx: getattr(provider_acts, name)(tx, c.id, c.ada.id, *arguments, doer=OPERATOR, now=NOW)


# Whatever takes authority away, or what it needs, and the code with which the next prescription is refused.
TAKEN: dict[str, tuple[Callable[[Clinic, Transaction], object], str]] = {
    "suspended": (act("suspend", "other"), "authority_suspended"),
    "revoked": (act("revoke", "other"), "authority_revoked"),
    "limited": (act("limit", ("NY", "123456"), "surrendered"), "licence_lapsed"),
    "role taken": (lambda c, tx: memberships.set_roles(tx, c.id, c.ada.id, [Role.STAFF], NOW), "role_missing"),
    "left": (lambda c, tx: memberships.remove(tx, c.id, c.ada.id, NOW), "not_a_member"),
    "disabled": (lambda c, tx: users.disable(tx, c.ada.id, NOW), "not_a_member"),
    "organization disabled": (lambda c, tx: organizations.disable(tx, c.id, NOW), "not_a_member"),
}


@pytest.mark.parametrize("way", TAKEN)
def test_a_prescription_waits_for_whoever_takes_authority_and_is_then_refused(clinic: Clinic, way: str) -> None:
    """M-16: the prescription is judged while the authority is taken and that is not committed."""
    take, code = TAKEN[way]
    waiting: list[Future[str | None]] = []

    def hold(transaction: Transaction) -> None:
        take(clinic, transaction)
        if not waiting:
            waiting.append(thread.submit(clinic.write, clinic.subject_refusal))
        with pytest.raises(TimeoutError):
            waiting[0].result(timeout=0.2)

    with ThreadPoolExecutor(1) as thread:
        clinic.write(hold)
        assert waiting[0].result(timeout=20) == code


@pytest.mark.parametrize("way", TAKEN)
def test_whoever_takes_authority_waits_for_a_prescription_that_was_judged(clinic: Clinic, way: str) -> None:
    """M-16: so none commits after the authority is gone."""
    take, _ = TAKEN[way]
    waiting: list[Future[Any]] = []

    def hold(transaction: Transaction) -> str | None:
        refused = clinic.subject_refusal(transaction)
        if not waiting:
            waiting.append(thread.submit(clinic.write, lambda tx: take(clinic, tx)))
        with pytest.raises(TimeoutError):
            waiting[0].result(timeout=0.2)
        return refused

    with ThreadPoolExecutor(1) as thread:
        assert clinic.write(hold) is None
        waiting[0].result(timeout=20)
    assert clinic.write(clinic.subject_refusal) is not None


def test_of_two_approvals_at_once_one_succeeds(clinic: Clinic) -> None:
    """M-15."""
    asked = clinic.write(lambda tx: act("ask_change", facts([licence("CA")]))(clinic, tx))

    def approve(transaction: Transaction) -> Provider:
        doer, proposal = as_doer(clinic.cleo), asked.proposal.id
        return provider_acts.approve(transaction, clinic.id, clinic.ada.id, proposal, doer=doer, now=NOW)

    first, second = one_after_the_other(clinic.world, approve)

    assert first.state is State.APPROVED
    refused = second.exception()
    assert isinstance(refused, AuthorityRefusedError)
    assert refused.code == "nothing_asked"


# What commits while an approval waits for the row; each refuses it.
MEANWHILE: dict[str, tuple[Callable[[Clinic, Transaction], object], str]] = {
    "a licence got worse": (act("limit", ("NY", "123456"), "suspended"), "nothing_asked"),
    "the authority was suspended": (act("suspend", "other"), "nothing_asked"),
    "the authority was revoked": (act("revoke", "other"), "wrong_state"),
    "other facts were proposed": (act("ask_change", facts([licence("IL")])), "proposal_stale"),
    "the provider left": (lambda c, tx: memberships.remove(tx, c.id, c.ada.id, NOW), "nothing_asked"),
}


@pytest.mark.parametrize("change", MEANWHILE)
def test_an_approval_that_waited_is_judged_by_what_was_committed_meanwhile(clinic: Clinic, change: str) -> None:
    """M-16, M-15: stale."""
    meanwhile, code = MEANWHILE[change]
    asked = clinic.write(lambda tx: act("ask_change", facts([licence("CA")]))(clinic, tx))
    waiting: list[Future[Provider]] = []

    def approve(transaction: Transaction) -> Provider:
        doer, proposal = as_doer(clinic.cleo), asked.proposal.id
        return provider_acts.approve(transaction, clinic.id, clinic.ada.id, proposal, doer=doer, now=NOW)

    def hold(transaction: Transaction) -> None:
        meanwhile(clinic, transaction)
        if not waiting:
            waiting.append(thread.submit(clinic.write, approve))
        with pytest.raises(TimeoutError):
            waiting[0].result(timeout=0.2)

    with ThreadPoolExecutor(1) as thread:
        clinic.write(hold)
        refused = waiting[0].exception(timeout=20)

    assert isinstance(refused, AuthorityRefusedError)
    assert refused.code == code


def test_the_last_administrator_stays_whatever_else_is_decided(clinic: Clinic) -> None:
    """M-17: both administrators, and then the one who is left."""
    clinic.write(lambda tx: memberships.remove(tx, clinic.id, clinic.cleo.id, NOW))
    for leave in (
        lambda tx: memberships.remove(tx, clinic.id, clinic.ben.id, NOW),
        lambda tx: memberships.set_roles(tx, clinic.id, clinic.ben.id, [Role.STAFF], NOW),
    ):
        with pytest.raises(LastAdministratorError):
            clinic.write(leave)
    assert clinic.write(clinic.subject_refusal) is None


def test_of_two_administrators_who_leave_at_once_one_stays(clinic: Clinic) -> None:
    """M-17: the race is held open, the second looks while the first has left and not committed."""
    waiting: list[Future[None]] = []

    def hold(transaction: Transaction) -> None:
        memberships.remove(transaction, clinic.id, clinic.ben.id, NOW)
        if not waiting:
            waiting.append(
                thread.submit(clinic.write, lambda tx: memberships.remove(tx, clinic.id, clinic.cleo.id, NOW))
            )
        with pytest.raises(TimeoutError):
            waiting[0].result(timeout=0.2)

    with ThreadPoolExecutor(1) as thread:
        clinic.write(hold)
        assert isinstance(waiting[0].exception(timeout=20), LastAdministratorError)

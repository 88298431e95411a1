"""Prescriptions: written with a proof and nothing else, canceled once, and ended by time and fills."""

import datetime
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from rxauth.domain import patients, prescription_lists, prescriptions, treatment_search
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.paging import page
from rxauth.domain.prescription_drafts import Draft, DraftError
from rxauth.domain.prescription_lists import PrescriptionFilter
from rxauth.domain.prescriptions import Prescription, ProofError
from rxauth.domain.treatment_search import MedicationFilter
from rxauth.policy import decide
from rxauth.policy.authority import State
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.roles import Role
from rxauth.policy.subjects import Caller, Prescriber, ProviderAuthority, UserSubject, Wish
from rxauth.storage.database import Database, Transaction
from tests.people import add_person, one_after_the_other
from tests.world import NOW, World

TODAY = "2026-11-23"
LICENCE = Licence("NY", "123456", LicenceStatus.ACTIVE, datetime.date(2030, 1, 1))


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The world's database, not served."""
    opened = world.open()
    yield opened
    opened.close()


@pytest.fixture
def prescriber_id(database: Database) -> str:
    """Somebody who writes prescriptions."""
    return database.write(lambda tx: add_person(tx, "ada@example.com", None).id)


@pytest.fixture
def draft(world: World, database: Database) -> Draft:
    """A draft for the first patient of Alder Clinic."""
    patient_id = patient_of(database, world.alder.organization_id)
    [medication] = database.read(
        lambda tx: treatment_search.medications(tx, MedicationFilter(type="RX"), page(None, 1))
    )
    return Draft(patient_id, medication.id, 30, "Tablet", "Take one tablet by mouth daily")


def patient_of(database: Database, organization_id: str) -> str:
    """Returns the identifier of some patient of an organization."""
    return database.read(lambda tx: patients.search(tx, organization_id, None, page(None, 1)))[0].id


def proof(transaction: object, organization_id: str, user_id: str, draft: Draft) -> Prescriber:
    """Returns the proof that policy gives an approved provider."""
    authority = ProviderAuthority(State.APPROVED, 0, None, (LICENCE,))
    subject = UserSubject(user_id, organization_id, frozenset({Role.PRESCRIBER}), authority)
    caller = Caller(subject, frozenset({"write:prescription"}), "client", "token")
    wish = Wish(draft.patient_id, draft.treatment_id, "NY", None)
    found = decide.as_prescriber(transaction, caller, subject, wish, NOW)
    assert isinstance(found, Prescriber)
    return found


@pytest.fixture
def write(world: World, database: Database, prescriber_id: str) -> Callable[[Draft], Prescription]:
    """Writes a prescription as an approved provider of Alder Clinic."""

    def written(draft: Draft) -> Prescription:
        def work(tx: Transaction) -> Prescription:
            signed = [(proof(tx, world.alder.organization_id, prescriber_id, draft), draft)]
            return prescriptions.write(tx, signed, NOW * 1000)[0]

        return database.write(work)

    return written


def test_what_is_written_is_what_is_found(
    world: World, database: Database, draft: Draft, prescriber_id: str, write: Callable[[Draft], Prescription]
) -> None:
    full = replace(draft, fills_allowed=3, days_supply=30, notes="none", external_id="emr-1")
    written = write(full)

    found = database.read(lambda tx: prescriptions.by_ids(tx, world.alder.organization_id, [written.id]))
    assert found == {written.id: written}
    assert (written.state, written.prescriber_id, written.written_at_ms) == ("ACTIVE", prescriber_id, NOW * 1000)
    assert (written.fills_allowed, written.fills_remaining, written.refills_allowed) == (3, 3, 2)
    assert (written.effective_date, written.expiration_date) == (TODAY, "2027-11-23")
    with pytest.raises(DraftError) as refused:
        write(full)
    assert isinstance(refused.value.error, ExistsError)


@pytest.mark.parametrize("changed", ["transaction", "patient", "treatment"])
def test_a_proof_is_good_for_one_transaction_one_patient_and_one_treatment(
    world: World, database: Database, draft: Draft, prescriber_id: str, changed: str
) -> None:
    def work(tx: Transaction) -> None:
        of = object() if changed == "transaction" else tx
        good = proof(of, world.alder.organization_id, prescriber_id, draft)
        others: dict[str, Any] = {} if changed == "transaction" else {f"{changed}_id": "another"}
        other = replace(draft, **others)
        prescriptions.write(tx, [(good, other)], NOW * 1000)

    with pytest.raises(ProofError):
        database.write(work)


def test_the_day_of_a_prescription_is_the_patients_and_not_utc_s(
    world: World, database: Database, draft: Draft, prescriber_id: str
) -> None:
    """At 22:00 in New York it is the next day in UTC."""
    late_ms = (NOW + 15 * 3600) * 1000

    def work(tx: Transaction) -> Prescription:
        signed = [(proof(tx, world.alder.organization_id, prescriber_id, draft), draft)]
        return prescriptions.write(tx, signed, late_ms)[0]

    assert database.write(work).effective_date == TODAY


ENDED: dict[str, tuple[dict[str, Any], str, str]] = {
    "in force": ({}, TODAY, "ACTIVE"),
    "on its last day": ({}, "2027-11-23", "ACTIVE"),
    "the day after": ({}, "2027-11-24", "EXPIRED"),
    "all filled": ({"fills_remaining": 0, "state": "DEPLETED"}, TODAY, "DEPLETED"),
    "all filled, and over": ({"fills_remaining": 0, "state": "DEPLETED"}, "2027-11-24", "DEPLETED"),
    "a draft": ({"state": "DRAFT"}, "2027-11-24", "DRAFT"),
    "canceled": ({"state": "CANCELED"}, "2027-11-24", "CANCELED"),
}


@pytest.mark.parametrize("case", ENDED)
def test_a_prescription_shows_and_is_found_by_the_state_that_time_and_fills_give_it(
    world: World, database: Database, draft: Draft, write: Callable[[Draft], Prescription], case: str
) -> None:
    changes, today, expected = ENDED[case]
    organization_id = world.alder.organization_id
    stored = replace(write(draft), id=f"rx_of_a_test_{len(case)}", **changes)
    values = {name: getattr(stored, name) for name in Prescription.__slots__}
    database.write(lambda tx: tx.run(prescriptions.INSERT, organization_id=organization_id, **values))

    def states(state: str) -> list[str]:
        wanted = PrescriptionFilter(state=state, today=today)
        found = database.read(lambda tx: prescription_lists.search(tx, organization_id, wanted, page(None, 100)))
        of_patient = database.read(
            lambda tx: prescription_lists.of_patients(tx, organization_id, [draft.patient_id], page(None, 100), wanted)
        )
        ids = [one.id for one in found if one.patient_id == draft.patient_id]
        assert ids == [one.id for one in of_patient.get(draft.patient_id, [])]
        return ids

    assert stored.state_on(today) == expected
    for state in ("DRAFT", "ACTIVE", "DEPLETED", "EXPIRED", "CANCELED"):
        assert (stored.id in states(state)) is (state == expected)


@pytest.mark.parametrize(
    ("changes", "today"), [({}, TODAY), ({"state": "DRAFT"}, "2027-11-24")], ids=["active", "draft"]
)
def test_a_prescription_is_canceled_once(
    world: World,
    database: Database,
    draft: Draft,
    write: Callable[[Draft], Prescription],
    changes: dict[str, Any],
    today: str,
) -> None:
    organization_id = world.alder.organization_id
    stored = replace(write(draft), id="rx_to_cancel", **changes)
    values = {name: getattr(stored, name) for name in Prescription.__slots__}
    database.write(lambda tx: tx.run(prescriptions.INSERT, organization_id=organization_id, **values))

    canceled = database.write(lambda tx: prescriptions.cancel(tx, organization_id, stored.id, today))

    assert canceled == replace(stored, state="CANCELED")
    with pytest.raises(InvalidError, match="that is CANCELED cannot be canceled"):
        database.write(lambda tx: prescriptions.cancel(tx, organization_id, stored.id, today))


def test_what_is_over_or_anothers_is_not_canceled(
    world: World, database: Database, draft: Draft, write: Callable[[Draft], Prescription]
) -> None:
    written = write(draft)

    with pytest.raises(InvalidError, match="that is EXPIRED cannot be canceled"):
        database.write(lambda tx: prescriptions.cancel(tx, world.alder.organization_id, written.id, "2027-11-24"))
    with pytest.raises(AbsentError):
        database.write(lambda tx: prescriptions.cancel(tx, world.birch.organization_id, written.id, TODAY))
    found = database.read(lambda tx: prescriptions.by_ids(tx, world.alder.organization_id, [written.id]))
    assert found[written.id].state == "ACTIVE"


def test_of_two_who_cancel_at_once_one_is_told_that_it_was_canceled(
    world: World, draft: Draft, write: Callable[[Draft], Prescription]
) -> None:
    written = write(draft)

    first, second = one_after_the_other(
        world, lambda tx: prescriptions.cancel(tx, world.alder.organization_id, written.id, TODAY)
    )

    assert first.state == "CANCELED"
    assert isinstance(second.exception(), InvalidError)


def test_the_day_that_ends_prescriptions_has_ended_everywhere() -> None:
    assert prescriptions.today_anywhere(NOW) == TODAY
    assert prescriptions.today_anywhere(NOW - 1) == "2026-11-22"

"""The access log as it is read: each question by an index, however long the log, and digests that take the key."""

from collections.abc import Callable
from typing import Any

from rxauth.domain import access_records, kept_answers
from rxauth.domain.access_records import Access
from rxauth.domain.paging import FROM_THE_START, Page
from rxauth.ids import new_ulid
from rxauth.storage.database import Transaction
from tests.domain.test_reference_plans import plans
from tests.world import NOW, World

RECORDS = 2_000
PEOPLE = 40
PATIENTS = 100
KEY = access_records.patients_key(b"a key of a test")
PAGE = Page(25, FROM_THE_START)


def fill(world: World, transaction: Transaction) -> None:
    """Adds the records of some people of two organizations, a second apart."""
    for tenant in (world.alder, world.birch):
        accesses = [
            Access(
                (NOW + number) * 1_000,
                tenant.organization_id,
                "person",
                f"usr_{number % PEOPLE}",
                tenant.client_id,
                "a-token",
                None,
                ("patients",),
                "success",
                (),
                None,
                "request",
                frozenset(f"pat_{(number + other) % PATIENTS}" for other in range(3)),
            )
            for number in range(RECORDS)
        ]
        access_records.add(transaction, access_records.rows(accesses, KEY))


def questions(organization_id: str) -> dict[str, Callable[[Transaction], Any]]:
    """Returns what is asked of the log."""
    patient = access_records.digest(KEY, organization_id, "pat_7")
    middle = Page(25, new_ulid((NOW + RECORDS // 2) * 1_000))

    def search(page: Page = PAGE, **wanted: Any) -> Callable[[Transaction], Any]:
        return lambda tx: access_records.search(tx, organization_id, page, **wanted)

    return {
        "who saw a patient": lambda tx: access_records.of_patient(tx, organization_id, patient, PAGE),
        "who saw a patient, a later page": lambda tx: access_records.of_patient(tx, organization_id, patient, middle),
        "all": search(),
        "a later page": search(middle),
        "of a person": search(actor_id="usr_7"),
        "of a time": search(since_ms=(NOW + 100) * 1_000, until_ms=(NOW + 200) * 1_000),
        "of a person and a time": search(actor_id="usr_7", since_ms=(NOW + 100) * 1_000),
    }


def test_every_question_goes_by_an_index_and_sorts_nothing(world: World) -> None:
    database = world.open()
    database.write(lambda tx: fill(world, tx))
    for name, ask in questions(world.alder.organization_id).items():
        with plans(database) as seen:
            found = database.read(ask)
        assert len(found) == 25, name
        assert [one.id for one in found] == sorted((one.id for one in found), reverse=True), name
        assert len(seen) == 1, name
        for word in ("Seq Scan", "Sort", "SCAN", "TEMP B-TREE"):
            assert word not in seen[0], (name, seen[0])
    database.close()


def test_a_digest_is_of_one_patient_of_one_organization_and_takes_the_key() -> None:
    made = {
        access_records.digest(access_records.patients_key(key), organization_id, patient_id)
        for key in (b"one", b"other")
        for organization_id in ("org_1", "org_2")
        for patient_id in ("pat_1", "pat_2")
    }

    assert len(made) == 8
    assert {len(one) for one in made} == {16}


def test_old_answers_are_removed_a_few_at_once_and_the_others_stay(world: World) -> None:
    database, now = world.open(), NOW + kept_answers.LIFETIME_S

    def add(transaction: Transaction) -> None:
        for number in range(502):
            scope = kept_answers.Scope(world.alder.organization_id, number.to_bytes(32))
            kept = kept_answers.Kept(b"request", b"answer")
            kept_answers.keep(transaction, scope, kept, NOW if number else NOW + 1)

    database.write(add)
    assert database.write(lambda tx: kept_answers.FORGET(tx, now))
    while database.write(lambda tx: kept_answers.FORGET(tx, now)):
        pass
    scopes = [kept_answers.Scope(world.alder.organization_id, number.to_bytes(32)) for number in (0, 1)]
    found = database.read(lambda tx: [kept_answers.find(tx, one, NOW) for one in scopes])
    assert [one is not None for one in found] == [True, False]
    database.close()

"""Patients in the database: found by their words, owned by one organization, and never printed."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rxauth.domain import patients
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.names import Address, Name, search_words
from rxauth.domain.paging import page
from rxauth.domain.patient_names import WORDS_LIMIT
from rxauth.domain.patients import Patient
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Database, Transaction
from tests.conftest import ENGINES, make_world
from tests.world import NOW, Template

NOW_MS = NOW * 1000
EVERYBODY = page(None, 100)


@pytest.fixture(scope="module")
def databases(
    templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Database, str, str]]]:
    """A database on each engine, with the identifiers of its two organizations."""
    worlds = {engine: make_world(engine, templates, tmp_path_factory) for engine in ENGINES}
    opened = {
        engine: (world.open(), world.alder.organization_id, world.birch.organization_id)
        for engine, world in worlds.items()
    }
    yield opened
    for database, _, _ in opened.values():
        database.close()


@pytest.fixture
def database(databases: dict[str, tuple[Database, str, str]], engine: str) -> Database:
    """The database on one engine."""
    return databases[engine][0]


@pytest.fixture
def alder(databases: dict[str, tuple[Database, str, str]], engine: str) -> str:
    """The organization that owns the patients of these tests."""
    return databases[engine][1]


@pytest.fixture
def birch(databases: dict[str, tuple[Database, str, str]], engine: str) -> str:
    """Another organization."""
    return databases[engine][2]


def somebody(organization_id: str, name: Name | None = None, external_id: str | None = None) -> Patient:
    """Returns a patient that is not stored yet."""
    return Patient(
        new_id(Kind.PATIENT, NOW_MS),
        organization_id,
        external_id,
        name or Name("Ada", "Lovelace"),
        "1985-12-10",
        "FEMALE",
        "Woman",
        "ada@example.com",
        "+12025550170",
        Address("adr_1", "1 Main St", "Austin", "TX", "78701", "US", Name("Ada", "King"), None),
    )


def add(database: Database, patient: Patient) -> Patient:
    """Stores a patient."""
    database.write(lambda tx: patients.create(tx, patient, NOW_MS))
    return patient


def search(database: Database, organization_id: str, name: str) -> list[str]:
    """Returns the identifiers of those who are found."""
    found = database.read(lambda tx: patients.search(tx, organization_id, name, EVERYBODY))
    return [patient.id for patient in found]


def test_a_patient_is_read_as_it_was_written(database: Database, alder: str) -> None:
    patient = add(database, somebody(alder, external_id="domain-1"))

    assert database.read(lambda tx: patients.find(tx, alder, patient.id)) == patient
    assert database.read(lambda tx: patients.find(tx, alder, "domain-1")) == patient
    assert database.read(lambda tx: patients.by_ids(tx, alder, [patient.id, "pat_x"])) == {patient.id: patient}
    assert database.read(lambda tx: patients.by_ids(tx, alder, [])) == {}


def test_a_patient_is_absent_to_another_organization(database: Database, alder: str, birch: str) -> None:
    patient = add(database, somebody(alder, Name("Only", "Alderian"), "domain-2"))

    assert database.read(lambda tx: patients.find(tx, birch, patient.id)) is None
    assert database.read(lambda tx: patients.find(tx, birch, "domain-2")) is None
    assert database.read(lambda tx: patients.by_ids(tx, birch, [patient.id])) == {}
    assert search(database, birch, "alderian") == []
    assert search(database, alder, "alderian") == [patient.id]
    with pytest.raises(AbsentError):
        database.write(lambda tx: patients.lock(tx, birch, patient.id))


def test_saving_a_patient_as_another_organization_changes_nothing(database: Database, alder: str, birch: str) -> None:
    patient = add(database, somebody(alder))
    stolen = replace(patient, organization_id=birch, gender="Other", name=Name("Stolen", "Alderian"))

    database.write(lambda tx: patients.save(tx, stolen, NOW_MS))

    assert database.read(lambda tx: patients.find(tx, alder, patient.id)) == patient
    assert search(database, alder, "stolen") == search(database, birch, "stolen") == []


def test_a_saved_patient_is_found_by_its_new_words_only(database: Database, alder: str) -> None:
    patient = add(database, somebody(alder, Name("Formerly", "Known")))
    renamed = replace(patient, name=Name("Now", "Otherwise", None, "Called"))

    database.write(lambda tx: patients.save(tx, replace(renamed, gender=None), NOW_MS))

    assert search(database, alder, "formerly") == search(database, alder, "known") == []
    assert search(database, alder, "called other now") == [patient.id]


def test_a_title_is_no_word_of_a_name(database: Database, alder: str) -> None:
    add(database, somebody(alder, Name("Ada", "Entitled", "Professor")))

    assert search(database, alder, "professor entitled") == []


def test_more_words_than_the_limit_are_left_out_of_a_search(database: Database, alder: str) -> None:
    words = [f"wordy{letter}" for letter in "abcdefgh"]
    patient = add(database, somebody(alder, Name(" ".join(words), "Last")))

    assert len(words) > WORDS_LIMIT
    assert search(database, alder, " ".join(words)) == [patient.id]
    assert search(database, alder, " ".join([*words[:4], "nobody"])) == []


@pytest.mark.parametrize("name", ["", " ", "%", "' - .", "\N{GRINNING FACE}"], ids=ascii)
def test_a_search_for_no_word_finds_nobody(database: Database, alder: str, name: str) -> None:
    assert search(database, alder, name) == []


@settings(max_examples=25)
@pytest.mark.parametrize("which", ENGINES)
@given(
    first=st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=40).filter(str.strip),
    last=st.text(st.characters(categories=["L", "M", "Pd", "Zs"]), min_size=1, max_size=40).filter(str.strip),
    data=st.data(),
)
def test_whoever_is_stored_is_found_by_the_beginning_of_any_of_their_words(
    databases: dict[str, tuple[Database, str, str]], which: str, first: str, last: str, data: st.DataObject
) -> None:
    database, alder, birch = databases[which]
    patient = somebody(alder, Name(first, last))
    words = search_words(f"{first} {last}")
    if not words:
        return
    word = data.draw(st.sampled_from(words))
    beginning = word[: data.draw(st.integers(1, len(word)))]

    def found(organization_id: str) -> bool:
        # A page of its own, just after the patient: the others who are found do not matter.
        place = page(patient.id + "~", 1)
        name = beginning.upper() if beginning.upper().casefold() == beginning else beginning
        shown = database.read(lambda tx: patients.search(tx, organization_id, name, place))
        return [one.id for one in shown] == [patient.id]

    add(database, patient)
    assert found(alder)
    assert not found(birch)


@pytest.mark.parametrize("change", [{"date_of_birth": "2026-11-25"}, {"date_of_birth": "1879-12-31"}, {"gender": " "}])
def test_a_patient_who_cannot_be_is_not_stored(database: Database, alder: str, change: dict[str, str]) -> None:
    patient = replace(somebody(alder), **change)  # type: ignore[arg-type]

    with pytest.raises(InvalidError):
        add(database, patient)

    assert database.read(lambda tx: patients.find(tx, alder, patient.id)) is None


def test_an_external_id_belongs_to_one_patient_of_an_organization(database: Database, alder: str, birch: str) -> None:
    add(database, somebody(alder, external_id="domain-3"))
    second = add(database, somebody(alder))

    with pytest.raises(ExistsError):
        add(database, somebody(alder, external_id="domain-3"))
    with pytest.raises(ExistsError):
        database.write(lambda tx: patients.save(tx, replace(second, external_id="domain-3"), NOW_MS))
    add(database, somebody(birch, external_id="domain-3"))


def test_a_locked_patient_waits_for_whoever_locked_it_first(database: Database, alder: str) -> None:
    patient = add(database, somebody(alder))
    locked, may_commit = threading.Event(), threading.Event()

    def first() -> None:
        def work(tx: Transaction) -> None:
            found = patients.lock(tx, alder, patient.id)
            locked.set()
            assert may_commit.wait(20)
            patients.save(tx, replace(found, gender="First"), NOW_MS)

        database.write(work)

    seen: list[str | None] = []

    def second() -> None:
        database.write(lambda tx: seen.append(patients.lock(tx, alder, patient.id).gender))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert locked.wait(20)
    threads[1].start()
    threads[1].join(0.2)
    assert seen == []
    may_commit.set()
    for thread in threads:
        thread.join()

    assert seen == ["First"]


def test_a_patient_is_not_printed(alder: str) -> None:
    patient = somebody(alder, external_id="mrn-1")

    shown = f"{patient} {patient!r} {[patient]}"

    assert patient.id in shown
    for secret in ("Ada", "Lovelace", "King", "1985", "FEMALE", "Woman", "example.com", "202555", "Main", "mrn-1"):
        assert secret not in shown.replace(patient.id, "")

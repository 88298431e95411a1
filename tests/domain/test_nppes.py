"""The national register: what it says of an NPI, and what it does not say."""

import pytest

from rxauth.domain import nppes, nppes_imports
from rxauth.domain.nppes import Listed, Problem
from rxauth.storage.database import Transaction
from tests.world import NOW, World

NPI = "1234567893"
MAYA = {
    "npi": NPI,
    "entity_type": 1,
    "last_name_key": "okonkworeyes",
    "first_name_key": "maya",
    "deactivated_on": None,
    "imported_at": NOW,
}


def said(world: World, row: dict[str, object] | None, first: str = "Maya", last: str = "Okonkwo-Reyes") -> object:
    """Returns what a register with this row, or none, says against Maya's NPI."""
    database = world.open()

    def keep(transaction: Transaction) -> None:
        import_id = nppes_imports.begin(transaction, NOW * 1_000)
        nppes_imports.keep(transaction, import_id, [] if row is None else [row])
        nppes_imports.end(transaction, import_id, NOW)

    database.write(keep)
    found = database.read(lambda tx: nppes.problem(tx, NPI, first, last))
    database.close()
    return found


def test_a_person_whom_the_register_has_under_this_name_is_confirmed(world: World) -> None:
    assert said(world, MAYA) is None


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"npi": "1558598797"}, Problem.NOT_VERIFIED),
        ({"entity_type": 2}, Problem.OF_ORGANIZATION),
        ({"entity_type": None}, Problem.OF_ORGANIZATION),
        ({"deactivated_on": "2019-05-01"}, Problem.DEACTIVATED),
        ({"entity_type": None, "deactivated_on": "2019-05-01"}, Problem.DEACTIVATED),
        ({"last_name_key": "okonkwo"}, Problem.OF_ANOTHER),
        ({"first_name_key": "may"}, Problem.OF_ANOTHER),
        ({"last_name_key": "", "first_name_key": ""}, Problem.OF_ANOTHER),
    ],
    ids=["absent", "organization", "no type", "deactivated", "only deactivated", "last name", "first name", "no name"],
)
def test_an_npi_that_the_register_does_not_confirm_has_a_problem(
    sqlite_world: World, changes: dict[str, object], problem: Problem
) -> None:
    assert said(sqlite_world, MAYA | changes) is problem


def test_an_empty_register_verifies_nobody(sqlite_world: World) -> None:
    assert said(sqlite_world, None) is Problem.NOT_VERIFIED


@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("MAYA", "OKONKWO REYES"),
        ("Maya Ifeoma", "Okonkwo-Reyes"),
        ("maya", "Okonkwo-Reyes Jr."),
        ("M\u00e1ya", "Ok\u00f3nkwo Reyes III"),
    ],
    ids=["capitals", "two first names", "suffix", "accents"],
)
def test_a_name_may_be_written_in_several_ways(sqlite_world: World, first: str, last: str) -> None:
    assert said(sqlite_world, MAYA, first, last) is None


def test_a_last_name_that_is_also_a_suffix_is_still_a_name() -> None:
    assert nppes.last_name_key("Iv") == "iv"


def test_another_source_answers_in_place_of_the_table(sqlite_world: World) -> None:
    database = sqlite_world.open()

    def register(_transaction: Transaction, npi: str) -> Listed:
        return Listed(npi, nppes.ORGANIZATION, "", "", None, NOW)

    found = database.read(lambda tx: nppes.problem(tx, NPI, "Maya", "Okonkwo-Reyes", register))
    database.close()
    assert found is Problem.OF_ORGANIZATION


def test_every_problem_has_a_sentence_and_what_is_listed_shows_no_name() -> None:
    assert set(nppes.REASONS) == set(Problem)
    assert "maya" not in repr(Listed(NPI, 1, "okonkworeyes", "maya", None, NOW))

"""Diagnoses: codes however they are written, kept, and found by the beginning of a code or of a word."""

import pytest

from rxauth.domain import diagnoses
from rxauth.domain.diagnoses import Diagnosis, written_code
from rxauth.domain.errors import InvalidError
from rxauth.storage.database import Transaction
from tests.undone import Undone


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("E11.9", "E11.9"),
        ("E119", "E11.9"),
        (" e11.9 ", "E11.9"),
        ("I10", "I10"),
        ("f32.a", "F32.A"),
        ("S72001A", "S72.001A"),
        ("C4A.0", "C4A.0"),
        ("", None),
        ("E1", None),
        ("E11.", None),
        ("E.119", None),
        ("E11..9", None),
        ("E11.90000", None),
        ("diabetes", None),
        ("E11.9\n", "E11.9"),
        ("E11.\u0661", None),
    ],
)
def test_a_code_is_kept_in_one_form(text: str, code: str | None) -> None:
    assert written_code(text) == code


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("E11", ["E11.65", "E11.9"]),
        ("e11.6", ["E11.65"]),
        ("e1165", ["E11.65"]),
        ("diab", ["E11.65", "E11.9"]),
        ("DIABETES hyper", ["E11.65"]),
        ("hyper", ["E11.65", "E78.5", "I10"]),
        ("b12", ["D51.9"]),
        ("d5", ["D51.9"]),
        ("E11.9 x", []),
        ("nothing like it", []),
        ("  ", ["D51.9", "E11.65", "E11.9", "E78.5", "I10"]),
        ("%", []),
    ],
)
def test_a_diagnosis_is_found_by_its_code_or_its_words(undone: Undone, name: str, codes: list[str]) -> None:
    def work(transaction: Transaction) -> None:
        sample = {"E11", "E11.65", "E11.9", "D51.9", "E78.5", "I10"}
        found = [one.code for one in diagnoses.search(transaction, name, None, 100)]
        assert [code for code in found if code in sample] == codes

    undone.run(work)


def test_a_page_goes_on_after_the_last_code_that_was_seen(undone: Undone) -> None:
    def work(transaction: Transaction) -> None:
        everything = [one.code for one in diagnoses.search(transaction, None, None, 1_000)]
        assert everything == sorted(everything)
        assert "E11" not in everything
        shown: list[str] = []
        while found := diagnoses.search(transaction, None, shown[-1] if shown else None, 3):
            shown += [one.code for one in found]
        assert shown == everything

    undone.run(work)


def test_what_is_kept_again_is_found_by_its_new_name_only(undone: Undone) -> None:
    def work(transaction: Transaction) -> None:
        new = [Diagnosis("Z99.9", "First things"), Diagnosis("Z99.8", "Other things")]
        for _ in range(2):
            diagnoses.keep(transaction, new)
        diagnoses.keep(transaction, [Diagnosis("Z99.9", "Second things")])
        assert diagnoses.search(transaction, "first", None, 10) == []
        assert diagnoses.search(transaction, "things", None, 10) == [new[1], Diagnosis("Z99.9", "Second things")]
        assert diagnoses.by_codes(transaction, ["Z99.9", "Z98"]) == {"Z99.9": Diagnosis("Z99.9", "Second things")}

    undone.run(work)


def test_nothing_has_so_long_a_name(undone: Undone) -> None:
    def work(transaction: Transaction) -> None:
        with pytest.raises(InvalidError, match="200 characters"):
            diagnoses.search(transaction, "a" * 201, None, 10)

    undone.run(work)

"""Patients by name: the beginning of any words of it, without case, accents, hyphens or apostrophes."""

from typing import Any

import pytest

from tests.api.answers import every_page
from tests.api.documents import CREATE_PATIENT, PATIENTS, ada
from tests.live import Live

SEAN = "Mr. Seán Patrick O'Connell"
MAYA = "Maya Okonkwo-Reyes"


def names(live: Live, token: str, name: str) -> set[str]:
    """Returns the full names of those who are found."""
    found = live.data(token, PATIENTS, {"filter": {"name": name}, "first": 100})["patients"]
    return {one["name"]["full"] for one in found}


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("maya", {MAYA}),
        ("MAYA", {MAYA}),
        ("may", {MAYA}),
        ("okonkwo", {MAYA}),
        ("reyes", {MAYA}),
        ("Okonkwo-Reyes", {MAYA}),
        ("okonkwo reyes", {MAYA}),
        ("  maya   reyes  ", {MAYA}),
        ("rey may oko", {MAYA}),
        ("maya@reyes", {MAYA}),
        ("sean", {SEAN}),
        ("Seán", {SEAN}),
        ("SEA\N{COMBINING ACUTE ACCENT}N", {SEAN}),
        ("patrick", {SEAN}),
        ("oconnell", {SEAN}),
        ("O'Connell", {SEAN}),
        ("o\N{RIGHT SINGLE QUOTATION MARK}conn", {SEAN}),
        ("hernandez", {"José Luis Hernández"}),
        ("jose hern luis", {"José Luis Hernández"}),
        ("nunez", {"Carlos Núñez"}),
        ("nguyen", {"Thành Nguyễn"}),
        ("zoe", {"Zoë Lindqvist"}),
        ("李", {"小明 李"}),
        ("小", {"小明 李"}),
        ("ليلى", {"ليلى الحداد"}),
        ("fatima zahra", {"Fatima-Zahra Benali"}),
        ("jean", {"Jean-Baptiste Moreau"}),
        ("ma", {MAYA}),
        ("mo", {"Jean-Baptiste Moreau"}),
        ("am", {"Amara Diallo"}),
        ("ng", {"Thành Nguyễn"}),
    ],
)
def test_patients_are_found_by_the_beginning_of_any_words(
    reading: Live, reader: str, name: str, found: set[str]
) -> None:
    assert names(reading, reader, name) == found


@pytest.mark.parametrize(
    "name",
    [
        "connell",
        "aya",
        "maya volkov",
        "mayaa",
        "Mr",
        "Dr. Priya",
        "%",
        "_",
        "*",
        "--",
        "' OR ''='",
        "\\",
        "a" * 10_000,
        "one two three four five six seven eight",
    ],
    ids=lambda name: name[:20],
)
def test_what_begins_no_word_finds_nobody(reading: Live, reader: str, name: str) -> None:
    assert names(reading, reader, name) == set()


def test_a_search_without_a_name_finds_everybody(reading: Live, reader: str) -> None:
    absences: list[dict[str, Any]] = [{}, {"filter": None}, {"filter": {}}, {"filter": {"name": None}}]
    for variables in absences:
        assert len(reading.data(reader, PATIENTS, {"first": 100} | variables)["patients"]) == 24


def test_a_search_is_paged_and_newest_first(clinic: Live, token: str) -> None:
    made = []
    for number in range(5):
        clinic.clock.advance(1)
        values = ada(name={"first": f"Searched{number}", "last": "Quartermaine"})
        made.append(clinic.data(token, CREATE_PATIENT, values)["createPatient"]["id"])

    def fetch(shown: list[str]) -> list[str]:
        place = {"filter": {"name": "quarter searched"}, "first": 2, "after": shown[-1] if shown else None}
        return [one["id"] for one in clinic.data(token, PATIENTS, place)["patients"]]

    assert every_page(fetch) == made[::-1]


def test_both_engines_find_the_same(clinic: Live, token: str) -> None:
    # U+FF21 and U+1F600 sort differently by code unit and by code point.
    for first in (
        "Å\N{FULLWIDTH LATIN CAPITAL LETTER A}",
        "ẞtraße",
        "\N{LATIN SMALL LETTER DOTLESS I}ldiz",
        "\U00020000x",
    ):
        clinic.data(token, CREATE_PATIENT, ada(name={"first": first, "last": "Sortable"}))

    for name in ("aa sort", "sstrasse", "SSTRASSE sortable", "\N{LATIN SMALL LETTER DOTLESS I}l sort", "\U00020000"):
        assert len(names(clinic, token, name)) == 1

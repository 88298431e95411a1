"""Pages of every list: newest first, no row twice, none lost, and never longer than a page may be."""

from typing import Any

import pytest

from rxauth.domain import patients
from rxauth.domain.names import Name
from rxauth.domain.patients import Patient
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from tests.api.answers import Clinics, every_page, the_error
from tests.api.documents import CREATE_PATIENT, ada
from tests.live import Live
from tests.world import NOW

LISTS = {"patients": 24, "orders": 22, "prescriptions": 34, "medications": 57, "medicalEquipment": 14}
DRUGS = {"medications": 'filter: {drug: {name: "me"}}, '}  # of all of them there are more than a page has


def page(live: Live, token: str, field: str, **variables: Any) -> list[str]:
    """Returns the identifiers of one page."""
    document = (
        f"query($after: ID, $first: Int) {{ {field}({DRUGS.get(field, '')}after: $after, first: $first) {{ id }} }}"
    )
    return [one["id"] for one in live.data(token, document, variables)[field]]


@pytest.mark.parametrize("field", LISTS)
@pytest.mark.parametrize("size", [1, 7, 100])
def test_pages_together_are_the_whole_list_newest_first(reading: Live, reader: str, field: str, size: int) -> None:
    whole = page(reading, reader, field, first=100)
    assert len(whole) == LISTS[field]
    assert whole == sorted(set(whole), reverse=True)

    def fetch(shown: list[str]) -> list[str]:
        found = page(reading, reader, field, first=size, after=shown[-1] if shown else None)
        assert len(found) <= size
        return found

    assert every_page(fetch) == whole


@pytest.mark.parametrize("field", LISTS)
@pytest.mark.parametrize("first", [0, -1, -2_147_483_648])
def test_a_page_of_no_rows_is_refused(reading: Live, reader: str, field: str, first: int) -> None:
    document = f"query($first: Int) {{ {field}(first: $first) {{ id }} }}"

    error = the_error(reading.graphql(reader, document, {"first": first}))

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "first" in error["message"]


@pytest.mark.parametrize("field", LISTS)
@pytest.mark.parametrize("after", ["", None])
def test_a_cursor_that_says_nothing_begins_at_the_start(
    reading: Live, reader: str, field: str, after: str | None
) -> None:
    assert page(reading, reader, field, first=3, after=after) == page(reading, reader, field, first=3)


@pytest.mark.parametrize("field", LISTS)
@pytest.mark.parametrize("after", ["0", "!", "' OR 1=1 --", "a" * 10_000])
def test_a_forged_cursor_is_only_a_place_in_the_order(reading: Live, reader: str, field: str, after: str) -> None:
    whole = page(reading, reader, field, first=100)

    assert page(reading, reader, field, first=100, after=after) == [one for one in whole if one < after]


def test_patients_made_while_somebody_pages_neither_repeat_nor_push_out_a_row(clinic: Live, token: str) -> None:
    made = []
    for number in range(6):
        clinic.clock.advance(1)
        made.append(clinic.data(token, CREATE_PATIENT, ada(gender=str(number)))["createPatient"]["id"])

    first = page(clinic, token, "patients", first=3)
    clinic.clock.advance(1)
    newer = clinic.data(token, CREATE_PATIENT, ada())["createPatient"]["id"]
    second = page(clinic, token, "patients", first=3, after=first[-1])

    assert first + second == made[::-1]
    assert page(clinic, token, "patients", first=1) == [newer]


def test_a_page_has_25_rows_unless_asked_and_100_at_most(clinics: Clinics) -> None:
    live = clinics.serve("sqlite", "many patients")
    organization_id = live.world.alder.organization_id

    def add(transaction: Transaction) -> None:
        for _ in range(100):
            identifier = new_id(Kind.PATIENT, NOW * 1000)
            patient = Patient(
                identifier,
                organization_id,
                None,
                Name("A", "B"),
                "1990-01-01",
                "MALE",
                None,
                None,
                "+12025550170",
                None,
            )
            patients.create(transaction, patient, NOW * 1000)

    live.server.database.write(add)
    token = live.token(live.world.alder)

    assert len(page(live, token, "patients")) == 25
    assert len(page(live, token, "patients", first=None)) == 25
    for first in (101, 1_000, 2_147_483_647):
        assert len(page(live, token, "patients", first=first)) == 100

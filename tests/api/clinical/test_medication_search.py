"""The way to a medication, a choice at a time: concept, strength, route, form, product, package."""

from typing import Any

import pytest

from tests.api.clinical.test_statements import statements
from tests.api.documents import MEDICATION_CONCEPTS, medication_choices
from tests.live import Live
from tests.token_holders import Holders

NARROWER = ("Strengths", "Routes", "Forms", "Products", "Packages")


def concepts(live: Live, token: str, name: str) -> list[str]:
    """Returns the names of the concepts that a name finds."""
    found = live.data(token, MEDICATION_CONCEPTS, {"name": name})["medicationConcepts"]
    assert {one["id"][:4] for one in found} <= {"trm_"}
    return [one["name"] for one in found]


def choices(live: Live, token: str, what: str, identifier: str) -> Any:
    """Returns the choices that a choice leaves."""
    return live.data(token, medication_choices(what), {"id": identifier})[f"medication{what}"]


def test_each_choice_leads_to_the_next_and_the_last_to_a_package(clinic: Live, token: str) -> None:
    found = clinic.data(token, '{ medicationConcepts(name: "metformin") { id name type } }')["medicationConcepts"]
    way = [found]

    for what in NARROWER:
        way.append(choices(clinic, token, what, way[-1][len(way[-1]) // 2]["id"]))

    names = [[one["name"] for one in step] for step in way]
    form = "metformin hydrochloride 500 MG Oral Tablet"
    assert found[0]["type"] == "CONCEPT"
    assert names == [
        ["metformin"],
        ["metformin 1000 MG", "metformin 500 MG", "metformin 850 MG"],
        ["metformin 500 MG Oral"],
        ["metformin hydrochloride 500 MG Extended Release Oral Tablet", form],
        [f"{form} (Sample Maker)"],
        [f"{form} (Sample Maker), 30 tablets in 1 bottle"],
    ]


def test_every_drug_of_the_sample_data_is_reached(reading: Live, reader: str) -> None:
    drugs = set()
    for letter in "abcdefghijklmnopqrstuvwxyz":
        found = reading.data(reader, MEDICATION_CONCEPTS, {"name": letter})["medicationConcepts"]
        ids = {one["id"] for one in found}
        for what in NARROWER[:3]:
            ids = {one["id"] for identifier in sorted(ids) for one in choices(reading, reader, what, identifier)}
        drugs |= ids

    assert len(drugs) == 636


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("clav", ["amoxicillin / clavulanate"]),
        ("AMOX", ["amoxicillin", "amoxicillin / clavulanate"]),
        ("clavulanate amox", ["amoxicillin / clavulanate"]),
        ("amox ibu", []),
        ("moxicillin", []),
        ("", []),
        (" / ", []),
        ("%", []),
        ("a\x00", ["albuterol"]),
    ],
)
def test_concepts_are_found_by_the_beginning_of_their_words(
    reading: Live, reader: str, name: str, found: list[str]
) -> None:
    shown = concepts(reading, reader, name)

    assert shown == found if name != "a\x00" else set(found) <= set(shown)


@pytest.mark.parametrize("what", NARROWER)
def test_nothing_follows_a_choice_that_there_is_not(reading: Live, reader: str, what: str) -> None:
    [amoxicillin, _] = reading.data(reader, MEDICATION_CONCEPTS, {"name": "amox"})["medicationConcepts"]

    assert choices(reading, reader, what, "trm_nothing") == []
    assert (choices(reading, reader, what, amoxicillin["id"]) == []) == (what != "Strengths")


def test_a_person_who_chose_no_organization_is_told_to(sqlite_live: Live) -> None:
    holders = Holders(sqlite_live)
    token = holders.tokens(organization_id=None)["access_token"]

    answer = sqlite_live.graphql(token, MEDICATION_CONCEPTS, {"name": "amox"}).json()

    assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"


def test_each_choice_is_one_statement(reading: Live, reader: str) -> None:
    reading.data(reader, MEDICATION_CONCEPTS, {"name": "amox"})

    with statements(reading) as seen:
        reading.data(reader, MEDICATION_CONCEPTS, {"name": "amox clav"})

    assert len([one for one in seen if one.startswith("SELECT")]) == 1

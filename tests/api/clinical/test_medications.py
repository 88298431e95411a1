"""Medications and equipment: listed, and found as drugs, products and packages."""

from collections.abc import Mapping
from typing import Any

import pytest

from rxauth.domain import treatment_store, treatments
from rxauth.storage.database import Transaction
from tests.api.answers import Clinics, the_error
from tests.api.documents import MEDICAL_EQUIPMENT, MEDICATIONS
from tests.live import Live

SUSPENSION = "amoxicillin 80 MG/ML Oral Suspension"
PEDIATRIC = "acetaminophen 32 MG/ML Oral Suspension"


def search(live: Live, token: str, criteria: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Returns every medication that a filter finds."""
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["id"] if found else None
        shown = live.data(token, MEDICATIONS, {"filter": criteria, "first": 100, "after": after})["medications"]
        if not shown:
            return found
        found += shown


def names(found: list[dict[str, Any]]) -> list[str]:
    """Returns the names in the order of the alphabet."""
    return sorted(one["name"] for one in found)


def drug_id(live: Live, token: str, name: str) -> str:
    """Returns the identifier of a drug of the sample data."""
    found = [one for one in search(live, token, {"drug": {"name": name}}) if one["name"] == name]
    return str(found[0]["id"])


@pytest.mark.parametrize("criteria", [None, {}, {"drug": None, "product": None, "package": None}])
def test_without_a_filter_everything_is_listed(reading: Live, reader: str, criteria: Mapping[str, Any] | None) -> None:
    assert len(search(reading, reader, criteria)) == 3 * 636


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("amoxicillin 80", [SUSPENSION]),
        ("AMOXICILLIN 80", [SUSPENSION]),
        ("gabap 300", ["gabapentin 300 MG Oral Capsule"]),
        ("pentin", []),
        ("mupir ointment", ["mupirocin 20 MG/G Topical Ointment"]),
        ("Sample Maker", []),
        ("%", []),
        ("amo_icillin", []),
        ("\\", []),
        ("nothing", []),
    ],
)
def test_drugs_are_found_by_the_beginnings_of_their_words(
    reading: Live, reader: str, name: str, found: list[str]
) -> None:
    assert names(search(reading, reader, {"drug": {"name": name}})) == found


def test_there_are_several_hundred_drugs(reading: Live, reader: str) -> None:
    assert len(search(reading, reader, {"drug": {}})) == 636


def test_products_are_found_by_the_drug_that_they_contain(reading: Live, reader: str) -> None:
    drug, made = drug_id(reading, reader, SUSPENSION), [f"{SUSPENSION} (Sample Maker)"]

    assert names(search(reading, reader, {"product": {"drug": drug}})) == made
    assert names(search(reading, reader, {"product": {"drug": drug, "name": "maker"}})) == made
    assert search(reading, reader, {"product": {"drug": drug, "name": "capsule"}}) == []
    assert search(reading, reader, {"product": {"drug": drug, "type": "OTC"}}) == []
    assert names(search(reading, reader, {"product": {"drug": drug, "type": "RX"}})) == made
    assert search(reading, reader, {"product": {"drug": "med_nothing"}}) == []


def test_every_drug_of_the_sample_data_leads_to_a_product(reading: Live, reader: str) -> None:
    drugs = search(reading, reader, {"drug": {"name": "a"}})
    assert len(drugs) > 50

    without = [one["name"] for one in drugs if not search(reading, reader, {"product": {"drug": one["id"]}})]

    assert without == []


@pytest.mark.parametrize(
    "criteria",
    [
        {"drug": {}, "product": {"drug": "med_1"}},
        {"drug": {"name": "a"}, "package": {"product": "med_1"}},
        {"product": {"drug": "med_1"}, "package": {"product": "med_1"}},
    ],
)
def test_a_filter_has_one_member(reading: Live, reader: str, criteria: Mapping[str, Any]) -> None:
    error = the_error(reading.graphql(reader, MEDICATIONS, {"filter": criteria}))

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert "drug, product and package" in error["message"]


def test_a_medication_shows_everything_known_of_it(reading: Live, reader: str) -> None:
    document = """{ medications(filter: {drug: {name: "%s"}}) {
      __typename id name description codes { rxcui productNDC packageNDC SKU HCPCS } type concept schedule controlled
      brandName genericName strength form manufacturer
    } }"""
    (found,) = reading.data(reader, document % PEDIATRIC)["medications"]

    assert found.pop("id").startswith("med_")
    assert found == {
        "__typename": "Medication",
        "name": PEDIATRIC,
        "description": "160 mg per 5 mL.",
        "codes": {"rxcui": None, "productNDC": None, "packageNDC": None, "SKU": None, "HCPCS": None},
        "type": "OTC",
        "concept": "DRUG",
        "schedule": None,
        "controlled": False,
        "brandName": None,
        "genericName": "acetaminophen",
        "strength": "32 MG/ML",
        "form": "Oral Suspension",
        "manufacturer": None,
    }


def test_a_scheduled_medication_is_controlled(reading: Live, reader: str) -> None:
    found = {one["name"]: (one["schedule"], one["controlled"]) for one in search(reading, reader, None)}

    assert found["oxycodone hydrochloride 5 MG Oral Tablet"] == ("II", True)
    assert found["pregabalin 75 MG Oral Capsule"] == ("V", True)
    assert {controlled for schedule, controlled in found.values() if schedule is None} == {False}


@pytest.fixture
def coded(clinics: Clinics, engine: str) -> Live:
    """A server that also knows a drug, two products of it and a package of each, with their codes."""
    live = clinics.serve(engine, "coded")

    def add(transaction: Transaction) -> None:
        treatment_store.keep(transaction, [treatment(*one) for one in CODED])

    if not live.server.database.read(lambda tx: treatments.by_ids(tx, "", ["med_coded_drug"])):
        live.server.database.write(add)
    return live


CODED = (
    ("drug", "DRUG", None, None, {"rxcui": "999001"}),
    ("small", "PRODUCT", "1 MG", "Oral Tablet", {"rxcui": "999002", "product_ndc": "55555-001"}),
    ("large", "PRODUCT", "2 MG", "Oral Tablet", {"rxcui": "999003", "product_ndc": "55555-002"}),
    (
        "small_box",
        "PACKAGE",
        "1 MG",
        "Oral Tablet",
        {"rxcui": "999002", "product_ndc": "55555-001", "package_ndc": "55555-001-30"},
    ),
    (
        "large_box",
        "PACKAGE",
        "2 MG",
        "Oral Tablet",
        {"rxcui": "999003", "product_ndc": "55555-002", "package_ndc": "55555-002-30"},
    ),
)


PARENTS = {
    "small": "med_coded_drug",
    "large": "med_coded_drug",
    "small_box": "med_coded_small",
    "large_box": "med_coded_large",
}


def treatment(key: str, concept: str, strength: str | None, form: str | None, codes: dict[str, str]) -> dict[str, Any]:
    """Returns the row of a made-up medication."""
    empty = dict.fromkeys(("rxcui", "product_ndc", "package_ndc", "sku", "hcpcs"))
    return {
        "id": f"med_coded_{key}",
        "kind": treatments.MEDICATION,
        "name": f"testocillin {key}",
        "description": None,
        "codes": {**empty, **codes},
        "medication_type": "RX",
        "concept": concept,
        "schedule": None,
        "brand_name": None,
        "generic_name": "testocillin",
        "strength": strength,
        "form": form,
        "manufacturer": None,
        "parent_id": PARENTS.get(key),
        "route_id": None,
    }


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ({"drug": {"code": "999001"}}, ["drug"]),
        ({"drug": {"code": "999001", "name": "testo"}}, ["drug"]),
        ({"drug": {"code": "999001", "name": "other"}}, []),
        ({"drug": {"code": "99900"}}, []),
        ({"drug": {"code": " 999-001 "}}, ["drug"]),
        ({"drug": {"code": ""}}, []),
        ({"product": {"drug": "med_coded_drug"}}, ["large", "small"]),
        ({"product": {"drug": "med_coded_drug", "code": "999002"}}, ["small"]),
        ({"product": {"drug": "med_coded_drug", "code": "55555-002"}}, ["large"]),
        ({"package": {"product": "med_coded_small"}}, ["small_box"]),
        ({"package": {"product": "med_coded_large"}}, ["large_box"]),
        ({"package": {"product": "med_coded_large", "code": "55555-002-30"}}, ["large_box"]),
        ({"package": {"product": "med_coded_large", "code": "55555-001-30"}}, []),
        ({"package": {"product": "med_coded_large", "code": "5555500230"}}, ["large_box"]),
        ({"package": {"product": "med_coded_large", "code": "55555-0002-30"}}, ["large_box"]),
        ({"package": {"product": "med_coded_large", "name": "testo LARGE"}}, ["large_box"]),
        ({"package": {"product": "med_coded_large", "name": "arge"}}, []),
        ({"package": {"product": "med_nothing"}}, []),
    ],
)
def test_codes_and_packages_are_found(coded: Live, criteria: Mapping[str, Any], found: list[str]) -> None:
    token = coded.token(coded.world.alder)

    assert names(search(coded, token, criteria)) == [f"testocillin {key}" for key in found]


def test_a_product_filter_wants_its_drug_and_a_package_filter_its_product(reading: Live, reader: str) -> None:
    for criteria, wanted in (({"product": {"name": "a"}}, "drug"), ({"package": {"name": "a"}}, "product")):
        error = the_error(reading.graphql(reader, MEDICATIONS, {"filter": criteria}))
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert f"'{wanted}'" in error["message"]


@pytest.mark.parametrize(
    ("name", "count"), [(None, 14), ("inhaler", 2), ("INSULIN", 2), ("4 mm", 1), ("amoxicillin", 0), ("%", 0), ("_", 0)]
)
def test_equipment_is_found_by_the_beginnings_of_its_words(
    reading: Live, reader: str, name: str | None, count: int
) -> None:
    found = reading.data(reader, MEDICAL_EQUIPMENT, {"name": name, "first": 100})["medicalEquipment"]

    assert len(found) == count
    assert all(one["id"].startswith("dme_") for one in found)
    assert all((name or "").lower() in one["name"].lower() for one in found)

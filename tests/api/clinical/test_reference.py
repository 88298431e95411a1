"""Reference data: allergens and dispense units, open to any token of an organization."""

import pytest

from tests.api.documents import ALLERGENS, DISPENSE_UNITS
from tests.live import Live

SCOPES = ["read:patient", "write:patient", "read:prescription", "read:order", "write:order"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("penicillin", ["Penicillin"]),
        ("PENIC", ["Penicillin"]),
        ("cillin", []),
        ("yellow no. 5", ["FD&C Yellow No. 5 (tartrazine)"]),
        ("5 (t", ["FD&C Yellow No. 5 (tartrazine)"]),
        ("%", []),
        ("_", []),
        ("\\", []),
        ("pen%lin", []),
        ("p_nicillin", []),
        ("nothing", []),
    ],
)
def test_allergens_are_found_by_the_beginnings_of_their_words(
    clinic: Live, token: str, name: str, found: list[str]
) -> None:
    shown = clinic.data(token, ALLERGENS, {"filter": {"name": name}})["allergens"]

    assert [one["name"] for one in shown] == found


def test_all_allergens_are_listed_by_name(clinic: Live, token: str) -> None:
    for criteria in (None, {}, {"name": None}, {"name": " "}):
        shown = clinic.data(token, ALLERGENS, {"filter": criteria})["allergens"]
        names = [one["name"] for one in shown]
        assert len(names) == 63
        assert names == sorted(names)
        assert all(one["id"].startswith("alg_") and one["rxcui"] is None for one in shown)


def test_dispense_units_are_listed(clinic: Live, token: str) -> None:
    names = [one["name"] for one in clinic.data(token, DISPENSE_UNITS)["dispenseUnits"]]

    assert len(names) == len(set(names)) == 40
    assert {"Tablet", "Capsule", "Milliliter", "Each"} <= set(names)


@pytest.mark.parametrize("scope", SCOPES)
def test_any_token_of_an_organization_reads_reference_data(reading: Live, scope: str) -> None:
    token = reading.token(reading.world.alder, scope=scope)
    document = """{
      allergens { id } dispenseUnits { name } medicalEquipment { id } medications { id } pharmacies { id }
    }"""

    assert all(reading.data(token, document).values())


def test_reference_data_is_the_same_for_every_organization(reading: Live) -> None:
    document = "{ allergens { id } medications(first: 100) { id } medicalEquipment { id } pharmacies { id } }"
    tenants = (reading.world.alder, reading.world.birch)

    ours, theirs = (reading.data(reading.token(tenant), document) for tenant in tenants)

    assert ours == theirs

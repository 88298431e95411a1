"""Pharmacies: by name, by what they do, and the nearest first around a place."""

import math
from typing import Any

import pytest

from rxauth.domain import pharmacies, pharmacy_search
from rxauth.storage.database import Transaction
from tests.api.answers import Clinics, every_page, the_error
from tests.api.documents import PHARMACIES, PHARMACY
from tests.api.measures import weight
from tests.live import Live

UNION_SQUARE = {"latitude": 40.7359, "longitude": -73.9911}
NEAR_UNION_SQUARE = [
    "Sample Pharmacy Chelsea",
    "Sample Court Street Apothecary",
    "Sample Broadway Drugs",
    "Sample Steinway Pharmacy",
    "Sample Grand Concourse Pharmacy",
]


def names(live: Live, token: str, **variables: Any) -> list[str]:
    """Returns the names of the pharmacies that are found, in their order."""
    found = live.data(token, PHARMACIES, {"first": 100} | variables)["pharmacies"]
    return [one["name"] for one in found]


def test_a_pharmacy_shows_where_it_is_and_what_it_does(reading: Live, reader: str) -> None:
    (listed,) = reading.data(reader, PHARMACIES, {"name": "chelsea"})["pharmacies"]

    found = reading.data(reader, PHARMACY, {"id": listed["id"]})["pharmacy"]

    assert found == listed
    assert found == {
        "id": found["id"],
        "NPI": None,
        "NCPDP": None,
        "name": "Sample Pharmacy Chelsea",
        "fulfillmentTypes": ["PICK_UP"],
        "address": {
            "name": None,
            "city": "New York",
            "country": "US",
            "postalCode": "10011",
            "state": "NY",
            "street1": "200 W 23rd St",
            "street2": None,
        },
    }
    assert reading.data(reader, PHARMACY, {"id": "phr_nothing"}) == {"pharmacy": None}


@pytest.mark.parametrize(
    ("name", "count"), [(None, 60), ("sample", 60), ("CHELSEA", 1), ("mail order", 4), ("%", 0), ("_", 0), ("zzz", 0)]
)
def test_pharmacies_are_found_by_the_beginnings_of_their_words(
    reading: Live, reader: str, name: str | None, count: int
) -> None:
    found = names(reading, reader, name=name)

    assert len(found) == count
    assert found == sorted(found)


@pytest.mark.parametrize(("kind", "count"), [("PICK_UP", 56), ("MAIL_ORDER", 5)])
def test_pharmacies_are_found_by_what_they_do(reading: Live, reader: str, kind: str, count: int) -> None:
    found = reading.data(reader, PHARMACIES, {"type": kind, "first": 100})["pharmacies"]

    assert len(found) == count
    assert all(kind in one["fulfillmentTypes"] for one in found)


@pytest.mark.parametrize("location", [UNION_SQUARE, UNION_SQUARE | {"radius": 10}])
def test_the_nearest_pharmacies_within_ten_miles_come_first(reading: Live, reader: str, location: Any) -> None:
    assert names(reading, reader, location=location) == NEAR_UNION_SQUARE


@pytest.mark.parametrize("radius", [1, 2, 4, 5, 9, 100])
def test_a_radius_is_in_miles(reading: Live, reader: str, radius: int) -> None:
    """The distances are computed here by the spherical law of cosines, which rxauth does not use."""
    everywhere = reading.server.database.read(
        lambda tx: pharmacy_search.search(tx, name=None, around=None, fulfillment_type=None, offset=0, rows=100)
    )
    here = (math.radians(UNION_SQUARE["latitude"]), math.radians(UNION_SQUARE["longitude"]))

    def miles(pharmacy: pharmacies.Pharmacy) -> float:
        there = (math.radians(pharmacy.latitude or 0), math.radians(pharmacy.longitude or 0))
        angle = math.sin(here[0]) * math.sin(there[0])
        angle += math.cos(here[0]) * math.cos(there[0]) * math.cos(there[1] - here[1])
        return 3_958.8 * math.acos(angle)

    expected = [one.name for one in sorted(everywhere, key=miles) if miles(one) <= radius]
    assert names(reading, reader, location=UNION_SQUARE | {"radius": radius}) == expected


def test_criteria_hold_together(reading: Live, reader: str) -> None:
    assert names(reading, reader, location=UNION_SQUARE, name="drugs") == ["Sample Broadway Drugs"]
    assert names(reading, reader, location=UNION_SQUARE, type="MAIL_ORDER") == []
    chicago = {"latitude": 41.88, "longitude": -87.63, "radius": 100}
    assert names(reading, reader, location=chicago, type="MAIL_ORDER") == ["Sample Mail Order Pharmacy Midwest"]
    assert names(reading, reader, name="south", type="PICK_UP") == ["Sample South Congress Pharmacy"]


@pytest.mark.parametrize("location", [None, {}, {"latitude": None, "longitude": None}])
def test_no_place_is_everywhere(reading: Live, reader: str, location: Any) -> None:
    assert len(names(reading, reader, location=location)) == 60


@pytest.mark.parametrize("location", [None, UNION_SQUARE | {"radius": 100}])
def test_pages_go_by_offset(reading: Live, reader: str, location: Any) -> None:
    whole = names(reading, reader, location=location)

    def fetch(shown: list[str]) -> list[str]:
        found = names(reading, reader, location=location, first=3, after=len(shown))
        assert len(found) <= 3
        return found

    assert every_page(fetch) == whole
    assert len(whole) >= 5
    assert names(reading, reader, location=location, after=10_000) == []


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({"first": 0}, "first"),
        ({"first": -1}, "first"),
        ({"after": -1}, "after"),
        ({"after": 10_001}, "after"),
        ({"after": 2_147_483_647}, "after"),
        ({"after": 2_147_483_648}, "after"),
        ({"after": "phr_1"}, "after"),
        ({"location": {"latitude": 40}}, "longitude"),
        ({"location": {"longitude": 40}}, "latitude"),
        ({"location": {"latitude": 90.1, "longitude": 0}}, "latitude"),
        ({"location": {"latitude": 0, "longitude": -180.1}}, "longitude"),
        ({"location": {"latitude": "40.7", "longitude": -74}}, "location"),
        ({"location": UNION_SQUARE | {"radius": 0}}, "radius"),
        ({"location": UNION_SQUARE | {"radius": -5}}, "radius"),
        ({"location": UNION_SQUARE | {"radius": 101}}, "radius"),
        ({"location": UNION_SQUARE | {"radius": 2.5}}, "location"),
        ({"type": "CARRIER_PIGEON"}, "type"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_by_name(
    reading: Live, reader: str, variables: dict[str, Any], named: str
) -> None:
    error = the_error(reading.graphql(reader, PHARMACIES, variables))

    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert named in error["message"]


@pytest.mark.parametrize(("latitude", "longitude"), [(90, 0), (-90, 180), (0, -180), (89.999, 179.999)])
def test_the_ends_of_the_earth_have_no_pharmacies(
    reading: Live, reader: str, latitude: float, longitude: float
) -> None:
    location = {"latitude": latitude, "longitude": longitude, "radius": 100}

    assert names(reading, reader, location=location) == []


def test_a_page_without_a_size_is_no_longer_than_the_limits_counted(clinics: Clinics) -> None:
    live = clinics.serve("sqlite", "many pharmacies")
    rows: list[dict[str, Any]] = [
        {
            "id": f"phr_more_{number}",
            "name": f"More {number}",
            "npi": None,
            "ncpdp": None,
            "phone": None,
            "fax": None,
            "address": None,
            "latitude": None,
            "longitude": None,
            "fulfillment_types": [],
        }
        for number in range(120)
    ]

    def add(transaction: Transaction) -> None:
        pharmacies.keep(transaction, rows)

    live.server.database.write(add)
    token = live.token(live.world.alder)

    assert len(names(live, token, first=100)) == 100
    document = "{ pharmacies { id } }"
    assert len(live.data(token, document)["pharmacies"]) <= weight(document).cost

"""Circles on Earth, and the boxes that hold them, wherever the United States have territory and beyond."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.domain import pharmacies, pharmacy_search, places
from rxauth.domain.places import Circle
from rxauth.storage.database import Transaction
from tests.domain.reference_size import pharmacy
from tests.undone import Undone

ADAK, SEMISOPOCHNOI, HAGATNA = (51.88, -176.66), (51.95, 179.6), (13.47, 144.75)


def is_in(circle: Circle, latitude: float, longitude: float) -> bool:
    """Tells whether a place is in the box of a circle."""
    box = circle.box
    across = box.west <= longitude <= box.east or box.again_west <= longitude <= box.again_east
    return box.south <= latitude <= box.north and across


@given(st.floats(-90, 90), st.floats(-180, 180), st.integers(1, 100), st.floats(0, 2 * math.pi), st.floats(0, 1))
def test_the_box_holds_every_place_of_the_circle(
    latitude: float, longitude: float, radius: int, bearing: float, part: float
) -> None:
    circle = places.circle(latitude, longitude, radius)
    angle, here = radius * part / 3_958.8, math.radians(latitude)
    sine = math.sin(here) * math.cos(angle) + math.cos(here) * math.sin(angle) * math.cos(bearing)
    there = math.asin(max(-1.0, min(1.0, sine)))
    turned = math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(here), math.cos(angle) - math.sin(here) * math.sin(there)
    )
    far = (math.degrees(there), (longitude + math.degrees(turned) + 540) % 360 - 180)

    assert is_in(circle, *far)
    assert circle.distance_miles(*far) == pytest.approx(radius * part, abs=0.01)


def test_the_date_line_is_no_border(undone: Undone) -> None:
    """The Aleutian Islands lie on both sides of it."""
    spots = {"adak": ADAK, "semisopochnoi": SEMISOPOCHNOI, "hagatna": HAGATNA, "attu": (52.9, 172.9)}

    def work(transaction: Transaction) -> None:
        pharmacies.keep(transaction, [pharmacy(name, name, spot) for name, spot in spots.items()])

        def near(latitude: float, longitude: float) -> list[str]:
            around = places.circle(latitude, longitude, 100)
            found = pharmacy_search.search(
                transaction, name=None, around=around, fulfillment_type=None, offset=0, rows=10
            )
            return [one.name for one in found]

        assert near(51.9, -179.5) == ["semisopochnoi"]
        assert near(51.9, 178.5) == ["semisopochnoi"]
        assert near(51.9, -178.5) == ["adak", "semisopochnoi"]
        assert near(13.4, 144.8) == ["hagatna"]

    undone.run(work)


def test_the_nearest_are_found_however_many_there_are(undone: Undone) -> None:
    chance = random.Random(7)
    spots = [(39 + chance.random(), -100 + chance.random()) for _ in range(6_000)]
    around = places.circle(39.5, -99.5, 100)
    by_distance = sorted(range(6_000), key=lambda number: around.distance_miles(*spots[number]))

    def work(transaction: Transaction) -> None:
        pharmacies.keep(transaction, [pharmacy(f"{number:04}", "Far", spot) for number, spot in enumerate(spots)])
        for offset in (0, 3_000, 5_990):
            found = pharmacy_search.search(
                transaction, name=None, around=around, fulfillment_type=None, offset=offset, rows=10
            )
            expected = [number for number in by_distance if around.distance_miles(*spots[number]) <= 100]
            assert [int(one.id[4:]) for one in found] == expected[offset : offset + 10]

    undone.run(work)

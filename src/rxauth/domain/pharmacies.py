"""Pharmacies, the same for every organization: by name, and by distance."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, select

from rxauth.domain.errors import InvalidError
from rxauth.domain.names import Address, read_address
from rxauth.domain.text_search import contains, part
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import pharmacies
from rxauth.storage.tenancy import Statement, insert_row, sql

RADIUS_DEFAULT_MILES: Final = 10
RADIUS_LIMIT_MILES: Final = 100
OFFSET_LIMIT: Final = 10_000
_CANDIDATES_LIMIT: Final = 5_000
_EARTH_RADIUS_MILES: Final = 3_958.8
_MILES_A_DEGREE: Final = 69.0
INSERT: Final = insert_row(pharmacies)
_COLUMNS: Final = tuple(pharmacies.c)
_BY_IDS = sql(select(*_COLUMNS).where(pharmacies.c.id.in_(bindparam("ids", expanding=True))))


@dataclass(frozen=True, slots=True)
class Pharmacy:
    """A pharmacy. latitude, longitude: degrees, None if nobody knows."""

    id: str
    name: str
    npi: str | None
    ncpdp: str | None
    phone: str | None
    fax: str | None
    address: Address | None
    latitude: float | None
    longitude: float | None
    fulfillment_types: list[str]


@dataclass(frozen=True, slots=True)
class Circle:
    """A place and how far around it to look. latitude, longitude: degrees."""

    latitude: float
    longitude: float
    radius_miles: float

    def distance_miles(self, pharmacy: Pharmacy) -> float:
        """Returns how far away a pharmacy is, along the Earth's surface (the haversine formula)."""
        if pharmacy.latitude is None or pharmacy.longitude is None:
            return math.inf
        here, there = math.radians(self.latitude), math.radians(pharmacy.latitude)
        across = math.radians(pharmacy.longitude - self.longitude)
        chord = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(across / 2) ** 2
        return 2 * _EARTH_RADIUS_MILES * math.asin(min(1.0, math.sqrt(chord)))


def circle(latitude: float, longitude: float, radius_miles: float | None) -> Circle:
    """Returns a circle on Earth; radius_miles None: 10.

    Raises:
        InvalidError: no such place, or a radius beyond 100 miles.
    """
    radius = RADIUS_DEFAULT_MILES if radius_miles is None else radius_miles
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        raise InvalidError("latitude is -90 to 90, longitude -180 to 180", "location")
    if not 0 < radius <= RADIUS_LIMIT_MILES:
        raise InvalidError(f"radius is 1 to {RADIUS_LIMIT_MILES} miles", "location.radius")
    return Circle(latitude, longitude, radius)


def by_ids(transaction: Transaction, _organization_id: str, ids: Sequence[str]) -> Mapping[str, Pharmacy]:
    """Returns the pharmacies among `ids`."""
    return {row.id: _pharmacy(row) for row in transaction.all(_BY_IDS, ids=ids)}


def search(
    transaction: Transaction,
    *,
    name: str | None,
    around: Circle | None,
    fulfillment_type: str | None,
    offset: int,
    rows: int,
) -> list[Pharmacy]:
    """Lists pharmacies: the nearest first around a place, by name otherwise. None leaves a condition out."""
    if not 0 <= offset <= OFFSET_LIMIT:
        raise InvalidError(f"after is 0 to {OFFSET_LIMIT}", "after")
    values: dict[str, Any] = {} if name is None else {"name": part(name)}
    if around is not None:
        degrees = around.radius_miles / _MILES_A_DEGREE
        wider = degrees / max(0.01, math.cos(math.radians(around.latitude)))
        values |= {
            "south": around.latitude - degrees,
            "north": around.latitude + degrees,
            "west": around.longitude - wider,
            "east": around.longitude + wider,
        }
    found = [_pharmacy(row) for row in transaction.all(_listing(frozenset(values)), **values)]
    if fulfillment_type is not None:
        found = [pharmacy for pharmacy in found if fulfillment_type in pharmacy.fulfillment_types]
    if around is not None:
        by_distance = sorted((around.distance_miles(pharmacy), pharmacy.id, pharmacy) for pharmacy in found)
        found = [pharmacy for miles, _, pharmacy in by_distance if miles <= around.radius_miles]
    return found[offset : offset + rows]


@cache
def _listing(members: frozenset[str]) -> Statement:
    statement = select(*_COLUMNS)
    if "name" in members:
        statement = statement.where(contains(pharmacies.c.name, "name"))
    if "south" in members:
        statement = statement.where(
            pharmacies.c.latitude.between(bindparam("south"), bindparam("north")),
            pharmacies.c.longitude.between(bindparam("west"), bindparam("east")),
        )
    return sql(statement.order_by(pharmacies.c.name, pharmacies.c.id).limit(_CANDIDATES_LIMIT))


def _pharmacy(row: Any) -> Pharmacy:
    return Pharmacy(
        row.id,
        row.name,
        row.npi,
        row.ncpdp,
        row.phone,
        row.fax,
        read_address(row.address),
        row.latitude,
        row.longitude,
        row.fulfillment_types,
    )

"""Lists of pharmacies: by name, by what they do, and the nearest first around a place."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, bindparam, cast, or_, select

from rxauth.domain import pharmacies as nouns
from rxauth.domain import word_index
from rxauth.domain.errors import InvalidError
from rxauth.domain.pharmacies import Pharmacy
from rxauth.domain.places import Circle
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import pharmacies, pharmacy_services, pharmacy_words
from rxauth.storage.tables.metadata import Text
from rxauth.storage.tenancy import Statement, sql

OFFSET_LIMIT: Final = 10_000
_FIRST_PART: Final = 0.1  # of the radius: in a city it has enough for the first pages


def search(
    transaction: Transaction,
    *,
    name: str | None,
    around: Circle | None,
    fulfillment_type: str | None,
    offset: int,
    rows: int,
) -> list[Pharmacy]:
    """Lists pharmacies: the nearest first around a place, by name otherwise. None leaves a condition out.

    name: the beginning of any words of the pharmacy's, each of which must be found.
    """
    if not 0 <= offset <= OFFSET_LIMIT:
        raise InvalidError(f"after is 0 to {OFFSET_LIMIT}", "after")
    words = word_index.wanted(name)
    if words == []:
        return []
    values = word_index.values(words or [])
    if fulfillment_type is not None:
        values["type"] = fulfillment_type
    if around is None:
        by_name = _by_name(len(words or []), fulfillment_type is not None)
        return [nouns.read(row) for row in transaction.all(by_name, offset=offset, rows=rows, **values)]
    statement = _inside(len(words or []), fulfillment_type is not None)
    near = _nearest(transaction, statement, values, around, offset + rows)[offset:]
    found = nouns.by_ids(transaction, "", near) if near else {}
    return [found[identifier] for identifier in near]


def _nearest(
    transaction: Transaction, statement: Statement, values: dict[str, str], around: Circle, count: int
) -> Sequence[str]:
    """Returns the identifiers of the nearest so many pharmacies; most often a part of the circle has them all."""
    found: list[tuple[float, str]] = []
    for radius in (around.radius_miles * _FIRST_PART, around.radius_miles):
        box = Circle(around.latitude, around.longitude, radius).box
        places = transaction.all(statement, **asdict(box), **values)
        far = ((around.distance_miles(row.latitude, row.longitude), row.id) for row in places)
        found = sorted(one for one in far if one[0] <= radius)
        if len(found) >= count:
            break
    return [identifier for _, identifier in found[:count]]


@cache
def _by_name(words: int, is_typed: bool) -> Statement:
    """Returns the list by name; without words, those that do one thing are read in the order of their own index."""
    order = (pharmacies.c.name, pharmacies.c.id)
    statement = select(*nouns.COLUMNS).where(*_named(words))
    if is_typed and words:
        does_it = select(pharmacy_services.c.pharmacy_id).where(
            pharmacy_services.c.fulfillment_type == bindparam("type")
        )
        statement = statement.where(pharmacies.c.id.in_(does_it))
    elif is_typed:
        service = pharmacy_services.c
        statement = statement.join(pharmacy_services, service.pharmacy_id == pharmacies.c.id)
        statement = statement.where(service.fulfillment_type == bindparam("type"))
        order = (service.name, service.pharmacy_id)
    return sql(statement.order_by(*order).limit(bindparam("rows")).offset(bindparam("offset")))


@cache
def _inside(words: int, is_typed: bool) -> Statement:
    """Returns the pharmacies in a box, with no more than it takes to sort them."""
    longitude = pharmacies.c.longitude
    statement = select(pharmacies.c.id, pharmacies.c.latitude, longitude).where(
        pharmacies.c.latitude.between(bindparam("south"), bindparam("north")),
        or_(
            longitude.between(bindparam("west"), bindparam("east")),
            longitude.between(bindparam("again_west"), bindparam("again_east")),
        ),
        *_named(words),
    )
    return sql(statement.where(_does_it()) if is_typed else statement)


def _named(words: int) -> list[ColumnElement[bool]]:
    return word_index.matching(pharmacies.c.id, pharmacy_words.c.pharmacy_id, words)


def _does_it() -> ColumnElement[bool]:
    """Returns the condition on what a pharmacy does, for those that another condition has found."""
    return cast(pharmacies.c.fulfillment_types, Text).contains(bindparam("type"))

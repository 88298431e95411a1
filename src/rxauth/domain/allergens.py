"""Allergens, the same for every organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, select

from rxauth.domain.text_search import contains, part
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import allergens
from rxauth.storage.tenancy import insert_row, sql

LIMIT_ROWS: Final = 500
INSERT: Final = insert_row(allergens)
_ORDERED = select(allergens.c.id, allergens.c.name, allergens.c.rxcui).order_by(allergens.c.name).limit(LIMIT_ROWS)
_ALL = sql(_ORDERED)
_NAMED = sql(_ORDERED.where(contains(allergens.c.name, "name")))
_BY_IDS = sql(
    select(allergens.c.id, allergens.c.name, allergens.c.rxcui).where(
        allergens.c.id.in_(bindparam("ids", expanding=True))
    )
)


@dataclass(frozen=True, slots=True)
class Allergen:
    """Something that people are allergic to."""

    id: str
    name: str
    rxcui: str | None


def search(transaction: Transaction, name: str | None) -> list[Allergen]:
    """Lists allergens by name; name: a part of it, without case."""
    rows = transaction.all(_ALL) if name is None else transaction.all(_NAMED, name=part(name))
    return [Allergen(*row) for row in rows]


def by_ids(transaction: Transaction, _organization_id: str, ids: Sequence[str]) -> Mapping[str, Allergen]:
    """Returns the allergens among `ids`."""
    return {row.id: Allergen(*row) for row in transaction.all(_BY_IDS, ids=ids)}

"""Allergens, the same for every organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, delete, select, update

from rxauth.domain import word_index
from rxauth.domain.names import search_words
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import allergen_words, allergens
from rxauth.storage.tenancy import Statement, insert_row, sql

LIMIT_ROWS: Final = 500
_COLUMNS: Final = (allergens.c.id, allergens.c.name, allergens.c.rxcui)
_INSERT = insert_row(allergens)
_INSERT_WORD = insert_row(allergen_words)
_BY_IDS = sql(select(*_COLUMNS).where(allergens.c.id.in_(bindparam("ids", expanding=True))))
_UPDATE = sql(
    update(allergens)
    .where(allergens.c.id == bindparam("the_id"))
    .values(name=bindparam("name"), rxcui=bindparam("rxcui"))
)
_FORGET = sql(delete(allergen_words).where(allergen_words.c.allergen_id.in_(bindparam("ids", expanding=True))))


@dataclass(frozen=True, slots=True)
class Allergen:
    """Something that people are allergic to."""

    id: str
    name: str
    rxcui: str | None


def search(transaction: Transaction, name: str | None) -> list[Allergen]:
    """Lists allergens by name; name: the beginning of any words of theirs, each of which must be found."""
    words = word_index.wanted(name)
    if words == []:
        return []
    rows = transaction.all(_search(len(words or [])), **word_index.values(words or []))
    return [Allergen(*row) for row in rows]


def by_ids(transaction: Transaction, _organization_id: str, ids: Sequence[str]) -> Mapping[str, Allergen]:
    """Returns the allergens among `ids`."""
    return {row.id: Allergen(*row) for row in transaction.all(_BY_IDS, ids=ids)}


def keep(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds allergens, each in place of the one that had its identifier; none comes twice in `rows`."""
    known = by_ids(transaction, "", [row["id"] for row in rows])
    changed = [row for row in rows if row["id"] in known and known[row["id"]] != Allergen(**row)]
    new = [row for row in rows if row["id"] not in known]
    transaction.run_many(_INSERT, new)
    transaction.run_many(
        _UPDATE, [{"the_id": row["id"], "name": row["name"], "rxcui": row["rxcui"]} for row in changed]
    )
    if changed:
        transaction.run(_FORGET, ids=[row["id"] for row in changed])
    words = ((row["id"], word) for row in [*new, *changed] for word in search_words(row["name"]))
    transaction.run_many(_INSERT_WORD, [{"word": word, "allergen_id": allergen_id} for allergen_id, word in words])


@cache
def _search(words: int) -> Statement:
    named = word_index.matching(allergens.c.id, allergen_words.c.allergen_id, words)
    return sql(select(*_COLUMNS).where(*named).order_by(allergens.c.name, allergens.c.id).limit(LIMIT_ROWS))

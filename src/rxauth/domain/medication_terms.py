"""Terms: the choices on the way to a medication, of which each narrows the one before: concept, strength, route."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, select

from rxauth.domain import word_index
from rxauth.domain.names import search_words
from rxauth.ids import Kind, sample_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import medication_terms, medication_words
from rxauth.storage.tenancy import Statement, insert_row, sql

# Terms have the same identifiers everywhere and for ever, so that what is imported again is found again.
_MADE_AT_MS: Final = 1_767_225_600_000
ROWS_LIMIT: Final = 100
CONCEPT: Final = "CONCEPT"
STRENGTH: Final = "STRENGTH"
ROUTE: Final = "ROUTE"
_COLUMNS: Final = (medication_terms.c.id, medication_terms.c.name, medication_terms.c.type)
_INSERT = insert_row(medication_terms)
_INSERT_WORD = insert_row(medication_words)
_KNOWN = sql(select(medication_terms.c.id).where(medication_terms.c.id.in_(bindparam("ids", expanding=True))))
_NARROWER = sql(
    select(*_COLUMNS)
    .where(medication_terms.c.parent_id == bindparam("parent_id"), medication_terms.c.type == bindparam("type"))
    .order_by(medication_terms.c.name, medication_terms.c.id)
    .limit(ROWS_LIMIT)
)


@cache
def _named(words: int) -> Statement:
    named = word_index.matching(medication_terms.c.id, medication_words.c.term_id, words)
    return sql(
        select(*_COLUMNS).where(*named).order_by(medication_terms.c.name, medication_terms.c.id).limit(ROWS_LIMIT)
    )


@dataclass(frozen=True, slots=True)
class Term:
    """A choice. type: CONCEPT, STRENGTH or ROUTE."""

    id: str
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Way:
    """The three choices that lead to a form of a medication. strength, route None: the source does not say it."""

    concept: str
    strength: str | None
    route: str | None

    @property
    def names(self) -> tuple[str, str, str]:
        """What each choice is called."""
        strength = f"{self.concept} {self.strength or '(strength not stated)'}"
        return self.concept, strength, f"{strength} {self.route or '(route not stated)'}"

    @property
    def ids(self) -> tuple[str, str, str]:
        """The identifiers of the choices; the last is where forms belong."""
        concept, strength, route = (
            sample_id(Kind.TERM, " ".join(name.casefold().split()), _MADE_AT_MS) for name in self.names
        )
        return concept, strength, route


def keep(transaction: Transaction, ways: Iterable[Way]) -> None:
    """Adds the terms of some ways; those that are there stay."""
    rows: dict[str, dict[str, str | None]] = {}
    for way in ways:
        parent_id = None
        for term_id, name, kind in zip(way.ids, way.names, (CONCEPT, STRENGTH, ROUTE), strict=True):
            rows.setdefault(term_id, {"id": term_id, "type": kind, "name": name, "parent_id": parent_id})
            parent_id = term_id
    known = {row.id for row in transaction.all(_KNOWN, ids=list(rows))}
    new = [row for term_id, row in rows.items() if term_id not in known]
    transaction.run_many(_INSERT, new)
    transaction.run_many(_INSERT_WORD, [word for row in new if row["type"] == CONCEPT for word in _words(row)])


def concepts(transaction: Transaction, name: str) -> list[Term]:
    """Lists concepts by name; name: the beginning of any words of theirs, each of which must be found."""
    words = word_index.wanted(name)
    return _terms(transaction.all(_named(len(words)), **word_index.values(words))) if words else []


def strengths(transaction: Transaction, concept_id: str) -> list[Term]:
    """Lists the strengths of a concept by name."""
    return _terms(transaction.all(_NARROWER, parent_id=concept_id, type=STRENGTH))


def routes(transaction: Transaction, strength_id: str) -> list[Term]:
    """Lists the routes by which a strength is given, by name."""
    return _terms(transaction.all(_NARROWER, parent_id=strength_id, type=ROUTE))


def _terms(rows: Sequence[Any]) -> list[Term]:
    return [Term(row.id, row.name, row.type) for row in rows]


def _words(row: Mapping[str, str | None]) -> list[dict[str, str | None]]:
    return [{"word": word, "term_id": row["id"]} for word in search_words(row["name"] or "")]

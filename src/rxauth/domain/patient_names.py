"""Finding patients by name: the beginning of any words of theirs, each of which must be found.

No plan is left to chance: what is rare leads to the patients, and what is common is met on the way from the newest.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, bindparam, delete, func, literal_column, select, true

from rxauth.domain.names import Name, after_prefix, search_words
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import patient_names
from rxauth.storage.tenancy import Statement, insert_row, sql

WORDS_LIMIT: Final = 5
START_CHARACTERS: Final = 3
FEW: Final = 2_000  # so many patients are gathered sooner than met
SOME: Final = 20_000  # so many are noted first, so that whoever is met is known at once
_COUNTED: Final = 20_000  # of words that more have, any may lead
_SAMPLED: Final = 500  # of those who have a word: the others' share among them tells how many have all
_OWNER = patient_names.c.organization_id == bindparam("organization_id")
_INSERT = insert_row(patient_names)
_DELETE = sql(delete(patient_names).where(_OWNER, patient_names.c.patient_id == bindparam("patient_id")))


class Number(Enum):
    """How many patients have a name: what it leads to, or how whoever has it is met."""

    FEW = auto()
    SOME = auto()
    MANY = auto()


@dataclass(frozen=True, slots=True)
class Sought:
    """Words that a name is searched by; the first leads to patients, the others are looked for in their names.

    number: how many patients have them all; None: not asked.
    """

    words: tuple[str, ...] = field(repr=False)
    number: Number | None = None

    @property
    def shape(self) -> tuple[int, bool]:
        """What a statement depends on: the number of words, and whether the first one's start finds its patients."""
        return len(self.words), len(self.words[0]) >= START_CHARACTERS

    @property
    def values(self) -> dict[str, str]:
        """The parameters of a statement of this shape."""
        values = {f"word_{number}": word for number, word in enumerate(self.words)}
        values |= {f"past_{number}": after_prefix(word) for number, word in enumerate(self.words)}
        return values | ({"start": _start(self.words[0])} if self.shape[1] else {})

    @property
    def place(self) -> dict[str, Any]:
        """The parameters of `named`."""
        return {**self.values, "some": SOME} if self.number is Number.SOME else dict(self.values)


def store(transaction: Transaction, organization_id: str, patient_id: str, name: Name) -> None:
    """Writes the words that a new patient is found by; a title is none."""
    transaction.run_many(_INSERT, list(rows(organization_id, patient_id, words_of(name))))


def replace(transaction: Transaction, organization_id: str, patient_id: str, name: Name) -> None:
    """Writes the words in place of those before."""
    transaction.run(_DELETE, organization_id=organization_id, patient_id=patient_id)
    store(transaction, organization_id, patient_id, name)


def words_of(name: Name) -> list[str]:
    """Returns the words that a name is found by."""
    return search_words(" ".join(part for part in (name.first, name.middle, name.last) if part))


def rows(organization_id: str, patient_id: str, words: Iterable[str]) -> Iterable[dict[str, str]]:
    """Returns what is stored of a patient's words."""
    owner = {"organization_id": organization_id, "patient_id": patient_id}
    return ({**owner, "word": word, "start": _start(word)} for word in words)


def seek(transaction: Transaction, organization_id: str, name: str, *, ask_number: bool = False) -> Sought | None:
    """Returns how to search a name, None if there is no word in it; ask_number: finds out how many patients have it."""
    words = search_words(name)[:WORDS_LIMIT]
    if not words:
        return None
    sought, owner = Sought(tuple(words)), {"organization_id": organization_id}
    if len(words) == 1:
        if not ask_number:
            return sought
        found = transaction.first(_COUNT, **owner, **sought.values, some=SOME + 1)[0]
        return Sought(sought.words, Number.FEW if found <= FEW else Number.SOME if found <= SOME else Number.MANY)
    counts = transaction.first(_counts(len(words)), **owner, **sought.values)
    by_count = sorted(zip(counts, words, strict=True), key=lambda one: (one[0], -len(one[1])))
    sought, least = Sought(tuple(word for _, word in by_count)), by_count[0][0]
    if not ask_number:
        return sought
    if least <= FEW:
        return Sought(sought.words, Number.FEW)
    found = transaction.first(_share(len(words)), **owner, **sought.values, some=_SAMPLED)[0]
    return Sought(sought.words, Number.FEW if found * least <= FEW * _SAMPLED else Number.MANY)


def newest(words: int, by_start: bool) -> Select[Any]:
    """Selects the patients of a page, whose parameters are `before` and `rows`."""
    statement = _leading(words).where(patient_names.c.patient_id < bindparam("before")).distinct()
    if by_start:
        statement = statement.where(patient_names.c.start == bindparam("start"))
    return statement.order_by(patient_names.c.patient_id.desc()).limit(bindparam("rows"))


def named(statement: Select[Any], patient_id: Column[str], words: int, number: Number) -> Select[Any]:
    """Keeps the rows of the patients who are sought; those of some are asked for with the parameter `some`."""
    if number is Number.FEW:
        return statement.where(patient_id.in_(_leading(words)))
    if number is Number.SOME:
        noted = patient_id.in_(_leading(words).limit(bindparam("some")))
        return statement.where(noted.is_(true()))  # a value, which no planner turns into a join
    return statement.where(*(_has(patient_id, place) for place in range(words)))


def unordered(id_column: ColumnElement[str]) -> ColumnElement[str]:
    """Returns an identifier that no index has in order: rows of few patients are gathered first, and then sorted."""
    return id_column.concat("")


def _start(word: str) -> str:
    return word[:START_CHARACTERS]


def _begins(table: Any, number: int) -> tuple[ColumnElement[bool], ...]:
    word = table.c.word
    mine = table.c.organization_id == bindparam("organization_id")
    return mine, word >= bindparam(f"word_{number}"), word < bindparam(f"past_{number}")


def _leading(words: int) -> Select[Any]:
    """Selects the patients by the first word, and keeps those who have the others too."""
    others = (_has(patient_names.c.patient_id, number) for number in range(1, words))
    return select(patient_names.c.patient_id).where(*_begins(patient_names, 0), *others)


def _has(patient_id: ColumnElement[str], number: int) -> ColumnElement[bool]:
    """Says that a patient has a word; a scalar, which no planner turns into a join over all who have it."""
    other = patient_names.alias(f"name_{number}")
    one: Select[Any] = select(literal_column("1")).where(
        *_begins(other, number),
        other.c.patient_id == patient_id,
        patient_id.table.c.organization_id == bindparam("organization_id"),
    )
    return one.correlate_except(other).limit(literal_column("1")).scalar_subquery().is_not(None)


@cache
def _counts(words: int) -> Statement:
    counts = []
    for number in range(words):
        some: Select[Any] = (
            select(literal_column("1").label("one")).where(*_begins(patient_names, number)).limit(_COUNTED)
        )
        counts.append(select(func.count()).select_from(some.subquery()).scalar_subquery())
    return sql(select(*counts))


@cache
def _share(words: int) -> Statement:
    """Counts, of some who have the first word, those who have the others too."""
    some = select(patient_names.c.organization_id, patient_names.c.patient_id).where(*_begins(patient_names, 0))
    sample = some.limit(bindparam("some")).subquery()
    others = (_has(sample.c.patient_id, number) for number in range(1, words))
    return sql(select(func.count()).select_from(sample).where(*others))


_SOME = _leading(1).limit(bindparam("some")).subquery()
_COUNT = sql(select(func.count()).select_from(_SOME))

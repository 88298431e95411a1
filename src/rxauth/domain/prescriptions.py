"""Prescriptions, as they were written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, func, select

from rxauth.domain.paging import Page
from rxauth.domain.patients import matching_names, name_words, word_values
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tenancy import Statement, insert_row, sql

INSERT: Final = insert_row(prescriptions)
_COLUMNS: Final = tuple(column for column in prescriptions.c if column.name != "organization_id")
_MINE = prescriptions.c.organization_id == bindparam("organization_id")
_BY_IDS = sql(select(*_COLUMNS).where(_MINE, prescriptions.c.id.in_(bindparam("ids", expanding=True))))


@dataclass(frozen=True, slots=True)
class Prescription:
    """A prescription. Dates: YYYY-MM-DD. written_at_ms: UTC milliseconds."""

    id: str
    external_id: str | None = field(repr=False)
    state: str
    prescriber_id: str
    patient_id: str
    treatment_id: str = field(repr=False)
    dispense_as_written: bool = field(repr=False)
    dispense_quantity: float = field(repr=False)
    dispense_unit: str = field(repr=False)
    fills_allowed: int = field(repr=False)
    fills_remaining: int = field(repr=False)
    days_supply: int | None = field(repr=False)
    instructions: str = field(repr=False)
    notes: str | None = field(repr=False)
    effective_date: str = field(repr=False)
    do_not_fill_before_date: str | None = field(repr=False)
    expiration_date: str = field(repr=False)
    written_at_ms: int = field(repr=False)

    @property
    def refills_allowed(self) -> int:
        """The fills after the first."""
        return self.fills_allowed - 1

    @property
    def refills_remaining(self) -> int:
        """The fills left, not counting the first."""
        return min(self.fills_remaining, self.refills_allowed)


@dataclass(frozen=True, slots=True)
class PrescriptionFilter:
    """Which prescriptions; None leaves a member out. patient_name: the beginning of any words of the name."""

    patient_id: str | None = None
    patient_name: str | None = None
    prescriber_id: str | None = None
    state: str | None = None


def by_ids(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, Prescription]:
    """Returns the organization's prescriptions among `ids`."""
    rows = transaction.all(_BY_IDS, organization_id=organization_id, ids=ids)
    return {row.id: Prescription(*row) for row in rows}


def search(
    transaction: Transaction, organization_id: str, wanted: PrescriptionFilter, page: Page
) -> list[Prescription]:
    """Lists prescriptions, newest first."""
    members = {"patient_id": wanted.patient_id, "prescriber_id": wanted.prescriber_id, "state": wanted.state}
    values = {name: value for name, value in members.items() if value is not None}
    words = [] if wanted.patient_name is None else name_words(wanted.patient_name)
    if wanted.patient_name is not None and not words:
        return []
    statement = _listing(frozenset(values), len(words))
    place = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    return [Prescription(*row) for row in transaction.all(statement, **place, **values, **word_values(words))]


def of_patients(
    transaction: Transaction, organization_id: str, patient_ids: Sequence[str], page: Page, wanted: PrescriptionFilter
) -> Mapping[str, list[Prescription]]:
    """Returns one page of prescriptions for each patient that has any, newest first; all in one statement."""
    members = {"prescriber_id": wanted.prescriber_id, "state": wanted.state}
    values = {name: value for name, value in members.items() if value is not None}
    found: defaultdict[str, list[Prescription]] = defaultdict(list)
    place = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    for row in transaction.all(_of_patients(frozenset(values)), patient_ids=patient_ids, **place, **values):
        found[row.patient_id].append(Prescription(*row[:-1]))
    return found


def latest_of_patients(
    transaction: Transaction, organization_id: str, patient_ids: Sequence[str]
) -> Mapping[str, list[Prescription]]:
    """Returns, for each patient that has any, the newest prescription for each treatment."""
    found: defaultdict[str, list[Prescription]] = defaultdict(list)
    for row in transaction.all(_LATEST, organization_id=organization_id, patient_ids=patient_ids):
        found[row.patient_id].append(Prescription(*row[:-1]))
    return found


def _numbered(*partition: Any) -> Select[Any]:
    """Selects the prescriptions of some patients, numbered from the newest within each partition."""
    place = func.row_number().over(partition_by=partition, order_by=prescriptions.c.id.desc())
    return select(*_COLUMNS, place.label("place")).where(
        _MINE, prescriptions.c.patient_id.in_(bindparam("patient_ids", expanding=True))
    )


_newest = _numbered(prescriptions.c.patient_id, prescriptions.c.treatment_id).subquery()
_LATEST = sql(select(_newest).where(_newest.c.place == 1))


@cache
def _listing(members: frozenset[str], words: int) -> Statement:
    statement = select(*_COLUMNS).where(_MINE, prescriptions.c.id < bindparam("before"))
    for name in sorted(members):
        statement = statement.where(prescriptions.c[name] == bindparam(name))
    statement = matching_names(statement, prescriptions.c.patient_id, words)
    return sql(statement.order_by(prescriptions.c.id.desc()).limit(bindparam("rows")))


@cache
def _of_patients(members: frozenset[str]) -> Statement:
    numbered = _numbered(prescriptions.c.patient_id).where(prescriptions.c.id < bindparam("before"))
    for name in sorted(members):
        numbered = numbered.where(prescriptions.c[name] == bindparam(name))
    ranked = numbered.subquery()
    return sql(select(ranked).where(ranked.c.place <= bindparam("rows")).order_by(ranked.c.id.desc()))

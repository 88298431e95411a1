"""Lists of prescriptions, newest first: of an organization by any filter, and of many patients at once.

Each goes by an index that has its rows in order, or by those of a few patients, whose number it knows to be small.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, bindparam, case, func, literal_column, select

from rxauth.domain import patient_names
from rxauth.domain.paging import Page
from rxauth.domain.patient_names import Number, Sought
from rxauth.domain.prescriptions import ACTIVE, COLUMNS, EXPIRED, Prescription
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tenancy import Statement, sql

_MINE = prescriptions.c.organization_id == bindparam("organization_id")
_IS_ACTIVE = prescriptions.c.state == literal_column(f"'{ACTIVE}'")  # a literal, as in the index of what ends
_IS_OVER = prescriptions.c.expiration_date < bindparam("today")
_SHOWN_STATE = case((_IS_ACTIVE & _IS_OVER, EXPIRED), else_=prescriptions.c.state)


@dataclass(frozen=True, slots=True)
class PrescriptionFilter:
    """Which prescriptions; None leaves a member out. patient_name: the beginning of any words of the name.

    state: the one that they show on the day `today`, which is always given with it; see `today_anywhere`.
    """

    patient_id: str | None = None
    patient_name: str | None = None
    prescriber_id: str | None = None
    state: str | None = None
    today: str = ""


def search(
    transaction: Transaction, organization_id: str, wanted: PrescriptionFilter, page: Page
) -> list[Prescription]:
    """Lists prescriptions, newest first."""
    sought = None
    if wanted.patient_name is not None:
        ask_number = wanted.patient_id is None
        sought = patient_names.seek(transaction, organization_id, wanted.patient_name, ask_number=ask_number)
        if sought is None:
            return []
    members = {"patient_id": wanted.patient_id, **_members(wanted)}
    values = {name: value for name, value in members.items() if value is not None}
    shape = _shape(frozenset(values), sought)
    place = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    place |= {} if sought is None else sought.place
    found = [Prescription(*row) for row in transaction.all(_listing(shape, wanted.state), **place, **values)]
    if wanted.state != EXPIRED or shape.of_few:
        return found
    late = [Prescription(*row) for row in transaction.all(_late(shape), **place, **values)]
    return sorted([*found, *late], key=attrgetter("id"), reverse=True)[: page.rows]


def of_patients(
    transaction: Transaction, organization_id: str, patient_ids: Sequence[str], page: Page, wanted: PrescriptionFilter
) -> Mapping[str, list[Prescription]]:
    """Returns one page of prescriptions for each patient that has any, newest first; all in one statement."""
    values = {name: value for name, value in _members(wanted).items() if value is not None}
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


def _members(wanted: PrescriptionFilter) -> dict[str, str | None]:
    today = None if wanted.state is None else wanted.today
    return {"prescriber_id": wanted.prescriber_id, "state": wanted.state, "today": today}


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a statement depends on; words: of the name, if any; of_few: it is about few patients."""

    members: frozenset[str]
    words: int | None
    number: Number

    @property
    def of_few(self) -> bool:
        return self.number is Number.FEW or "patient_id" in self.members


def _shape(members: frozenset[str], sought: Sought | None) -> _Shape:
    if sought is None:
        return _Shape(members, None, Number.MANY)
    return _Shape(members, len(sought.words), sought.number or Number.MANY)


def _numbered(*partition: Any) -> Select[Any]:
    """Selects the prescriptions of some patients, numbered from the newest within each partition."""
    place = func.row_number().over(partition_by=partition, order_by=prescriptions.c.id.desc())
    return select(*COLUMNS, place.label("place")).where(
        _MINE, prescriptions.c.patient_id.in_(bindparam("patient_ids", expanding=True))
    )


_newest = _numbered(prescriptions.c.patient_id, prescriptions.c.treatment_id).subquery()
_LATEST = sql(select(_newest).where(_newest.c.place == 1))


@cache
def _of_patients(members: frozenset[str]) -> Statement:
    numbered = _numbered(prescriptions.c.patient_id).where(prescriptions.c.id < bindparam("before"))
    ranked = numbered.where(*_among_few(members)).subquery()
    return sql(select(ranked).where(ranked.c.place <= bindparam("rows")).order_by(ranked.c.id.desc()))


def _among_few(members: frozenset[str]) -> list[ColumnElement[bool]]:
    """Compares what no index is to be chosen for, since the patients' own one leads to fewer rows."""
    conditions = []
    if "prescriber_id" in members:
        conditions.append(prescriptions.c.prescriber_id.concat("") == bindparam("prescriber_id"))
    if "state" in members:
        conditions.append(bindparam("state") == _SHOWN_STATE)
    return conditions


@cache
def _listing(shape: _Shape, state: str | None) -> Statement:
    """Lists the prescriptions of a state: those that day has ended may still be stored as active."""
    listed = _found(shape).where(prescriptions.c.id < bindparam("before"))
    if "patient_id" in shape.members:
        listed = listed.where(prescriptions.c.patient_id == bindparam("patient_id"))
    if shape.of_few:
        return sql(_page(listed.where(*_among_few(shape.members)), patient_names.unordered(prescriptions.c.id)))
    if "prescriber_id" in shape.members:
        listed = listed.where(prescriptions.c.prescriber_id == bindparam("prescriber_id"))
    if state == ACTIVE:
        listed = listed.where(_IS_ACTIVE, ~_IS_OVER)
    elif state is not None:
        listed = listed.where(prescriptions.c.state == bindparam("state"))
    return sql(_page(listed, prescriptions.c.id))


@cache
def _late(shape: _Shape) -> Statement:
    """Lists what expired but is not stored so yet; the offset has those few found by their day, and then sorted."""
    before = prescriptions.c.id.concat("") < bindparam("before")
    late = _found(shape).where(_IS_ACTIVE, _IS_OVER, before, *_among_few(shape.members - {"state"}))
    found = late.offset(literal_column("0")).subquery()
    return sql(_page(select(found), found.c.id))


def _found(shape: _Shape) -> Select[Any]:
    found = select(*COLUMNS).where(_MINE)
    if shape.words is None:
        return found
    return patient_names.named(found, prescriptions.c.patient_id, shape.words, shape.number)


def _page(listed: Select[Any], id_column: ColumnElement[str]) -> Select[Any]:
    return listed.order_by(id_column.desc()).limit(bindparam("rows"))

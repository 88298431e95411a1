"""Lists of prescriptions: by patient, prescriber, state and name, newest first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, literal_column, or_, select, true, union_all

from rxauth.domain.paging import Page
from rxauth.domain.patients import matching_names, name_words, word_values
from rxauth.domain.prescriptions import ACTIVE, COLUMNS, EXPIRED, Prescription
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tenancy import Statement, sql

_MINE = prescriptions.c.organization_id == bindparam("organization_id")
_IS_OVER = prescriptions.c.expiration_date < bindparam("today")


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
    values = _values(wanted, "patient_id", "prescriber_id")
    words = [] if wanted.patient_name is None else name_words(wanted.patient_name)
    if wanted.patient_name is not None and not words:
        return []
    statement = _listing(frozenset(values), wanted.state, len(words))
    place = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    return [Prescription(*row) for row in transaction.all(statement, **place, **values, **word_values(words))]


def of_patients(
    transaction: Transaction, organization_id: str, patient_ids: Sequence[str], page: Page, wanted: PrescriptionFilter
) -> Mapping[str, list[Prescription]]:
    """Returns one page of prescriptions for each patient that has any, newest first; all in one statement."""
    values = _values(wanted, "prescriber_id")
    found: defaultdict[str, list[Prescription]] = defaultdict(list)
    place = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    statement = _of_patients(frozenset(values), wanted.state)
    for row in transaction.all(statement, patient_ids=patient_ids, **place, **values):
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
    return select(*COLUMNS, place.label("place")).where(
        _MINE, prescriptions.c.patient_id.in_(bindparam("patient_ids", expanding=True))
    )


_newest = _numbered(prescriptions.c.patient_id, prescriptions.c.treatment_id).subquery()
_LATEST = sql(select(_newest).where(_newest.c.place == 1))


def _values(wanted: PrescriptionFilter, *names: str) -> dict[str, str]:
    values = {name: value for name in names if (value := getattr(wanted, name)) is not None}
    return values | ({"today": wanted.today} if wanted.state in {ACTIVE, EXPIRED} else {})


def _in_state(state: str | None) -> list[tuple[ColumnElement[bool], ...]]:
    """Returns what each part of the prescriptions that show a state meets; what a day has just ended is not stored."""
    stored = prescriptions.c.state
    if state is None:
        return [()]
    if state == ACTIVE:
        return [(stored == ACTIVE, ~_IS_OVER)]
    if state == EXPIRED:
        return [(stored == EXPIRED,), (stored == literal_column(f"'{ACTIVE}'"), _IS_OVER)]  # as its index has it
    return [(stored == state,)]


def _equal(members: frozenset[str]) -> list[ColumnElement[bool]]:
    return [prescriptions.c[name] == bindparam(name) for name in sorted(members - {"today"})]


@cache
def _listing(members: frozenset[str], state: str | None, words: int) -> Statement:
    """Lists a page; each part of a state comes from an index of its own, in the order of the page."""
    parts = []
    for condition in _in_state(state):
        part = select(*COLUMNS).where(_MINE, prescriptions.c.id < bindparam("before"), *_equal(members), *condition)
        part = matching_names(part, prescriptions.c.patient_id, words)
        parts.append(part.order_by(prescriptions.c.id.desc()).limit(bindparam("rows")))
    if len(parts) == 1:
        return sql(parts[0])
    whole = union_all(*(select(part.subquery()) for part in parts)).subquery()
    return sql(select(whole).order_by(whole.c.id.desc()).limit(bindparam("rows")))


@cache
def _of_patients(members: frozenset[str], state: str | None) -> Statement:
    in_state = or_(*(and_(true(), *condition) for condition in _in_state(state)))
    numbered = _numbered(prescriptions.c.patient_id).where(
        prescriptions.c.id < bindparam("before"), *_equal(members), in_state
    )
    ranked = numbered.subquery()
    return sql(select(ranked).where(ranked.c.place <= bindparam("rows")).order_by(ranked.c.id.desc()))

"""Patients: who they are, and how they are found."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from rxauth.domain import patient_names
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.names import (
    Address,
    Name,
    read_address,
    require_address,
    require_name,
    require_text,
    stored_address,
)
from rxauth.domain.paging import Page
from rxauth.domain.patient_names import Number
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import patients
from rxauth.storage.tenancy import Statement, insert_row, sql

EARLIEST_BIRTH: Final = datetime.date(1880, 1, 1)
_MINE = patients.c.organization_id == bindparam("organization_id")
_INSERT = insert_row(patients)
_UPDATE = sql(
    update(patients)
    .where(patients.c.organization_id == bindparam("the_organization_id"), patients.c.id == bindparam("the_id"))
    .values(
        {
            column.name: bindparam(column.name)
            for column in patients.c
            if column.name not in {"id", "organization_id", "created_at_ms"}
        }
    )
)
_COLUMNS: Final = tuple(column for column in patients.c if column.name != "created_at_ms")
_ONE = sql(select(*_COLUMNS).where(_MINE, patients.c.id == bindparam("id")))
_LOCKED = sql(select(*_COLUMNS).where(_MINE, patients.c.id == bindparam("id")).with_for_update())
_BY_EXTERNAL_ID = sql(select(*_COLUMNS).where(_MINE, patients.c.external_id == bindparam("external_id")))
_NEWEST = sql(
    select(*_COLUMNS)
    .where(_MINE, patients.c.id < bindparam("before"))
    .order_by(patients.c.id.desc())
    .limit(bindparam("rows"))
)
_BY_IDS = sql(select(*_COLUMNS).where(_MINE, patients.c.id.in_(bindparam("ids", expanding=True))))


@dataclass(frozen=True, slots=True)
class Patient:
    """A patient of one organization; only its identifiers are printed.

    date_of_birth: YYYY-MM-DD. sex: MALE, FEMALE or UNKNOWN. phone: E.164.
    """

    id: str
    organization_id: str
    external_id: str | None = field(repr=False)
    name: Name = field(repr=False)
    date_of_birth: str = field(repr=False)
    sex: str = field(repr=False)
    gender: str | None = field(repr=False)
    email: str | None = field(repr=False)
    phone: str = field(repr=False)
    address: Address | None = field(repr=False)


def create(transaction: Transaction, patient: Patient, now_ms: int) -> None:
    """Adds a patient.

    Raises:
        InvalidError: a value that no patient has.
        ExistsError: the organization has a patient of that externalId.
    """
    _check(transaction, patient, now_ms)
    transaction.run(_INSERT, **_values(patient), created_at_ms=now_ms)
    patient_names.store(transaction, patient.organization_id, patient.id, patient.name)


def save(transaction: Transaction, patient: Patient, now_ms: int) -> None:
    """Writes a patient that was read with `lock` in this transaction.

    Raises:
        InvalidError, ExistsError: as for `create`.
    """
    _check(transaction, patient, now_ms)
    values = _values(patient)
    owner = {"the_organization_id": values.pop("organization_id"), "the_id": values.pop("id")}
    transaction.run(_UPDATE, **owner, **values)
    patient_names.replace(transaction, patient.organization_id, patient.id, patient.name)


def find(transaction: Transaction, organization_id: str, reference: str) -> Patient | None:
    """Returns the patient of that identifier or, failing that, of that externalId; None if there is none."""
    row = transaction.first(_ONE, organization_id=organization_id, id=reference)
    if row is None:
        row = transaction.first(_BY_EXTERNAL_ID, organization_id=organization_id, external_id=reference)
    return None if row is None else _patient(row)


def lock(transaction: Transaction, organization_id: str, patient_id: str) -> Patient:
    """Returns a patient that nobody else can change until the transaction ends.

    Raises:
        AbsentError: the organization has no such patient.
    """
    row = transaction.first(_LOCKED, organization_id=organization_id, id=patient_id)
    if row is None:
        raise AbsentError("there is no such patient", "id")
    return _patient(row)


def by_ids(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, Patient]:
    """Returns the organization's patients among `ids`."""
    rows = transaction.all(_BY_IDS, organization_id=organization_id, ids=ids)
    return {row.id: _patient(row) for row in rows}


def search(transaction: Transaction, organization_id: str, name: str | None, page: Page) -> list[Patient]:
    """Lists patients, newest first; name: the beginning of any words of theirs, each of which must be found."""
    place = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    if name is None:
        return [_patient(row) for row in transaction.all(_NEWEST, **place)]
    sought = patient_names.seek(transaction, organization_id, name)
    if sought is not None and not sought.shape[1]:
        sought = patient_names.seek(transaction, organization_id, name, ask_number=True)
    if sought is None:
        return []
    words, by_start = sought.shape
    statement = _named(words, by_start) if by_start or sought.number is Number.FEW else _met(words)
    return [_patient(row) for row in transaction.all(statement, **place, **sought.values)]


@cache
def _named(words: int, by_start: bool) -> Statement:
    chosen = patient_names.newest(words, by_start).subquery()
    statement = select(*_COLUMNS).where(_MINE, patients.c.id == chosen.c.patient_id)
    return sql(statement.order_by(patients.c.id.desc()))


@cache
def _met(words: int) -> Statement:
    """Lists those of a beginning that is too short to lead to them, and that many have."""
    statement = select(*_COLUMNS).where(_MINE, patients.c.id < bindparam("before"))
    statement = patient_names.named(statement, patients.c.id, words, Number.MANY)
    return sql(statement.order_by(patients.c.id.desc()).limit(bindparam("rows")))


def _check(transaction: Transaction, patient: Patient, now_ms: int) -> None:
    require_name(patient.name, "name")
    require_address(patient.address, "address")
    for what, value in (("gender", patient.gender), ("email", patient.email), ("externalId", patient.external_id)):
        require_text(value, what)
    today = datetime.datetime.fromtimestamp(now_ms / 1000, datetime.UTC).date()
    # A birthday that has come somewhere on Earth is no mistake.
    if not EARLIEST_BIRTH <= datetime.date.fromisoformat(patient.date_of_birth) <= today + datetime.timedelta(days=1):
        raise InvalidError("dateOfBirth is in the future, or before 1880", "dateOfBirth")
    if patient.external_id is not None:
        row = transaction.first(
            _BY_EXTERNAL_ID, organization_id=patient.organization_id, external_id=patient.external_id
        )
        if row is not None and row.id != patient.id:
            raise ExistsError("another patient has this externalId", "externalId")


def _values(patient: Patient) -> dict[str, Any]:
    return {
        "id": patient.id,
        "organization_id": patient.organization_id,
        "external_id": patient.external_id,
        "title": patient.name.title,
        "first_name": patient.name.first,
        "middle_name": patient.name.middle,
        "last_name": patient.name.last,
        "date_of_birth": patient.date_of_birth,
        "sex": patient.sex,
        "gender": patient.gender,
        "email": patient.email,
        "phone": patient.phone,
        "address": stored_address(patient.address),
    }


def _patient(row: Any) -> Patient:
    return Patient(
        row.id,
        row.organization_id,
        row.external_id,
        Name(row.first_name, row.last_name, row.title, row.middle_name),
        row.date_of_birth,
        row.sex,
        row.gender,
        row.email,
        row.phone,
        read_address(row.address),
    )

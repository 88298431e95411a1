"""Patients: who they are, and how they are found."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, delete, select, update

from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.names import (
    Address,
    Name,
    after_prefix,
    read_address,
    require_address,
    require_name,
    require_text,
    search_words,
    stored_address,
)
from rxauth.domain.paging import Page
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import patient_names, patients
from rxauth.storage.tenancy import Statement, insert_row, sql

EARLIEST_BIRTH: Final = datetime.date(1880, 1, 1)
SEARCH_WORDS_LIMIT: Final = 5
_MINE = patients.c.organization_id == bindparam("organization_id")
_INSERT = insert_row(patients)
_INSERT_NAME = insert_row(patient_names)
_DELETE_NAMES = sql(
    delete(patient_names).where(
        patient_names.c.organization_id == bindparam("organization_id"),
        patient_names.c.patient_id == bindparam("patient_id"),
    )
)
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
    _index_name(transaction, patient)


def save(transaction: Transaction, patient: Patient, now_ms: int) -> None:
    """Writes a patient that was read with `lock` in this transaction.

    Raises:
        InvalidError, ExistsError: as for `create`.
    """
    _check(transaction, patient, now_ms)
    values = _values(patient)
    owner = {"the_organization_id": values.pop("organization_id"), "the_id": values.pop("id")}
    transaction.run(_UPDATE, **owner, **values)
    transaction.run(_DELETE_NAMES, organization_id=patient.organization_id, patient_id=patient.id)
    _index_name(transaction, patient)


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
    values: dict[str, Any] = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    words = [] if name is None else name_words(name)
    if name is not None and not words:
        return []
    values |= word_values(words)
    return [_patient(row) for row in transaction.all(_search(len(words)), **values)]


def name_words(name: str) -> list[str]:
    """Returns the words that a name is searched by."""
    return search_words(name)[:SEARCH_WORDS_LIMIT]


def word_values(words: Sequence[str]) -> dict[str, str]:
    """Returns the parameters that `matching_names` asks for."""
    values = {f"word_{number}": word for number, word in enumerate(words)}
    return values | {f"past_{number}": after_prefix(word) for number, word in enumerate(words)}


def matching_names(statement: Select[Any], patient_id: Any, words: int) -> Select[Any]:
    """Keeps the rows whose patient has, for each of so many words, a name that begins with it."""
    for number in range(words):
        found = select(patient_names.c.patient_id).where(
            patient_names.c.organization_id == bindparam("organization_id"),
            patient_names.c.word >= bindparam(f"word_{number}"),
            patient_names.c.word < bindparam(f"past_{number}"),
        )
        statement = statement.where(patient_id.in_(found))
    return statement


@cache
def _search(words: int) -> Statement:
    statement = select(*_COLUMNS).where(_MINE, patients.c.id < bindparam("before"))
    statement = matching_names(statement, patients.c.id, words)
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


def _index_name(transaction: Transaction, patient: Patient) -> None:
    name = patient.name
    words = search_words(" ".join(part for part in (name.first, name.middle, name.last) if part))
    owner = {"organization_id": patient.organization_id, "patient_id": patient.id}
    transaction.run_many(_INSERT_NAME, [{**owner, "word": word} for word in words])


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

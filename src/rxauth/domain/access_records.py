"""The access log: one record for each operation that touched patients, without a value of any (45 CFR 164.312(b))."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, select

from rxauth.crypto.sealing import derive
from rxauth.domain.errors import AbsentError
from rxauth.domain.paging import Page, first_of
from rxauth.ids import new_ulid
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access_log import access_record_patients, access_records
from rxauth.storage.tables.clinical import patients
from rxauth.storage.tenancy import Statement, insert_row, sql

DIGEST_BYTES: Final = 16  # of HMAC-SHA-256 (RFC 2104 §5): half the room in an index that only grows
NAME_LIMIT_CHARACTERS: Final = 100
_PURPOSE: Final = "patients in the access log"
_INSERT = insert_row(access_records)
_INSERT_PATIENT = insert_row(access_record_patients)
_COLUMNS: Final = tuple(column for column in access_records.c if column.name != "organization_id")
_OF_PATIENT = sql(
    select(*_COLUMNS)
    .join(
        access_record_patients,
        (access_record_patients.c.organization_id == access_records.c.organization_id)
        & (access_record_patients.c.record_id == access_records.c.id),
    )
    .where(
        access_record_patients.c.organization_id == bindparam("organization_id"),
        access_record_patients.c.patient == bindparam("patient"),
        access_record_patients.c.record_id < bindparam("before"),
    )
    .order_by(access_record_patients.c.record_id.desc())
    .limit(bindparam("rows"))
)
_OWNER = sql(
    select(patients.c.organization_id).where(patients.c.id == bindparam("id")),
    across_tenants="the operator names a patient by its identifier alone",
)


@dataclass(frozen=True, slots=True)
class Access:
    """One operation that is to be recorded. fields: names of root fields. codes: of its errors.

    operation None: the client gave it no name. patient_ids: whom it showed or changed.
    """

    at_ms: int
    organization_id: str
    actor_kind: str
    actor_id: str
    client_id: str
    token_id: str
    operation: str | None
    fields: tuple[str, ...]
    outcome: str
    codes: tuple[str, ...]
    network: str | None
    request_id: str
    patient_ids: frozenset[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An operation as the log has it. patients: how many it showed or changed."""

    id: str
    at_ms: int
    actor_kind: str
    actor_id: str
    client_id: str
    token_id: str
    operation: str | None
    fields: tuple[str, ...]
    outcome: str
    codes: tuple[str, ...]
    patients: int
    network: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Records as the tables take them; written again, they are the same ones."""

    records: list[dict[str, Any]]
    patients: list[dict[str, Any]]


def patients_key(sealing_key: bytes) -> bytes:
    """Returns the key of the digests of patients."""
    return derive(sealing_key, _PURPOSE)


def digest(key: bytes, organization_id: str, patient_id: str) -> bytes:
    """Returns what stands for a patient in the log; key: as `patients_key` returns it."""
    return hmac.digest(key, f"{organization_id} {patient_id}".encode(), hashlib.sha256)[:DIGEST_BYTES]


def rows(accesses: Sequence[Access], key: bytes) -> Rows:
    """Returns the rows of some operations; key: as `patients_key` returns it."""
    made = Rows([], [])
    for one in accesses:
        record_id = new_ulid(one.at_ms)
        made.records.append(
            {
                "organization_id": one.organization_id,
                "id": record_id,
                "at_ms": one.at_ms,
                "actor_kind": one.actor_kind,
                "actor_id": one.actor_id,
                "client_id": one.client_id,
                "token_id": one.token_id,
                "operation": None if one.operation is None else one.operation[:NAME_LIMIT_CHARACTERS],
                "fields": " ".join(one.fields),
                "outcome": one.outcome,
                "codes": " ".join(one.codes),
                "patients": len(one.patient_ids),
                "network": one.network,
                "request_id": one.request_id,
            }
        )
        made.patients.extend(
            {
                "organization_id": one.organization_id,
                "patient": digest(key, one.organization_id, patient_id),
                "record_id": record_id,
            }
            for patient_id in one.patient_ids
        )
    return made


def add(transaction: Transaction, made: Rows) -> None:
    """Adds what `rows` made.

    Raises:
        ConflictError: it was added before.
    """
    transaction.run_many(_INSERT, made.records)
    transaction.run_many(_INSERT_PATIENT, made.patients)


def of_patient(transaction: Transaction, organization_id: str, patient: bytes, page: Page) -> list[Recorded]:
    """Lists the operations that showed or changed one patient, newest first; patient: its digest."""
    found = transaction.all(
        _OF_PATIENT, organization_id=organization_id, patient=patient, before=page.before, rows=page.rows
    )
    return [_recorded(row) for row in found]


def search(
    transaction: Transaction,
    organization_id: str,
    page: Page,
    *,
    actor_id: str | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
) -> list[Recorded]:
    """Lists operations, newest first: of one person or machine, at `since_ms` or later, before `until_ms`."""
    before = page.before if until_ms is None else min(page.before, first_of(until_ms))
    values = {} if actor_id is None else {"actor_id": actor_id}
    found = transaction.all(
        _search(by_actor=actor_id is not None),
        organization_id=organization_id,
        since="" if since_ms is None else first_of(since_ms),
        before=before,
        rows=page.rows,
        **values,
    )
    return [_recorded(row) for row in found]


def owner(transaction: Transaction, patient_id: str) -> str:
    """Returns the organization whose patient this is.

    Raises:
        AbsentError: nobody's.
    """
    row = transaction.first(_OWNER, id=patient_id)
    if row is None:
        raise AbsentError(f"there is no patient {patient_id}")
    return str(row.organization_id)


@cache
def _search(*, by_actor: bool) -> Statement:
    wanted = [
        access_records.c.organization_id == bindparam("organization_id"),
        access_records.c.id >= bindparam("since"),
        access_records.c.id < bindparam("before"),
    ]
    if by_actor:
        wanted.append(access_records.c.actor_id == bindparam("actor_id"))
    return sql(select(*_COLUMNS).where(*wanted).order_by(access_records.c.id.desc()).limit(bindparam("rows")))


def _recorded(row: Any) -> Recorded:
    values = row._asdict()
    return Recorded(**values | {name: tuple(values[name].split()) for name in ("fields", "codes")})

"""The outbox of webhooks: an event is written with the act that it tells of, and a delivery for each who wants it."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert

from rxauth.domain import patients, webhooks
from rxauth.domain.leases import WAITING
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.webhooks import Listener
from rxauth.ids import Kind, new_id, new_ulid
from rxauth.storage.database import Transaction
from rxauth.storage.tables.webhooks import webhook_deliveries, webhook_events
from rxauth.storage.tenancy import insert_row, sql

_INSERT_EVENT = insert_row(webhook_events)
_INSERT_DELIVERY = sql(
    insert(webhook_deliveries).values(
        {column.name: bindparam(column.name) for column in webhook_deliveries.c if column.name != "number"}
    )
)
Make = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened, to what, and when (UTC milliseconds). event: one of `webhooks.EVENTS`."""

    event: str
    subject: str
    at_ms: int


def emit(
    transaction: Transaction,
    organization_id: str,
    happened: Happening,
    data: Make,
    listeners: Sequence[Listener] | None = None,
) -> None:
    """Tells an organization's webhooks of an event, once the transaction is committed.

    The transaction has locked the row of the subject: so its events stay in order. data: makes the event's own part,
    and is asked only if somebody wants the event. listeners: the webhooks, if this transaction read them already.
    """
    known = webhooks.listeners(transaction, organization_id) if listeners is None else listeners
    wanting = [one.id for one in known if one.wants(happened.event)]
    if not wanting:
        return
    event_id, now = new_ulid(happened.at_ms), happened.at_ms // 1_000
    transaction.run(
        _INSERT_EVENT,
        id=event_id,
        organization_id=organization_id,
        type=happened.event,
        subject=happened.subject,
        body=_body(event_id, organization_id, happened, data()),
        created_at=now,
    )
    shared = {"organization_id": organization_id, "event_id": event_id, "subject": happened.subject, "state": WAITING}
    begun = {"attempts": 0, "failures": 0, "began_at": now, "next_attempt_at": now, "outcome": None, "settled_at": None}
    transaction.run_many(
        _INSERT_DELIVERY,
        [{"id": new_id(Kind.DELIVERY, happened.at_ms), "webhook_id": one, **shared, **begun} for one in wanting],
    )


def prescription_created(
    transaction: Transaction,
    organization_id: str,
    prescription: Prescription,
    now_ms: int,
    listeners: Sequence[Listener],
) -> None:
    """Tells of a prescription that was written and signed."""

    def data() -> Mapping[str, Any]:
        return {
            **_whose(transaction, organization_id, prescription),
            "dispenseQuantity": _number(prescription.dispense_quantity),
            "dispenseAsWritten": prescription.dispense_as_written,
            "dispenseUnit": prescription.dispense_unit,
            "fillsAllowed": prescription.fills_allowed,
            "refillsAllowed": prescription.refills_allowed,
            "daysSupply": prescription.days_supply,
            "instructions": prescription.instructions,
            "notes": prescription.notes,
            "effectiveDate": prescription.effective_date,
            "expirationDate": prescription.expiration_date,
            "prescriberId": prescription.prescriber_id,
            # The one name of the older receivers, the other of the newer ones.
            "medicationId": prescription.treatment_id,
            "treatmentId": prescription.treatment_id,
        }

    happened = Happening("photon:prescription:created", prescription.id, now_ms)
    emit(transaction, organization_id, happened, data, listeners)


def prescription_canceled(
    transaction: Transaction, organization_id: str, prescription: Prescription, now_ms: int
) -> None:
    """Tells of a prescription that was canceled."""

    def data() -> Mapping[str, Any]:
        return _whose(transaction, organization_id, prescription)

    happened = Happening("photon:prescription:canceled", prescription.id, now_ms)
    emit(transaction, organization_id, happened, data)


def _whose(transaction: Transaction, organization_id: str, prescription: Prescription) -> dict[str, Any]:
    """Returns what every event of a prescription has."""
    patient = patients.by_ids(transaction, organization_id, [prescription.patient_id])[prescription.patient_id]
    return {
        **_named(prescription.id, prescription.external_id),
        "patient": _named(patient.id, patient.external_id),
    }


def _named(record_id: str, external_id: str | None) -> dict[str, str]:
    return {"id": record_id} if external_id is None else {"id": record_id, "externalId": external_id}


def _body(event_id: str, organization_id: str, happened: Happening, data: Mapping[str, Any]) -> bytes:
    """Returns a CloudEvent 1.0, in the bytes of JSON.stringify: published verifiers write it anew to check it."""
    seconds, milliseconds = divmod(happened.at_ms, 1_000)
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(microsecond=milliseconds * 1_000)
    return msgspec.json.encode(
        {
            "id": event_id,
            "type": happened.event,
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "subject": happened.subject,
            "source": f"org:{organization_id}",
            "data": data,
        }
    )


def _number(value: float) -> float:
    """Returns a number as JavaScript writes it: 30, not 30.0."""
    return int(value) if value.is_integer() else value

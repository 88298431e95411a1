"""What webhooks hear of prescriptions."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from rxauth.domain import patients
from rxauth.domain.patients import Patient
from rxauth.domain.prescriptions import Prescription
from rxauth.domain.webhook_outbox import Happening, emit, emit_all, named
from rxauth.domain.webhooks import Listener
from rxauth.storage.database import Transaction


def created(
    transaction: Transaction,
    organization_id: str,
    prescription: Prescription,
    now_ms: int,
    listeners: Sequence[Listener],
) -> None:
    """Tells of a prescription that was written and signed."""

    def data() -> Mapping[str, Any]:
        [patient] = patients.by_ids(transaction, organization_id, [prescription.patient_id]).values()
        return {
            **_whose(prescription, patient),
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


def canceled(transaction: Transaction, organization_id: str, prescription: Prescription, now_ms: int) -> None:
    """Tells of a prescription that was canceled."""
    _tell(transaction, organization_id, "photon:prescription:canceled", [prescription], now_ms)


def depleted(transaction: Transaction, organization_id: str, found: Sequence[Prescription], now_ms: int) -> None:
    """Tells of prescriptions whose last fill was ordered."""
    _tell(transaction, organization_id, "photon:prescription:depleted", found, now_ms)


def active(transaction: Transaction, organization_id: str, found: Sequence[Prescription], now_ms: int) -> None:
    """Tells of prescriptions that have a fill again."""
    _tell(transaction, organization_id, "photon:prescription:active", found, now_ms)


def expired(transaction: Transaction, organization_id: str, found: Sequence[Prescription], now_ms: int) -> None:
    """Tells of prescriptions whose last day is over."""
    _tell(transaction, organization_id, "photon:prescription:expired", found, now_ms)


def _tell(
    transaction: Transaction, organization_id: str, event: str, found: Sequence[Prescription], now_ms: int
) -> None:
    @cache
    def known() -> Mapping[str, Patient]:
        return patients.by_ids(transaction, organization_id, list({one.patient_id for one in found}))

    def of(one: Prescription) -> Callable[[], Mapping[str, Any]]:
        return lambda: _whose(one, known()[one.patient_id])

    emit_all(transaction, organization_id, [(Happening(event, one.id, now_ms), of(one)) for one in found])


def _whose(prescription: Prescription, patient: Patient) -> dict[str, Any]:
    """Returns what every event of a prescription has."""
    return {
        **named(prescription.id, prescription.external_id),
        "patient": named(patient.id, patient.external_id),
    }


def _number(value: float) -> float:
    """Returns a number as JavaScript writes it: 30, not 30.0."""
    return int(value) if value.is_integer() else value

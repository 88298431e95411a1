"""What is known of a patient beside who they are: allergies, medications they take, pharmacies they prefer."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import bindparam, delete, func, select

from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.names import require_text
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import allergens, pharmacies, treatments
from rxauth.storage.tables.clinical import patient_allergies, patient_medications, patient_pharmacies
from rxauth.storage.tenancy import insert_row, sql

ENTRIES_LIMIT = 200
_INSERT_ALLERGY = insert_row(patient_allergies)
_INSERT_MEDICATION = insert_row(patient_medications)
_INSERT_PHARMACY = insert_row(patient_pharmacies)
_ALLERGIES = sql(
    select(
        patient_allergies.c.patient_id,
        patient_allergies.c.allergen_id,
        patient_allergies.c.comment,
        patient_allergies.c.onset,
    )
    .where(
        patient_allergies.c.organization_id == bindparam("organization_id"),
        patient_allergies.c.patient_id.in_(bindparam("patient_ids", expanding=True)),
    )
    .order_by(patient_allergies.c.allergen_id)
)
_MEDICATIONS = sql(
    select(
        patient_medications.c.patient_id,
        patient_medications.c.treatment_id,
        patient_medications.c.active,
        patient_medications.c.comment,
    )
    .where(
        patient_medications.c.organization_id == bindparam("organization_id"),
        patient_medications.c.patient_id.in_(bindparam("patient_ids", expanding=True)),
    )
    .order_by(patient_medications.c.treatment_id)
)
_PHARMACIES = sql(
    select(patient_pharmacies.c.patient_id, patient_pharmacies.c.pharmacy_id, patient_pharmacies.c.position)
    .where(
        patient_pharmacies.c.organization_id == bindparam("organization_id"),
        patient_pharmacies.c.patient_id.in_(bindparam("patient_ids", expanding=True)),
    )
    .order_by(patient_pharmacies.c.position, patient_pharmacies.c.pharmacy_id)
)
_KNOWN_ALLERGENS = sql(select(func.count()).where(allergens.c.id.in_(bindparam("ids", expanding=True))))
_KNOWN_TREATMENTS = sql(select(func.count()).where(treatments.c.id.in_(bindparam("ids", expanding=True))))
_KNOWN_PHARMACIES = sql(select(func.count()).where(pharmacies.c.id.in_(bindparam("ids", expanding=True))))
_DELETE_ALLERGY = sql(
    delete(patient_allergies).where(
        patient_allergies.c.organization_id == bindparam("organization_id"),
        patient_allergies.c.patient_id == bindparam("patient_id"),
        patient_allergies.c.allergen_id == bindparam("allergen_id"),
    )
)
_DELETE_PHARMACY = sql(
    delete(patient_pharmacies).where(
        patient_pharmacies.c.organization_id == bindparam("organization_id"),
        patient_pharmacies.c.patient_id == bindparam("patient_id"),
        patient_pharmacies.c.pharmacy_id == bindparam("pharmacy_id"),
    )
)


@dataclass(frozen=True, slots=True)
class Allergy:
    """An allergy of a patient. onset: YYYY-MM-DD, None if nobody knows."""

    allergen_id: str
    comment: str | None = field(repr=False)
    onset: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class TakenMedication:
    """A treatment that a patient takes or took."""

    treatment_id: str
    active: bool
    comment: str | None = field(repr=False)


def add(
    transaction: Transaction,
    organization_id: str,
    patient_id: str,
    *,
    allergies: Sequence[Allergy] = (),
    medications: Sequence[TakenMedication] = (),
    pharmacy_ids: Sequence[str] = (),
) -> None:
    """Adds to a patient's history; a pharmacy that is preferred already stays where it is.

    Raises:
        AbsentError: there is no such allergen, treatment or pharmacy.
        ExistsError: an allergy or medication is on the patient already.
        InvalidError: too many entries, or a comment that is no text.
    """
    owner = {"organization_id": organization_id, "patient_id": patient_id}
    _add_allergies(transaction, owner, allergies)
    _add_medications(transaction, owner, medications)
    _add_pharmacies(transaction, owner, pharmacy_ids)


def remove_allergy(transaction: Transaction, organization_id: str, patient_id: str, allergen_id: str) -> None:
    """Takes an allergy off a patient.

    Raises:
        AbsentError: the patient does not have it.
    """
    owner = {"organization_id": organization_id, "patient_id": patient_id}
    if transaction.run(_DELETE_ALLERGY, **owner, allergen_id=allergen_id) == 0:
        raise AbsentError("the patient does not have this allergy", "allergenId")


def remove_pharmacy(transaction: Transaction, organization_id: str, patient_id: str, pharmacy_id: str) -> None:
    """Takes a pharmacy off those that a patient prefers.

    Raises:
        AbsentError: it was not among them.
    """
    owner = {"organization_id": organization_id, "patient_id": patient_id}
    if transaction.run(_DELETE_PHARMACY, **owner, pharmacy_id=pharmacy_id) == 0:
        raise AbsentError("the patient does not prefer this pharmacy", "pharmacyId")


def allergies_of(
    transaction: Transaction, organization_id: str, patient_ids: Sequence[str]
) -> Mapping[str, list[Allergy]]:
    """Returns the allergies of each patient that has any."""
    found: defaultdict[str, list[Allergy]] = defaultdict(list)
    for row in transaction.all(_ALLERGIES, organization_id=organization_id, patient_ids=patient_ids):
        found[row.patient_id].append(Allergy(row.allergen_id, row.comment, row.onset))
    return found


def medications_of(
    transaction: Transaction, organization_id: str, patient_ids: Sequence[str]
) -> Mapping[str, list[TakenMedication]]:
    """Returns the medications of each patient that takes any."""
    found: defaultdict[str, list[TakenMedication]] = defaultdict(list)
    for row in transaction.all(_MEDICATIONS, organization_id=organization_id, patient_ids=patient_ids):
        found[row.patient_id].append(TakenMedication(row.treatment_id, row.active, row.comment))
    return found


def preferred_pharmacies_of(
    transaction: Transaction, organization_id: str, patient_ids: Sequence[str]
) -> Mapping[str, list[str]]:
    """Returns, for each patient that prefers any, the identifiers of the pharmacies, the first preferred first."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in transaction.all(_PHARMACIES, organization_id=organization_id, patient_ids=patient_ids):
        found[row.patient_id].append(row.pharmacy_id)
    return found


def _add_allergies(transaction: Transaction, owner: Mapping[str, str], allergies: Sequence[Allergy]) -> None:
    if not allergies:
        return
    ids = [allergy.allergen_id for allergy in allergies]
    present = allergies_of(transaction, owner["organization_id"], [owner["patient_id"]]).get(owner["patient_id"], [])
    _require_new(ids, [allergy.allergen_id for allergy in present], "the allergy", "allergies")
    for allergy in allergies:
        require_text(allergy.comment, "allergies.comment")
    if transaction.first(_KNOWN_ALLERGENS, ids=ids)[0] != len(ids):
        raise AbsentError("there is no such allergen", "allergies")
    transaction.run_many(
        _INSERT_ALLERGY,
        [{**owner, "allergen_id": one.allergen_id, "comment": one.comment, "onset": one.onset} for one in allergies],
    )


def _add_medications(transaction: Transaction, owner: Mapping[str, str], taken: Sequence[TakenMedication]) -> None:
    if not taken:
        return
    ids = [medication.treatment_id for medication in taken]
    present = medications_of(transaction, owner["organization_id"], [owner["patient_id"]]).get(owner["patient_id"], [])
    _require_new(ids, [medication.treatment_id for medication in present], "the medication", "medicationHistory")
    for medication in taken:
        require_text(medication.comment, "medicationHistory.comment")
    if transaction.first(_KNOWN_TREATMENTS, ids=ids)[0] != len(ids):
        raise AbsentError("there is no such medication", "medicationHistory")
    transaction.run_many(
        _INSERT_MEDICATION,
        [{**owner, "treatment_id": one.treatment_id, "active": one.active, "comment": one.comment} for one in taken],
    )


def _add_pharmacies(transaction: Transaction, owner: Mapping[str, str], pharmacy_ids: Sequence[str]) -> None:
    if not pharmacy_ids:
        return
    ids = list(dict.fromkeys(pharmacy_ids))
    if transaction.first(_KNOWN_PHARMACIES, ids=ids)[0] != len(ids):
        raise AbsentError("there is no such pharmacy", "preferredPharmacies")
    asked = {"organization_id": owner["organization_id"], "patient_ids": [owner["patient_id"]]}
    before = {row.pharmacy_id: row.position for row in transaction.all(_PHARMACIES, **asked)}
    new = [pharmacy_id for pharmacy_id in ids if pharmacy_id not in before]
    place = max(before.values(), default=-1) + 1  # one that was taken away has left a gap
    if len(before) + len(new) > ENTRIES_LIMIT:
        raise InvalidError(f"a patient prefers at most {ENTRIES_LIMIT} pharmacies", "preferredPharmacies")
    transaction.run_many(
        _INSERT_PHARMACY,
        [{**owner, "pharmacy_id": pharmacy_id, "position": place + number} for number, pharmacy_id in enumerate(new)],
    )


def _require_new(ids: Sequence[str], present: Sequence[str], what: str, field: str) -> None:
    if set(ids) & set(present) or len(set(ids)) != len(ids):
        raise ExistsError(f"{what} already exists on patient", field)
    if len(ids) + len(present) > ENTRIES_LIMIT:
        raise InvalidError(f"a patient has at most {ENTRIES_LIMIT} entries of a kind", field)

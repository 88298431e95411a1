"""What the contract's input objects become."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from rxauth.domain.names import Address, Name
from rxauth.domain.orders import OrderFilter
from rxauth.domain.patient_history import Allergy
from rxauth.domain.prescription_lists import PrescriptionFilter


@dataclass(frozen=True, slots=True)
class NameFilter:
    """A part of a name; None: any."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class MedicationHistoryInput:
    """A medication or a piece of equipment that a patient takes: one of the two identifiers is given."""

    active: bool
    medication_id: str | None = None
    medical_equipment_id: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class PrescriptionInput:
    """A prescription to write; a template would fill in what is left out."""

    patient_id: str
    treatment_id: str | None = field(default=None, repr=False)
    template_id: str | None = None
    dispense_as_written: bool | None = field(default=None, repr=False)
    dispense_quantity: float | None = field(default=None, repr=False)
    dispense_unit: str | None = field(default=None, repr=False)
    refills_allowed: int | None = field(default=None, repr=False)
    fills_allowed: int | None = field(default=None, repr=False)
    days_supply: int | None = field(default=None, repr=False)
    instructions: str | None = field(default=None, repr=False)
    notes: str | None = field(default=None, repr=False)
    effective_date: str | None = field(default=None, repr=False)
    do_not_fill_before_date: str | None = field(default=None, repr=False)
    diagnoses: Sequence[str | None] | None = field(default=None, repr=False)
    external_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FillInput:
    """A fill to order: of a prescription, or of a treatment that needs none."""

    prescription_id: str | None = None
    treatment_id: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class TreatmentFilter:
    """Which drugs, products or packages. drug, product: what the product or package belongs to."""

    drug: str | None = None
    product: str | None = None
    code: str | None = None
    name: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class MedicationsFilter:
    """Which medications: one of the three is given."""

    drug: TreatmentFilter | None = None
    product: TreatmentFilter | None = None
    package: TreatmentFilter | None = None


@dataclass(frozen=True, slots=True)
class LatLongSearch:
    """A place, and how many miles around it."""

    latitude: float | None = None
    longitude: float | None = None
    radius: int | None = None


def _address(**values: Any) -> Address:
    return Address(**{"id": None, **values})


def _allergy(allergen_id: str, comment: str | None = None, onset: str | None = None) -> Allergy:
    return Allergy(allergen_id, comment, onset)


INPUTS: Final[Mapping[str, Callable[..., Any]]] = MappingProxyType(
    {
        "NameInput": Name,
        "AddressInput": _address,
        "AllergenFilter": NameFilter,
        "AllergenInput": _allergy,
        "DrugFilter": TreatmentFilter,
        "ProductFilter": TreatmentFilter,
        "PackageFilter": TreatmentFilter,
        "MedicationFilter": MedicationsFilter,
        "MedHistoryInput": MedicationHistoryInput,
        "LatLongSearch": LatLongSearch,
        "PatientFilter": NameFilter,
        "PatientOrderFilter": OrderFilter,
        "PatientPrescriptionFilter": PrescriptionFilter,
        "PrescriptionFilter": PrescriptionFilter,
        "OrderFilter": OrderFilter,
        "PrescriptionInput": PrescriptionInput,
        "FillInput": FillInput,
    }
)

"""Treatments: medications and medical equipment, the same for every organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select

from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import dispense_units, treatments
from rxauth.storage.tenancy import insert_row, sql

MEDICATION: Final = "Medication"
MEDICAL_EQUIPMENT: Final = "MedicalEquipment"
DRUG: Final = "DRUG"
PRODUCT: Final = "PRODUCT"
PACKAGE: Final = "PACKAGE"
CHOICES_LIMIT: Final = 100
INSERT_DISPENSE_UNIT: Final = insert_row(dispense_units)
COLUMNS: Final = tuple(column for column in treatments.c if column.name not in {"parent_id", "route_id"})
_BY_IDS = sql(select(*COLUMNS).where(treatments.c.id.in_(bindparam("ids", expanding=True))))
_BY_NAME: Final = (treatments.c.name, treatments.c.id)
_FORMS = sql(
    select(*COLUMNS).where(treatments.c.route_id == bindparam("route_id")).order_by(*_BY_NAME).limit(CHOICES_LIMIT)
)
_PARTS = sql(
    select(*COLUMNS)
    .where(treatments.c.parent_id == bindparam("parent_id"), treatments.c.concept == bindparam("concept"))
    .order_by(*_BY_NAME)
    .limit(CHOICES_LIMIT)
)
_DISPENSE_UNITS = sql(select(dispense_units.c.name).order_by(dispense_units.c.name))


@dataclass(frozen=True, slots=True)
class TreatmentCodes:
    """How other systems call a treatment; None: not known here."""

    rxcui: str | None = None
    product_ndc: str | None = None
    package_ndc: str | None = None
    sku: str | None = None
    hcpcs: str | None = None


@dataclass(frozen=True, slots=True)
class Treatment:
    """A medication or a piece of equipment; what concerns medications only is None for equipment."""

    id: str
    kind: str
    name: str
    description: str | None
    codes: TreatmentCodes
    type: str | None
    concept: str | None
    schedule: str | None
    brand_name: str | None
    generic_name: str | None
    strength: str | None
    form: str | None
    manufacturer: str | None

    @property
    def controlled(self) -> bool:
        """Whether the DEA schedules it."""
        return self.schedule is not None


@dataclass(frozen=True, slots=True)
class DispenseUnit:
    """A unit in which treatments are dispensed, such as Tablet."""

    name: str


def by_ids(transaction: Transaction, _organization_id: str, ids: Sequence[str]) -> Mapping[str, Treatment]:
    """Returns the treatments among `ids`."""
    return {row.id: read(row) for row in transaction.all(_BY_IDS, ids=ids)}


def units(transaction: Transaction) -> list[DispenseUnit]:
    """Lists the units in which treatments are dispensed."""
    return [DispenseUnit(row.name) for row in transaction.all(_DISPENSE_UNITS)]


def forms(transaction: Transaction, route_id: str) -> list[Treatment]:
    """Lists the drugs of a route, which differ in their form, by name."""
    return [read(row) for row in transaction.all(_FORMS, route_id=route_id)]


def products(transaction: Transaction, drug_id: str) -> list[Treatment]:
    """Lists the products of a drug by name."""
    return [read(row) for row in transaction.all(_PARTS, parent_id=drug_id, concept=PRODUCT)]


def packages(transaction: Transaction, product_id: str) -> list[Treatment]:
    """Lists the packages of a product by name."""
    return [read(row) for row in transaction.all(_PARTS, parent_id=product_id, concept=PACKAGE)]


def read(row: Any) -> Treatment:
    """Reads a row of `COLUMNS`."""
    return Treatment(
        row.id,
        row.kind,
        row.name,
        row.description,
        TreatmentCodes(**row.codes),
        row.medication_type,
        row.concept,
        row.schedule,
        row.brand_name,
        row.generic_name,
        row.strength,
        row.form,
        row.manufacturer,
    )

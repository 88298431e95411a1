"""Treatments: medications and medical equipment, the same for every organization."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from rxauth.domain.paging import Page
from rxauth.domain.text_search import contains, part
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import dispense_units, treatments
from rxauth.storage.tenancy import Statement, insert_row, sql

MEDICATION: Final = "Medication"
MEDICAL_EQUIPMENT: Final = "MedicalEquipment"
DRUG: Final = "DRUG"
PRODUCT: Final = "PRODUCT"
PACKAGE: Final = "PACKAGE"
CHOICES_LIMIT: Final = 100
INSERT: Final = insert_row(treatments)
INSERT_DISPENSE_UNIT: Final = insert_row(dispense_units)
_COLUMNS: Final = tuple(column for column in treatments.c if column.name not in {"parent_id", "route_id"})
_BY_IDS = sql(select(*_COLUMNS).where(treatments.c.id.in_(bindparam("ids", expanding=True))))
_UPDATE = sql(
    update(treatments)
    .where(treatments.c.id == bindparam("the_id"))
    .values({column.name: bindparam(column.name) for column in treatments.c if column.name != "id"})
)
_KNOWN = sql(select(treatments.c.id).where(treatments.c.id.in_(bindparam("ids", expanding=True))))
_BY_NAME: Final = (treatments.c.name, treatments.c.id)
_FORMS = sql(
    select(*_COLUMNS).where(treatments.c.route_id == bindparam("route_id")).order_by(*_BY_NAME).limit(CHOICES_LIMIT)
)
_PARTS = sql(
    select(*_COLUMNS)
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


@dataclass(frozen=True, slots=True)
class MedicationFilter:
    """Which medications; None leaves a member out. name is looked for anywhere in the name, without case.

    concept: DRUG, PRODUCT or PACKAGE. drug: the identifier of the drug that a product contains. product: that of the
    product that a package holds. code: an RxCUI or NDC.
    """

    concept: str | None = None
    name: str | None = None
    code: str | None = None
    type: str | None = None
    drug: str | None = None
    product: str | None = None


def by_ids(transaction: Transaction, _organization_id: str, ids: Sequence[str]) -> Mapping[str, Treatment]:
    """Returns the treatments among `ids`."""
    return {row.id: _treatment(row) for row in transaction.all(_BY_IDS, ids=ids)}


def medications(transaction: Transaction, wanted: MedicationFilter, page: Page) -> list[Treatment]:
    """Lists medications."""
    values = {
        name: value
        for name in ("concept", "name", "code", "type", "drug", "product")
        if (value := getattr(wanted, name)) is not None
    }
    return _list(transaction, MEDICATION, values, page)


def equipment(transaction: Transaction, name: str | None, page: Page) -> list[Treatment]:
    """Lists medical equipment."""
    return _list(transaction, MEDICAL_EQUIPMENT, {} if name is None else {"name": name}, page)


def units(transaction: Transaction) -> list[DispenseUnit]:
    """Lists the units in which treatments are dispensed."""
    return [DispenseUnit(row.name) for row in transaction.all(_DISPENSE_UNITS)]


def forms(transaction: Transaction, route_id: str) -> list[Treatment]:
    """Lists the drugs of a route, which differ in their form, by name."""
    return [_treatment(row) for row in transaction.all(_FORMS, route_id=route_id)]


def products(transaction: Transaction, drug_id: str) -> list[Treatment]:
    """Lists the products of a drug by name."""
    return [_treatment(row) for row in transaction.all(_PARTS, parent_id=drug_id, concept=PRODUCT)]


def packages(transaction: Transaction, product_id: str) -> list[Treatment]:
    """Lists the packages of a product by name."""
    return [_treatment(row) for row in transaction.all(_PARTS, parent_id=product_id, concept=PACKAGE)]


def keep(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds treatments, each in place of the one that had its identifier; none comes twice in `rows`."""
    known = {row.id for row in transaction.all(_KNOWN, ids=[row["id"] for row in rows])}
    transaction.run_many(INSERT, [row for row in rows if row["id"] not in known])
    changed = [{**row, "the_id": row["id"]} for row in rows if row["id"] in known]
    for row in changed:
        row.pop("id")
    transaction.run_many(_UPDATE, changed)


def _list(transaction: Transaction, kind: str, values: dict[str, Any], page: Page) -> list[Treatment]:
    if "name" in values:
        values["name"] = part(values["name"])
    statement = _listing(frozenset(values))
    rows = transaction.all(statement, kind=kind, before=page.before, rows=page.rows, **values)
    return [_treatment(row) for row in rows]


@cache
def _listing(members: frozenset[str]) -> Statement:
    statement = select(*_COLUMNS).where(treatments.c.kind == bindparam("kind"), treatments.c.id < bindparam("before"))
    if "concept" in members:
        statement = statement.where(treatments.c.concept == bindparam("concept"))
    if "name" in members:
        statement = statement.where(contains(treatments.c.name, "name"))
    if "code" in members:
        codes = (treatments.c.codes[code].as_string() for code in ("rxcui", "product_ndc", "package_ndc"))
        first, second, third = (code == bindparam("code") for code in codes)
        statement = statement.where(first | second | third)
    if "type" in members:
        statement = statement.where(treatments.c.medication_type == bindparam("type"))
    for parent in ("drug", "product"):
        if parent in members:
            statement = statement.where(treatments.c.parent_id == bindparam(parent))
    return sql(statement.order_by(treatments.c.id.desc()).limit(bindparam("rows")))


def _treatment(row: Any) -> Treatment:
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

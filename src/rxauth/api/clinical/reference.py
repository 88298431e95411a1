"""Reference data: treatments, allergens, dispense units, pharmacies."""

from typing import Any

from rxauth.api.clinical.inputs import LatLongSearch, MedicationsFilter, NameFilter, TreatmentFilter
from rxauth.api.context import Info
from rxauth.domain import allergens, medication_terms, pharmacies, pharmacy_search, places, treatment_search, treatments
from rxauth.domain.allergens import Allergen
from rxauth.domain.errors import InvalidError
from rxauth.domain.medication_terms import Term
from rxauth.domain.paging import page
from rxauth.domain.pharmacies import Pharmacy
from rxauth.domain.places import Circle
from rxauth.domain.treatment_search import MedicationFilter
from rxauth.domain.treatments import DispenseUnit, Treatment

CONCEPTS = {"drug": "DRUG", "product": "PRODUCT", "package": "PACKAGE"}


def search_allergens(_root: None, info: Info, filter: NameFilter | None = None) -> list[Allergen]:
    """Query.allergens."""
    return info.context.read(lambda tx: allergens.search(tx, None if filter is None else filter.name))


def dispense_units(_root: None, info: Info) -> list[DispenseUnit]:
    """Query.dispenseUnits."""
    return info.context.read(treatments.units)


def medications(
    _root: None,
    info: Info,
    filter: MedicationsFilter | None = None,
    after: str | None = None,
    first: int | None = None,
) -> list[Treatment]:
    """Query.medications: all of them, or drugs, products or packages by what is known of them."""
    wanted = _medication_filter(filter or MedicationsFilter())
    return info.context.read(lambda tx: treatment_search.medications(tx, wanted, page(after, first)))


def medication_concepts(_root: None, info: Info, name: str) -> list[Term]:
    """Query.medicationConcepts: by the beginning of any words of the name."""
    return info.context.read(lambda tx: medication_terms.concepts(tx, name))


def medication_strengths(_root: None, info: Info, id: str) -> list[Term]:
    """Query.medicationStrengths: those of a concept."""
    return info.context.read(lambda tx: medication_terms.strengths(tx, id))


def medication_routes(_root: None, info: Info, id: str) -> list[Term]:
    """Query.medicationRoutes: those of a strength."""
    return info.context.read(lambda tx: medication_terms.routes(tx, id))


def medication_forms(_root: None, info: Info, id: str) -> list[Treatment]:
    """Query.medicationForms: the drugs of a route."""
    return info.context.read(lambda tx: treatments.forms(tx, id))


def medication_products(_root: None, info: Info, id: str) -> list[Treatment]:
    """Query.medicationProducts: those of a drug."""
    return info.context.read(lambda tx: treatments.products(tx, id))


def medication_packages(_root: None, info: Info, id: str) -> list[Treatment]:
    """Query.medicationPackages: those of a product."""
    return info.context.read(lambda tx: treatments.packages(tx, id))


def medical_equipment(
    _root: None, info: Info, name: str | None = None, after: str | None = None, first: int | None = None
) -> list[Treatment]:
    """Query.medicalEquipment."""
    return info.context.read(lambda tx: treatment_search.equipment(tx, name, page(after, first)))


def pharmacy(_root: None, info: Info, id: str) -> Pharmacy | None:
    """Query.pharmacy."""
    return info.context.read(lambda tx: pharmacies.by_ids(tx, "", [id]).get(id))


def search_pharmacies(
    _root: None,
    info: Info,
    name: str | None = None,
    location: LatLongSearch | None = None,
    type: str | None = None,
    after: int | None = None,
    first: int | None = None,
) -> list[Pharmacy]:
    """Query.pharmacies: by name, or the nearest first around a place; `after` is an offset here."""
    rows = page(None, first).rows
    around = _circle(location)
    return info.context.read(
        lambda tx: pharmacy_search.search(
            tx, name=name, around=around, fulfillment_type=type, offset=after or 0, rows=rows
        )
    )


def treatment_kind(record: Any) -> str:
    """Names the object type of a treatment."""
    return str(record.kind)


def _medication_filter(wanted: MedicationsFilter) -> MedicationFilter:
    given = {name: one for name in CONCEPTS if isinstance(one := getattr(wanted, name), TreatmentFilter)}
    if len(given) > 1:
        raise InvalidError("a filter has one of drug, product and package", "filter")
    for name, one in given.items():
        return MedicationFilter(CONCEPTS[name], one.name, one.code, one.type, one.drug, one.product)
    return MedicationFilter()


def _circle(location: LatLongSearch | None) -> Circle | None:
    if location is None or (location.latitude is None and location.longitude is None):
        return None
    if location.latitude is None or location.longitude is None:
        raise InvalidError("a location has both latitude and longitude", "location")
    return places.circle(location.latitude, location.longitude, location.radius)

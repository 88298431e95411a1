"""Catalogs: the treatments that an organization prescribes often. Each organization has one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, delete, func, select

from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import treatments
from rxauth.storage.tables.catalogs import catalog_treatments, catalogs
from rxauth.storage.tenancy import insert_row, sql

TREATMENTS_LIMIT: Final = 500
_INSERT = insert_row(catalogs)
_MINE = catalogs.c.organization_id == bindparam("organization_id")
_ALL = sql(select(catalogs.c.id, catalogs.c.name).where(_MINE).order_by(catalogs.c.id))
_LOCKED = sql(select(catalogs.c.id, catalogs.c.name).where(_MINE, catalogs.c.id == bindparam("id")).with_for_update())
_INSERT_TREATMENT = insert_row(catalog_treatments)
_ITS_TREATMENTS = (
    catalog_treatments.c.organization_id == bindparam("organization_id"),
    catalog_treatments.c.catalog_id == bindparam("catalog_id"),
)
_COUNT = sql(select(func.count()).select_from(catalog_treatments).where(*_ITS_TREATMENTS))
_ONE_TREATMENT = (*_ITS_TREATMENTS, catalog_treatments.c.treatment_id == bindparam("treatment_id"))
_HAS_TREATMENT = sql(select(catalog_treatments.c.treatment_id).where(*_ONE_TREATMENT))
_DELETE_TREATMENT = sql(delete(catalog_treatments).where(*_ONE_TREATMENT))
_TREATMENTS = sql(
    select(catalog_treatments.c.catalog_id, catalog_treatments.c.treatment_id)
    .join(treatments, treatments.c.id == catalog_treatments.c.treatment_id)
    .where(
        catalog_treatments.c.organization_id == bindparam("organization_id"),
        catalog_treatments.c.catalog_id.in_(bindparam("catalog_ids", expanding=True)),
    )
    .order_by(treatments.c.name, treatments.c.id)
)


@dataclass(frozen=True, slots=True)
class Catalog:
    """A catalog of one organization."""

    id: str
    name: str


def create(transaction: Transaction, organization_id: str, name: str, now: int) -> Catalog:
    """Adds an empty catalog; now: UTC seconds."""
    catalog = Catalog(new_id(Kind.CATALOG, now * 1000), name)
    transaction.run(_INSERT, organization_id=organization_id, id=catalog.id, name=name)
    return catalog


def all_of_them(transaction: Transaction, organization_id: str) -> list[Catalog]:
    """Lists the organization's catalogs, oldest first."""
    return [Catalog(*row) for row in transaction.all(_ALL, organization_id=organization_id)]


def lock(transaction: Transaction, organization_id: str, catalog_id: str) -> Catalog:
    """Returns a catalog to which nobody else can add until the transaction ends.

    Raises:
        AbsentError: the organization has no such catalog.
    """
    row = transaction.first(_LOCKED, organization_id=organization_id, id=catalog_id)
    if row is None:
        raise AbsentError("there is no such catalog", "catalogId")
    return Catalog(*row)


def add_treatment(transaction: Transaction, organization_id: str, catalog_id: str, treatment_id: str) -> None:
    """Puts a treatment that exists into a catalog.

    Raises:
        AbsentError: the organization has no such catalog.
        ExistsError: the treatment is in it already.
        InvalidError: the catalog is full.
    """
    lock(transaction, organization_id, catalog_id)
    place = {"organization_id": organization_id, "catalog_id": catalog_id}
    if transaction.first(_HAS_TREATMENT, **place, treatment_id=treatment_id) is not None:
        raise ExistsError("the treatment is in the catalog already", "treatmentId")
    if transaction.first(_COUNT, **place)[0] >= TREATMENTS_LIMIT:
        raise InvalidError(f"a catalog has at most {TREATMENTS_LIMIT} treatments: remove one", "catalogId")
    transaction.run(_INSERT_TREATMENT, **place, treatment_id=treatment_id)


def remove_treatment(transaction: Transaction, organization_id: str, catalog_id: str, treatment_id: str) -> None:
    """Takes a treatment out of a catalog; templates for it stay.

    Raises:
        AbsentError: the organization has no such catalog, or the treatment is not in it.
    """
    lock(transaction, organization_id, catalog_id)
    place = {"organization_id": organization_id, "catalog_id": catalog_id}
    if transaction.run(_DELETE_TREATMENT, **place, treatment_id=treatment_id) == 0:
        raise AbsentError("the treatment is not in the catalog", "treatmentId")


def treatments_of(
    transaction: Transaction, organization_id: str, catalog_ids: Sequence[str]
) -> Mapping[str, list[str]]:
    """Returns, for each catalog that has any, the identifiers of its treatments, by name."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for row in transaction.all(_TREATMENTS, organization_id=organization_id, catalog_ids=catalog_ids):
        found[row.catalog_id].append(row.treatment_id)
    return found

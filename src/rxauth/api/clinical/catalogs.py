"""Catalogs and templates: read, and kept."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

from rxauth.api.clinical.meet import met_catalogs, met_templates, met_treatments
from rxauth.api.context import Context, Info
from rxauth.api.schema import Resolver
from rxauth.domain import catalogs, templates, treatments
from rxauth.domain.catalogs import Catalog
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.templates import Template
from rxauth.domain.treatments import Treatment
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction


def all_of_them(_root: None, info: Info) -> list[Catalog]:
    """Query.catalogs."""
    context = info.context
    found = context.read(lambda tx: catalogs.all_of_them(tx, context.organization_id))
    met_catalogs(context, found)
    return found


def catalog(_root: None, info: Info, id: str | None = None) -> Catalog | None:
    """Query.catalog: without an identifier, the organization's first."""
    return next((one for one in all_of_them(None, info) if id in {None, one.id}), None)


def template(_root: None, info: Info, id: str) -> Template | None:
    """Query.prescriptionTemplate."""
    context = info.context
    found = context.read(lambda tx: templates.seen(tx, context.organization_id, [id], context.user_id))
    met_templates(context, list(found.values()))
    return found.get(id)


def treatment(_root: None, info: Info, id: str) -> Treatment | None:
    """Query.treatment."""
    found: Treatment | None = info.context.get(treatments.by_ids, id)
    return found


def treatments_of(source: Catalog, info: Info) -> list[Treatment]:
    """Catalog.treatments."""
    context = info.context
    ids: list[str] = context.get(catalogs.treatments_of, source.id, meet=met_treatments) or []
    return [context.get(treatments.by_ids, treatment_id) for treatment_id in ids]


def templates_of(source: Catalog, info: Info) -> list[Template]:
    """Catalog.templates: those of everybody, and the person's own."""
    context = info.context
    return context.get(templates.of_catalogs, source.id, context.user_id, meet=met_templates) or []


def template_treatment(source: Template, info: Info) -> Treatment:
    """PrescriptionTemplate.treatment."""
    found: Treatment = info.context.get(treatments.by_ids, source.treatment_id)
    return found


def add_treatment(_root: None, info: Info, catalog_id: str, treatment_id: str) -> Treatment:
    """Mutation.addToCatalog."""
    context = info.context

    def work(transaction: Transaction) -> Treatment:
        found = _treatment(transaction, treatment_id)
        catalogs.add_treatment(transaction, context.organization_id, catalog_id, treatment_id)
        return found

    return context.write(work)


def remove_treatment(_root: None, info: Info, catalog_id: str, treatment_id: str) -> Treatment:
    """Mutation.removeFromCatalog."""
    context = info.context

    def work(transaction: Transaction) -> Treatment:
        found = _treatment(transaction, treatment_id)
        catalogs.remove_treatment(transaction, context.organization_id, catalog_id, treatment_id)
        return found

    return context.write(work)


def create_template(
    _root: None,
    info: Info,
    catalog_id: str,
    treatment_id: str,
    is_private: bool | None = None,
    refills_allowed: int | None = None,
    **values: Any,
) -> Template:
    """Mutation.createPrescriptionTemplate."""
    context = info.context
    now_ms = context.clock.milliseconds()
    owner_id = context.user_id if is_private else None
    if is_private and owner_id is None:
        raise InvalidError("isPrivate: a private template belongs to a person, and a machine is none", "isPrivate")
    fills_allowed = _fills_allowed(values.pop("fills_allowed", None), refills_allowed)
    new = Template(
        new_id(Kind.TEMPLATE, now_ms), catalog_id, owner_id, treatment_id, fills_allowed=fills_allowed, **values
    )

    def work(transaction: Transaction) -> None:
        _treatment(transaction, treatment_id)
        templates.create(transaction, context.organization_id, new, now_ms)

    context.write(work)
    met_templates(context, [new])
    return new


def update_template(_root: None, info: Info, catalog_id: str, template_id: str, **values: Any) -> Template:
    """Mutation.updatePrescriptionTemplate: what is not named stays; null takes a value away."""
    context = info.context

    def work(transaction: Transaction) -> Template:
        before = _locked(transaction, context, catalog_id, template_id)
        after = replace(before, **values)
        templates.save(transaction, context.organization_id, after)
        return after

    changed = context.write(work)
    met_templates(context, [changed])
    return changed


def delete_template(_root: None, info: Info, catalog_id: str, template_id: str) -> Template:
    """Mutation.deletePrescriptionTemplate: answers with what it said."""
    context = info.context

    def work(transaction: Transaction) -> Template:
        before = _locked(transaction, context, catalog_id, template_id)
        templates.remove(transaction, context.organization_id, template_id)
        return before

    removed = context.write(work)
    met_templates(context, [removed])
    return removed


def _locked(transaction: Transaction, context: Context, catalog_id: str, template_id: str) -> Template:
    return templates.lock(transaction, context.organization_id, catalog_id, template_id, context.user_id)


def _treatment(transaction: Transaction, treatment_id: str) -> Treatment:
    found = treatments.by_ids(transaction, "", [treatment_id]).get(treatment_id)
    if found is None:
        raise AbsentError("there is no such treatment", "treatmentId")
    return found


def _fills_allowed(fills_allowed: int | None, refills_allowed: int | None) -> int | None:
    if refills_allowed is None:
        return fills_allowed
    if fills_allowed not in {None, refills_allowed + 1}:
        raise InvalidError("refillsAllowed is one less than fillsAllowed", "refillsAllowed")
    return refills_allowed + 1


# Beside the contract of the published clients.
RESOLVERS: Final[Mapping[str, Mapping[str, Resolver]]] = MappingProxyType(
    {"Query": {"prescriptionTemplate": template, "treatment": treatment}}
)

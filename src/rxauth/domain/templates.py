"""Templates: what a prescription could say. None of them is one: somebody who may prescribe has to write it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, or_, select, update

from rxauth.domain import catalogs
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.names import require_text
from rxauth.domain.prescription_drafts import DAYS_SUPPLY_LIMIT, FILLS_LIMIT, QUANTITY_LIMIT, SIG_LIMIT_CHARACTERS
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalogs import prescription_templates
from rxauth.storage.tenancy import insert_row, sql

TEMPLATES_LIMIT: Final = 500
_NEVER_CHANGES: Final = frozenset({"id", "organization_id", "catalog_id", "owner_id", "treatment_id", "created_at_ms"})
_COLUMNS: Final = tuple(
    column for column in prescription_templates.c if column.name not in {"organization_id", "created_at_ms"}
)
_MINE = prescription_templates.c.organization_id == bindparam("organization_id")
_SEEN = or_(prescription_templates.c.owner_id.is_(None), prescription_templates.c.owner_id == bindparam("user_id"))
_ONE = select(*_COLUMNS).where(_MINE, _SEEN, prescription_templates.c.id == bindparam("id"))
_LOCKED = sql(_ONE.where(prescription_templates.c.catalog_id == bindparam("catalog_id")).with_for_update())
_SEEN_BY_IDS = sql(
    select(*_COLUMNS).where(_MINE, _SEEN, prescription_templates.c.id.in_(bindparam("ids", expanding=True)))
)
_OF_CATALOGS = sql(
    select(*_COLUMNS)
    .where(_MINE, _SEEN, prescription_templates.c.catalog_id.in_(bindparam("catalog_ids", expanding=True)))
    .order_by(prescription_templates.c.id)
)
_COUNT = sql(
    select(func.count())
    .select_from(prescription_templates)
    .where(_MINE, prescription_templates.c.catalog_id == bindparam("catalog_id"))
)
_INSERT = insert_row(prescription_templates)
_UPDATE = sql(
    update(prescription_templates)
    .where(
        prescription_templates.c.organization_id == bindparam("the_organization_id"),
        prescription_templates.c.id == bindparam("the_id"),
    )
    .values({one.name: bindparam(one.name) for one in prescription_templates.c if one.name not in _NEVER_CHANGES})
)
_DELETE = sql(delete(prescription_templates).where(_MINE, prescription_templates.c.id == bindparam("id")))


@dataclass(frozen=True, slots=True)
class Template:
    """A template. What is None is left to whoever prescribes; owner_id None: everybody in the organization uses it."""

    id: str
    catalog_id: str
    owner_id: str | None
    treatment_id: str = field(repr=False)
    name: str | None = field(default=None, repr=False)
    dispense_as_written: bool | None = field(default=None, repr=False)
    dispense_quantity: float | None = field(default=None, repr=False)
    dispense_unit: str | None = field(default=None, repr=False)
    fills_allowed: int | None = field(default=None, repr=False)
    days_supply: int | None = field(default=None, repr=False)
    instructions: str | None = field(default=None, repr=False)
    notes: str | None = field(default=None, repr=False)

    @property
    def is_private(self) -> bool:
        """Whether one person alone sees it."""
        return self.owner_id is not None


def create(transaction: Transaction, organization_id: str, template: Template, now_ms: int) -> None:
    """Adds a template for a treatment that exists.

    Raises:
        AbsentError: the organization has no such catalog.
        InvalidError: a value that no prescription has, or the catalog is full.
    """
    _check(template)
    catalogs.lock(transaction, organization_id, template.catalog_id)
    if transaction.first(_COUNT, organization_id=organization_id, catalog_id=template.catalog_id)[0] >= TEMPLATES_LIMIT:
        raise InvalidError(f"a catalog has at most {TEMPLATES_LIMIT} templates: delete one", "catalogId")
    transaction.run(_INSERT, organization_id=organization_id, created_at_ms=now_ms, **asdict(template))


def save(transaction: Transaction, organization_id: str, template: Template) -> None:
    """Writes a template that was read with `lock` in this transaction.

    Raises:
        InvalidError: a value that no prescription has.
    """
    _check(template)
    values = {name: value for name, value in asdict(template).items() if name not in _NEVER_CHANGES}
    transaction.run(_UPDATE, the_organization_id=organization_id, the_id=template.id, **values)


def remove(transaction: Transaction, organization_id: str, template_id: str) -> None:
    """Takes away a template that was read with `lock` in this transaction; what was prescribed from it stays."""
    transaction.run(_DELETE, organization_id=organization_id, id=template_id)


def seen(
    transaction: Transaction, organization_id: str, ids: Sequence[str], user_id: str | None
) -> Mapping[str, Template]:
    """Returns the templates among `ids` that a person sees; user_id None: a machine, which sees no private ones."""
    asked: dict[str, Any] = {"organization_id": organization_id, "ids": ids, "user_id": user_id}
    return {row.id: Template(*row) for row in transaction.all(_SEEN_BY_IDS, **asked)}


def lock(
    transaction: Transaction, organization_id: str, catalog_id: str, template_id: str, user_id: str | None
) -> Template:
    """Returns a template, which nobody else can change until the transaction ends; user_id: as for `seen`.

    Raises:
        AbsentError: there is none in that catalog that the person sees.
    """
    place = {"organization_id": organization_id, "catalog_id": catalog_id}
    row = transaction.first(_LOCKED, **place, id=template_id, user_id=user_id)
    if row is None:
        raise AbsentError("there is no such template", "templateId")
    return Template(*row)


def of_catalogs(
    transaction: Transaction, organization_id: str, catalog_ids: Sequence[str], user_id: str | None
) -> Mapping[str, list[Template]]:
    """Returns the templates that a person sees of each catalog that has any, oldest first; user_id: as for `seen`."""
    found: defaultdict[str, list[Template]] = defaultdict(list)
    asked: dict[str, Any] = {"organization_id": organization_id, "catalog_ids": catalog_ids, "user_id": user_id}
    for row in transaction.all(_OF_CATALOGS, **asked):
        found[row.catalog_id].append(Template(*row))
    return found


def _check(template: Template) -> None:
    quantity, fills, days = template.dispense_quantity, template.fills_allowed, template.days_supply
    if quantity is not None and not 0 < quantity <= QUANTITY_LIMIT:
        raise InvalidError(f"dispenseQuantity is more than 0, and at most {QUANTITY_LIMIT:.0f}", "dispenseQuantity")
    if fills is not None and not 1 <= fills <= FILLS_LIMIT:
        raise InvalidError(f"fillsAllowed is 1 to {FILLS_LIMIT}; refillsAllowed is one less", "fillsAllowed")
    if days is not None and not 1 <= days <= DAYS_SUPPLY_LIMIT:
        raise InvalidError(f"daysSupply is 1 to {DAYS_SUPPLY_LIMIT}", "daysSupply")
    for what, value in (("name", template.name), ("dispenseUnit", template.dispense_unit)):
        require_text(value, what)
    for what, value in (("instructions", template.instructions), ("notes", template.notes)):
        require_text(None if value is None else value.replace("\n", " "), what, SIG_LIMIT_CHARACTERS)

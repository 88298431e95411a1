"""Grounds: what the database has of that which drafts name, in one statement: each costs every prescription."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    ColumnElement,
    bindparam,
    cast,
    literal_column,
    null,
    select,
    union_all,
)

from rxauth.domain import token_families, webhooks
from rxauth.domain.names import Address, read_address
from rxauth.domain.prescription_drafts import Draft
from rxauth.domain.webhooks import Listener
from rxauth.policy.subjects import Caller, UserSubject, Wish
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import clients, organizations
from rxauth.storage.tables.catalog import dispense_units, treatments
from rxauth.storage.tables.clinical import patients
from rxauth.storage.tables.webhooks import webhooks as hooks
from rxauth.storage.tenancy import Statement, sql

_OWNER: Final[BindParameter[str]] = bindparam("organization_id")


@dataclass(frozen=True, slots=True)
class Grounds:
    """What is known of some drafts and of who asks. signing_max_age_s: as the organization's setting of that name.

    token_holds: nobody ended what the caller's token rests on. home_state: where patients without an address are; None:
    nobody says it. patients: the address of each. schedules: the DEA schedule of each treatment.
    """

    token_holds: bool
    signing_max_age_s: int | None
    home_state: str | None
    patients: Mapping[str, Address | None] = field(repr=False)
    schedules: Mapping[str, str | None] = field(repr=False)
    units: frozenset[str] = field(repr=False)
    listeners: tuple[Listener, ...]

    def wish(self, draft: Draft) -> Wish:
        """Returns what decides who may sign a draft; a patient without an address is where the organization is."""
        state = None
        if draft.patient_id in self.patients:
            address = self.patients[draft.patient_id]
            state = self.home_state if address is None else address.us_state
        return Wish(draft.patient_id, draft.treatment_id, state, self.schedules.get(draft.treatment_id))


def read(transaction: Transaction, caller: Caller, drafts: Sequence[Draft]) -> Grounds:
    """Reads what decides about some drafts, and whether the token of the person who asks still holds."""
    user_id = caller.subject.user_id if isinstance(caller.subject, UserSubject) else ""
    named = {
        f"{what}_{number}": value
        for number, one in enumerate(drafts)
        for what, value in (("patient", one.patient_id), ("treatment", one.treatment_id), ("unit", one.dispense_unit))
    }
    found: dict[str, list[Any]] = {
        kind: [] for kind in ("organization", "token", "patient", "treatment", "unit", "webhook")
    }
    for row in transaction.all(
        _statement(len(drafts)),
        organization_id=caller.organization_id,
        **token_families.basis(caller.family_id, caller.session_id, user_id, caller.client_id),
        **named,
    ):
        found[row.kind].append(row)
    [organization] = found["organization"]
    return Grounds(
        token_holds=bool(found["token"]),
        signing_max_age_s=organization.number,
        home_state=organization.word,
        patients={row.id: read_address(row.document) for row in found["patient"]},
        schedules={row.id: row.word for row in found["treatment"]},
        units=frozenset(row.id for row in found["unit"]),
        listeners=tuple(webhooks.listener(row.id, row.document) for row in found["webhook"]),
    )


@cache
def _statement(drafts: int) -> Statement:
    """Returns the statement for so many drafts: one branch for each table, whose rows say of which kind they are."""
    return sql(
        union_all(
            select(
                *_row("organization", organizations.c.id, organizations.c.home_state, organizations.c.signing_max_age_s)
            ).where(organizations.c.id == _OWNER),
            token_families.holding(*_row("token", token_families.ID)),
            select(*_row("patient", patients.c.id, document=patients.c.address)).where(
                patients.c.organization_id == _OWNER, _one_of(patients.c.id, "patient", drafts)
            ),
            select(*_row("treatment", treatments.c.id, treatments.c.schedule)).where(
                _one_of(treatments.c.id, "treatment", drafts)
            ),
            select(*_row("unit", dispense_units.c.name)).where(_one_of(dispense_units.c.name, "unit", drafts)),
            select(*_row("webhook", hooks.c.id, document=hooks.c.filters)).where(
                hooks.c.organization_id == _OWNER, hooks.c.deleted_at.is_(None)
            ),
        ),
        across_tenants="a client may serve the people of any organization",
        only=[clients],
    )


def _row(
    kind: str,
    row_id: ColumnElement[Any],
    word: ColumnElement[Any] | None = None,
    number: ColumnElement[Any] | None = None,
    document: ColumnElement[Any] | None = None,
) -> tuple[ColumnElement[Any], ...]:
    """Returns the columns that every branch has; those that a kind does not use are null."""
    return (
        literal_column(f"'{kind}'").label("kind"),
        row_id.label("id"),
        (null() if word is None else word).label("word"),
        (cast(null(), BigInteger) if number is None else number).label("number"),
        (cast(null(), JSON) if document is None else document).label("document"),
    )


def _one_of(column: ColumnElement[Any], what: str, drafts: int) -> ColumnElement[bool]:
    return column.in_([bindparam(f"{what}_{number}") for number in range(drafts)])

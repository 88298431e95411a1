"""Screening: reads what is known of a patient and of drafted treatments, and has it checked."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, func, select

from rxauth.domain import allergens, diagnoses, ingredients, patient_history
from rxauth.domain.diagnoses import written_code
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.prescription_drafts import SIG_LIMIT_CHARACTERS
from rxauth.domain.prescriptions import today_anywhere
from rxauth.domain.screening_alerts import Alert, Allergen, Drafted, Entity, EntityKind, Existing, Facts, Substance
from rxauth.domain.screening_checks import screen
from rxauth.domain.treatments import MEDICATION
from rxauth.storage.database import Transaction
from rxauth.storage.tables.catalog import treatments
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tenancy import sql

DRAFTS_LIMIT: Final = 50
CONDITIONS_LIMIT: Final = 50
CODE_LIMIT_CHARACTERS: Final = 20
EXISTING_LIMIT: Final = 200
_EXISTING = sql(
    select(
        prescriptions.c.id,
        prescriptions.c.treatment_id,
        prescriptions.c.effective_date,
        prescriptions.c.days_supply,
        prescriptions.c.fills_allowed,
        prescriptions.c.fills_remaining,
    )
    .where(
        prescriptions.c.organization_id == bindparam("organization_id"),
        prescriptions.c.patient_id == bindparam("patient"),
        prescriptions.c.state.in_(["ACTIVE", "DEPLETED"]),
        prescriptions.c.expiration_date >= bindparam("today"),
    )
    .order_by(prescriptions.c.id.desc())
    .limit(EXISTING_LIMIT + 1)
)
_parent = treatments.alias("parent")
_SUBSTANCES = sql(
    select(
        treatments.c.id,
        treatments.c.name,
        treatments.c.kind,
        treatments.c.form,
        func.coalesce(_parent.c.parent_id, treatments.c.parent_id, treatments.c.id).label("drug_id"),
    )
    .outerjoin(_parent, _parent.c.id == treatments.c.parent_id)
    .where(treatments.c.id.in_(bindparam("ids", expanding=True)))
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A prescription that somebody thinks of, as they say it. prescription_id: it is written already, under this."""

    treatment_id: str = field(repr=False)
    prescription_id: str | None = None
    quantity: float | None = field(default=None, repr=False)
    unit: str | None = field(default=None, repr=False)
    days_supply: int | None = field(default=None, repr=False)
    instructions: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be screened, for a patient who is there.

    condition_codes: codes of ICD-10-CM; nothing is known here that they are compared with.
    """

    patient_id: str
    drafts: Sequence[Asked] = field(repr=False)
    condition_codes: Sequence[str] = field(default=(), repr=False)


def alerts(transaction: Transaction, organization_id: str, question: Question, now: int) -> list[Alert]:
    """Compares drafts with what is known of a patient; as many statements for fifty drafts as for one.

    now: UTC seconds.

    Raises:
        AbsentError: there is no such treatment. InvalidError: too many, or too long.
    """
    _require_sizes(question)
    drafts, patient_id, today = question.drafts, question.patient_id, today_anywhere(now)
    rows = transaction.all(_EXISTING, organization_id=organization_id, patient=patient_id, today=today)
    written = {one.prescription_id for one in drafts}
    others = [row for row in rows[:EXISTING_LIMIT] if row.id not in written and _may_last(row, today)]
    known = _substances(transaction, {one.treatment_id for one in drafts} | {row.treatment_id for row in others})
    facts = Facts(
        drafts=_drafted(drafts, known),
        existing=[Existing(row.id, known[row.treatment_id], row.fills_remaining > 0) for row in others],
        allergens=_allergens(transaction, organization_id, patient_id),
        conditions=_conditions(transaction, question.condition_codes),
        has_more=len(rows) > EXISTING_LIMIT,
    )
    return screen(facts)


def _require_sizes(question: Question) -> None:
    drafts, condition_codes = question.drafts, question.condition_codes
    if len(drafts) > DRAFTS_LIMIT:
        raise InvalidError(f"at most {DRAFTS_LIMIT} prescriptions are screened at once", "draftedPrescriptions")
    if len(condition_codes) > CONDITIONS_LIMIT:
        raise InvalidError(f"at most {CONDITIONS_LIMIT} diagnoses are taken at once", "diagnosisCodes")
    for place, code in enumerate(condition_codes):
        if len(code) > CODE_LIMIT_CHARACTERS:
            what = f"diagnosisCodes[{place}].code"
            raise InvalidError(f"{what} has more than {CODE_LIMIT_CHARACTERS} characters", what)
    for place, one in enumerate(drafts):
        for member, text in (("instructions", one.instructions), ("dispenseUnit", one.unit)):
            if text is not None and len(text) > SIG_LIMIT_CHARACTERS:
                what = f"draftedPrescriptions[{place}].{member}"
                raise InvalidError(f"{what} has more than {SIG_LIMIT_CHARACTERS} characters", what)


def _drafted(drafts: Sequence[Asked], known: Mapping[str, Substance]) -> list[Drafted]:
    found = []
    for place, one in enumerate(drafts):
        substance = known.get(one.treatment_id)
        if substance is None:
            what = f"draftedPrescriptions[{place}].treatment.id"
            raise AbsentError(f"{what}: there is no such treatment", what)
        found.append(Drafted(substance, one.quantity, one.unit, one.days_supply, one.instructions))
    return found


def _may_last(row: Any, today: str) -> bool:
    """Tells whether fills are left, or the days that all of them are for are not over."""
    if row.fills_remaining > 0:
        return True
    if row.days_supply is None:
        return False
    days = datetime.timedelta(days=row.days_supply * row.fills_allowed)
    return (datetime.date.fromisoformat(row.effective_date) + days).isoformat() >= today


def _substances(transaction: Transaction, ids: Iterable[str]) -> Mapping[str, Substance]:
    rows = transaction.all(_SUBSTANCES, ids=sorted(ids))
    contents = ingredients.of_treatments(transaction, [row.id for row in rows])
    return {
        row.id: Substance(
            row.id, row.name, row.drug_id, row.kind == MEDICATION, row.form, contents.get(row.id, frozenset())
        )
        for row in rows
    }


def _allergens(transaction: Transaction, organization_id: str, patient_id: str) -> list[Allergen]:
    recorded = patient_history.allergies_of(transaction, organization_id, [patient_id]).get(patient_id, [])
    ids = [one.allergen_id for one in recorded]
    contents = ingredients.of_allergens(transaction, ids)
    return [
        Allergen(one.id, one.name, contents.get(one.id, frozenset()))
        for one in allergens.by_ids(transaction, organization_id, ids).values()
    ]


def _conditions(transaction: Transaction, codes: Sequence[str]) -> list[Entity]:
    """Names the conditions that somebody gives; a code that is none is named by itself."""
    written = [written_code(code) or code for code in codes]
    known = diagnoses.by_codes(transaction, written) if written else {}
    names = {code: known[code].name if code in known else code for code in written}
    return [Entity(EntityKind.CONDITION, code, name) for code, name in names.items()]

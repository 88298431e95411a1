"""Drafts: what the contract's input says to prescribe, completed by a template. Nothing here signs anything."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeVar

from rxauth.api.clinical.inputs import PrescriptionInput
from rxauth.domain import diagnoses
from rxauth.domain.errors import AbsentError, DomainError, InvalidError
from rxauth.domain.prescription_drafts import Draft, DraftError
from rxauth.domain.signing import DRAFTS_LIMIT
from rxauth.domain.templates import Template

Value = TypeVar("Value")
_NOTHING: Final = Template("", "", None, "")  # a template that leaves everything to whoever prescribes


def drafts(given: Sequence[PrescriptionInput | None], templates: Mapping[str, Template]) -> list[Draft]:
    """Returns what several inputs say to prescribe.

    Raises:
        InvalidError: too many. DraftError: see there.
    """
    if len(given) > DRAFTS_LIMIT:
        raise InvalidError(f"at most {DRAFTS_LIMIT} prescriptions are written at once", "prescriptions")
    found = []
    for index, one in enumerate(given):
        try:
            if one is None:
                raise InvalidError("is null")
            found.append(draft(one, templates))
        except DomainError as error:
            raise DraftError(index, error) from None
    return found


def draft(one: PrescriptionInput, templates: Mapping[str, Template] | None = None) -> Draft:
    """Returns what an input says to prescribe; a template says what the input leaves out.

    templates: those that the person sees, by identifier.

    Raises:
        InvalidError: naming what is missing, or contradicts something else.
        AbsentError: there is no such template or diagnosis.
    """
    template = _template(one, templates or {})
    return Draft(
        patient_id=one.patient_id,
        treatment_id=_treatment_id(one, template),
        dispense_quantity=_given("dispenseQuantity", one.dispense_quantity, template.dispense_quantity),
        dispense_unit=_given("dispenseUnit", one.dispense_unit, template.dispense_unit),
        instructions=_given("instructions", one.instructions, template.instructions),
        fills_allowed=_fills_allowed(one, template),
        dispense_as_written=bool(_either(one.dispense_as_written, template.dispense_as_written)),
        days_supply=_either(one.days_supply, template.days_supply),
        notes=_either(one.notes, template.notes),
        effective_date=one.effective_date,
        do_not_fill_before_date=one.do_not_fill_before_date,
        external_id=one.external_id,
        diagnoses=diagnoses.named(one.diagnoses) if one.diagnoses else (),
    )


def _template(one: PrescriptionInput, templates: Mapping[str, Template]) -> Template:
    if one.template_id is None:
        return _NOTHING
    found = templates.get(one.template_id)
    if found is None:
        raise AbsentError("there is no such template", "templateId")
    return found


def _treatment_id(one: PrescriptionInput, template: Template) -> str:
    """Returns the treatment: what a template says of one treatment is never said of another."""
    if template is _NOTHING:
        return _given("treatmentId", one.treatment_id, None)
    if one.treatment_id not in {None, template.treatment_id}:
        raise InvalidError("treatmentId is not the template's: leave it out, or prescribe without it", "treatmentId")
    return template.treatment_id


def _either(value: Value | None, otherwise: Value | None) -> Value | None:
    return otherwise if value is None else value


def _given(name: str, value: Value | None, otherwise: Value | None) -> Value:
    found = _either(value, otherwise)
    if found is None:
        raise InvalidError(f"{name} is missing: neither the prescription nor a template says it", name)
    return found


def _fills_allowed(one: PrescriptionInput, template: Template) -> int:
    """Returns the first fill and the refills: either number says both."""
    if one.refills_allowed is None:
        found = _either(one.fills_allowed, template.fills_allowed)
        return 1 if found is None else found
    if one.fills_allowed not in {None, one.refills_allowed + 1}:
        raise InvalidError("fillsAllowed is one more than refillsAllowed: the first fill is no refill", "fillsAllowed")
    return one.refills_allowed + 1

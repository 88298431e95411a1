"""The settings' templates pages: what somebody may prescribe from, for everybody or for oneself."""

from collections.abc import Mapping
from typing import Any, Final

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings.catalog import KEEPERS, TREATMENT
from rxauth.edge.settings.fields import FieldError, Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

PATH: Final = f"{SETTINGS_PATH}/templates"
_ONE: Final = f"{PATH}/{{template_id}}"
_TEMPLATE: Final = f"""
fragment Template on PrescriptionTemplate {{
  id name isPrivate dispenseAsWritten dispenseQuantity dispenseUnit fillsAllowed daysSupply instructions notes
  treatment {{ ...Treatment }}
}}
{TREATMENT}"""
_MANY: Final = f"query Templates {{ catalog {{ id templates {{ ...Template }} }} }}{_TEMPLATE}"
_CHOOSE: Final = f"""
query Choose($name: String!, $isSearch: Boolean!) {{
  catalog {{ id treatments {{ ...Treatment }} }}
  medications(filter: {{drug: {{name: $name}}}}, first: 25) @include(if: $isSearch) {{ ...Treatment }}
  medicalEquipment(name: $name, first: 10) @include(if: $isSearch) {{ ...Treatment }}
}}
{TREATMENT}"""
_NEW: Final = f"""
query New($treatmentId: ID!) {{
  catalog {{ id }} treatment(id: $treatmentId) {{ ...Treatment }} dispenseUnits {{ name }}
}}
{TREATMENT}"""
_EDIT: Final = f"""
query Edit($id: ID!) {{ catalog {{ id }} prescriptionTemplate(id: $id) {{ ...Template }} dispenseUnits {{ name }} }}
{_TEMPLATE}"""
_VALUES: Final = """$name: String, $dispenseAsWritten: Boolean, $dispenseQuantity: Float, $dispenseUnit: String,
  $fillsAllowed: Int, $daysSupply: Int, $instructions: String, $notes: String"""
_GIVEN: Final = """name: $name, dispenseAsWritten: $dispenseAsWritten, dispenseQuantity: $dispenseQuantity,
    dispenseUnit: $dispenseUnit, fillsAllowed: $fillsAllowed, daysSupply: $daysSupply, instructions: $instructions,
    notes: $notes"""
_CREATE: Final = f"""
mutation Create($catalogId: ID!, $treatmentId: ID!, $isPrivate: Boolean, {_VALUES}) {{
  createPrescriptionTemplate(catalogId: $catalogId, treatmentId: $treatmentId, isPrivate: $isPrivate, {_GIVEN}) {{ id }}
}}
"""
_UPDATE: Final = f"""
mutation Update($catalogId: ID!, $templateId: ID!, {_VALUES}) {{
  updatePrescriptionTemplate(catalogId: $catalogId, templateId: $templateId, {_GIVEN}) {{ id }}
}}
"""
_DELETE: Final = """
mutation Delete($catalogId: ID!, $templateId: ID!) {
  deletePrescriptionTemplate(catalogId: $catalogId, templateId: $templateId) { id }
}
"""


def _searched(fields: Fields) -> Variables:
    name = fields.text("name")
    return {"name": name, "isSearch": bool(name)}


def _found(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns what can be chosen: what the search found, or else the catalog."""
    name = fields.optional("name")
    known = (data.get("catalog") or {}).get("treatments") or []
    found = [*data.get("medications", ()), *data.get("medicalEquipment", ())] if name else known[:100]
    return {"found": found, "looked_for": name}


def _treatment(fields: Fields) -> Variables:
    return {"treatmentId": fields.text("treatment")}


def _template(fields: Fields) -> Variables:
    return {"id": fields.text("template_id")}


def _values(fields: Fields) -> Variables:
    return {
        "name": fields.optional("name"),
        "dispenseAsWritten": fields.is_ticked("dispense_as_written"),
        "dispenseQuantity": _quantity(fields),
        "dispenseUnit": fields.optional("dispense_unit"),
        "fillsAllowed": fields.number("fills_allowed"),
        "daysSupply": fields.number("days_supply"),
        "instructions": _lines(fields, "instructions"),
        "notes": _lines(fields, "notes"),
    }


def _created(fields: Fields) -> Variables:
    place = {"catalogId": fields.text("catalog"), "treatmentId": fields.text("treatment")}
    return {**place, "isPrivate": fields.text("who") == "me", **_values(fields)}


def _kept(fields: Fields) -> Variables:
    return {"catalogId": fields.text("catalog"), "templateId": fields.text("template_id")}


def _updated(fields: Fields) -> Variables:
    return {**_kept(fields), **_values(fields)}


def _quantity(fields: Fields) -> float | None:
    text = fields.text("dispense_quantity").replace(",", ".")
    if not text:
        return None
    whole, _, part = text.partition(".")
    if not (whole + part).isascii() or not (whole + part).isdigit() or len(text) > 12:
        raise FieldError("dispense_quantity", "Write a number, such as 30 or 2.5.")
    return float(text)


def _lines(fields: Fields, name: str) -> str | None:
    """Returns a text of several lines as the API takes it."""
    text = fields.optional(name)
    return None if text is None else text.replace("\r\n", "\n")


def _shown(data: Data) -> object:
    return data["prescriptionTemplate"]


def _to_list(_data: Data, _fields: Fields) -> str:
    return PATH


SECTIONS: Final = (
    Section(path=PATH, tab="templates", template="settings_templates.html", query=_MANY, required="catalog"),
    Section(
        path=f"{PATH}/choose",
        tab="templates",
        template="settings_template_choose.html",
        query=_CHOOSE,
        opens=KEEPERS,
        variables=_searched,
        values=_found,
        required="catalog",
    ),
    Section(
        path=f"{PATH}/new/{{treatment}}",
        tab="templates",
        template="settings_template_new.html",
        query=_NEW,
        opens=KEEPERS,
        variables=_treatment,
        required="treatment",
        acts={"template-create": Act(_CREATE, _created, notice="The template was made.", leads_to=_to_list)},
    ),
    Section(
        path=_ONE,
        tab="templates",
        template="settings_template.html",
        query=_EDIT,
        opens=KEEPERS,
        variables=_template,
        required="prescriptionTemplate",
        acts={"template-update": Act(_UPDATE, _updated, notice="The template was changed.", rests_on=_shown)},
    ),
    Section(
        path=f"{_ONE}/delete",
        tab="templates",
        template="settings_template_delete.html",
        query=_EDIT,
        opens=KEEPERS,
        variables=_template,
        required="prescriptionTemplate",
        acts={"template-delete": Act(_DELETE, _kept, notice="The template was deleted.", leads_to=_to_list)},
    ),
)

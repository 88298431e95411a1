"""The settings' organization page: who the organization is."""

from typing import Final

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

_QUERY: Final = """
query Organization {
  organization { id name NPI email phone fax address { street1 street2 city state postalCode country } }
}
"""
_UPDATE: Final = """
mutation UpdateOrganization($input: OrganizationInput!) { updateOrganization(input: $input) { id } }
"""


def _input(fields: Fields) -> Variables:
    """Returns what the form says: an empty field takes away what there was."""
    others = {name: fields.optional(name) for name in ("email", "phone", "fax")}
    return {"input": {"name": fields.text("name"), "NPI": fields.optional("npi"), **others}}


def _shown(data: Data) -> object:
    return data["organization"]


SECTIONS: Final = (
    Section(
        path=f"{SETTINGS_PATH}/organization",
        tab="organization",
        template="settings_organization.html",
        query=_QUERY,
        opens=("read:organization",),
        required="organization",
        acts={"organization": Act(_UPDATE, _input, notice="The organization was changed.", rests_on=_shown)},
    ),
)

"""The settings' organization page: who the organization is, and what holds for it, with the ways to change each."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables
from rxauth.policy.permissions import BY_NAME

PATH: Final = f"{SETTINGS_PATH}/organization"
READ: Final = "read:organization"
MANAGE: Final = "manage:organization"
LACKING: Final = "organizationSettings { members membersWithoutSecondFactor membersWithoutPasskey }"
SETTINGS: Final = """
  organizationSettings {
    secondFactorRequired firstFactors emailDomains sessionIdleSeconds sessionLifetimeSeconds
    longestSessionIdleSeconds longestSessionLifetimeSeconds
    accentColor accentOnLight accentOnDark logo { path } version
  }
"""
_CONTACT_DATA: Final = """
  organization {
    id name NPI email phone fax address { street1 street2 city state postalCode country } version
  }
"""
_QUERY: Final = f"""
query Organization {{ {_CONTACT_DATA} {SETTINGS} {LACKING} providerRules {{ solo homeState signingMaxAgeSeconds }} }}
"""
_UPDATE: Final = """
mutation UpdateOrganization($input: OrganizationInput!) { updateOrganization(input: $input) { id } }
"""
# The fields of the form, and what the API calls them.
_CONTACT: Final[Mapping[str, str]] = MappingProxyType(
    {"name": "name", "npi": "NPI", "email": "email", "phone": "phone", "fax": "fax"}
)
_ADDRESS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "street1": "street1",
        "street2": "street2",
        "city": "city",
        "state": "state",
        "postal_code": "postalCode",
        "country": "country",
    }
)


def who_may(permission: str) -> str:
    """Returns the roles that have a permission, in words."""
    roles = sorted(role.value for role in BY_NAME[permission].roles)
    return " and ".join(role if role == "Staff" else f"{role}s" for role in roles)


def nothing_else(_data: Data, _fields: Fields) -> str:
    """Leads back to the page of the organization."""
    return PATH


def settings_version(data: Data) -> object:
    """Returns what a form that changes settings was filled in by."""
    return data["organizationSettings"]["version"]


def _input(fields: Fields) -> Variables:
    """Returns what was changed in the form: an empty field takes away what there was."""
    changed: dict[str, Any] = {
        sent: fields.optional(name) for name, sent in _CONTACT.items() if _is_changed(fields, name)
    }
    if any(_is_changed(fields, name) for name in _ADDRESS):
        typed = {sent: fields.text(name) for name, sent in _ADDRESS.items()}
        is_empty = not any(value for name, value in typed.items() if name != "country")
        changed["address"] = None if is_empty else typed | {"street2": fields.optional("street2")}
    return {"input": changed}


def _is_changed(fields: Fields, name: str) -> bool:
    return fields.text(name) != fields.text(f"was_{name}")


def _there(data: Data) -> Mapping[str, str]:
    """Returns what the form shows, by its fields."""
    organization = data["organization"]
    address = organization["address"] or {}
    there = {name: organization[sent] or "" for name, sent in _CONTACT.items()}
    return there | {name: address.get(sent) or "" for name, sent in _ADDRESS.items()}


def _values(data: Data, _fields: Fields) -> Mapping[str, Any]:
    return {"there": _there(data), "who_may": who_may(MANAGE)}


def _contact_values(data: Data, _fields: Fields) -> Mapping[str, Any]:
    there = _there(data)
    return {"there": there, "was": {f"was_{name}": value for name, value in there.items()}}


def _shown(data: Data) -> object:
    return data["organization"]["version"]


SECTIONS: Final = (
    Section(
        path=PATH,
        tab="organization",
        template="settings_organization.html",
        query=_QUERY,
        opens=(READ,),
        values=_values,
        required="organization",
    ),
    Section(
        path=f"{PATH}/contact",
        tab="organization",
        template="settings_organization_contact.html",
        query=f"query Contact {{ {_CONTACT_DATA} }}",
        opens=(MANAGE,),
        values=_contact_values,
        required="organization",
        acts={
            "organization": Act(
                _UPDATE, _input, notice="The organization was changed.", leads_to=nothing_else, rests_on=_shown
            )
        },
    ),
)

"""The settings' pages of e-mail domains: which are the organization's own, and where their people sign in."""

from typing import Final

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

PATH: Final = f"{SETTINGS_PATH}/domains"
_ONE_PATH: Final = f"{PATH}/{{domain_id}}"
_TAB: Final = "single_sign_on"
_READ: Final = ("read:connection",)
_MANAGE: Final = ("manage:connection",)
_DOMAIN: Final = """
  id name displayName state recordNames recordValue verifiedAt lookedAt missingSince connectionId
"""
_CONNECTIONS: Final = "connections { id displayName isEnabled }"
_LIST: Final = f"query Domains {{ domains {{ {_DOMAIN} }} {_CONNECTIONS} }}"
_ONE: Final = f"query Domain($id: ID!) {{ domain(id: $id) {{ {_DOMAIN} }} {_CONNECTIONS} }}"
_ADD: Final = "mutation AddDomain($name: String!) { addDomain(name: $name) { id } }"
_VERIFY: Final = "mutation VerifyDomain($id: ID!) { verifyDomain(id: $id) { id } }"
_LEAD: Final = """
mutation SetDomainConnection($id: ID!, $connectionId: ID) {
  setDomainConnection(id: $id, connectionId: $connectionId) { id }
}
"""
_REMOVE: Final = "mutation RemoveDomain($id: ID!) { removeDomain(id: $id) }"


def _id(fields: Fields) -> Variables:
    return {"id": fields.text("domain_id")}


def _name(fields: Fields) -> Variables:
    return {"name": fields.text("name")}


def _connection(fields: Fields) -> Variables:
    return {**_id(fields), "connectionId": fields.optional("connection_id")}


def _to_it(data: Data, _fields: Fields) -> str:
    return f"{PATH}/{data['addDomain']['id']}"


def _to_the_list(_data: Data, _fields: Fields) -> str:
    return PATH


SECTIONS: Final = (
    Section(PATH, _TAB, "settings_domains.html", _LIST, _READ),
    Section(
        path=f"{PATH}/new",
        tab=_TAB,
        template="settings_domain_new.html",
        query="query NewDomain { organization { id } }",
        opens=_MANAGE,
        acts={"add_domain": Act(_ADD, _name, "The domain was added. Publish its record, and verify it.", _to_it)},
    ),
    Section(
        path=_ONE_PATH,
        tab=_TAB,
        template="settings_domain.html",
        query=_ONE,
        opens=_READ,
        variables=_id,
        required="domain",
        acts={
            "verify_domain": Act(_VERIFY, _id, "The domain is verified.", is_repeatable=True),
            "lead_domain": Act(_LEAD, _connection, "From now on people of this domain sign in that way."),
            "remove_domain": Act(_REMOVE, _id, "The domain was removed.", _to_the_list),
        },
    ),
)

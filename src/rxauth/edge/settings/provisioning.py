"""The settings' pages of provisioning: how an identity provider sends people and groups here by SCIM."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from rxauth.api.management.callers import TWO_FACTORS
from rxauth.edge.settings.connection_new import PATH as CONNECTIONS_PATH
from rxauth.edge.settings.connection_new import TAB
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

PATH: Final = f"{CONNECTIONS_PATH}/provisioning"
ROWS: Final = 25
EVERYBODY: Final = "*"  # the group of everybody whom the provider sends
_READ: Final = ("read:connection",)
_MANAGE: Final = ("manage:connection",)
_SCIM: Final = """
  scim {
    baseUrl lastUsedAt users activeUsers joinedUsers invitedUsers waitingUsers groups
    groupRoles { group roles { id name } }
    tokens { id name state createdAt createdByName expiresAt lastUsedAt }
  }
"""
_OVERVIEW: Final = f"""
query Provisioning($after: ID) {{
  {_SCIM}
  scimGroups(first: {ROWS}, after: $after) {{ id name externalId members }}
}}
"""
_NEW: Final = f"query NewScimToken {{ {_SCIM} }}"
_CREATE: Final = """
mutation CreateScimToken($name: String!, $lifetimeDays: Int) {
  createScimToken(name: $name, lifetimeDays: $lifetimeDays) { id name token expiresAt }
}
"""
_REVOKE: Final = "mutation RevokeScimToken($id: ID!) { revokeScimToken(id: $id) { id } }"
_GROUP: Final = f"query ScimGroup {{ {_SCIM} mappableRoles {{ role {{ id name description }} refusal }} }}"
_GIVE: Final = """
mutation SetScimGroupRoles($group: String!, $roles: [ID!]!) {
  setScimGroupRoles(group: $group, roles: $roles) { group }
}
"""


def _page(fields: Fields) -> Variables:
    return {"after": fields.optional("after")}


def _listed(data: Data, _fields: Fields) -> Mapping[str, Any]:
    """Returns what each group that was sent gives, by its name and by what the provider calls it."""
    mapped = (data.get("scim") or {}).get("groupRoles", [])
    given = {one["group"]: [role["name"] for role in one["roles"]] for one in mapped}
    groups = data.get("scimGroups") or []
    return {"given": given, "after": groups[-1]["id"] if len(groups) == ROWS else None}


def _token(fields: Fields) -> Variables:
    return {"name": fields.text("name"), "lifetimeDays": fields.number("lifetime_days")}


def _token_id(fields: Fields) -> Variables:
    return {"id": fields.text("token_id")}


def _given(fields: Fields) -> Variables:
    return {"group": fields.text("group"), "roles": fields.all("roles")}


def _one_token(data: Data, fields: Fields) -> Mapping[str, Any]:
    tokens = (data.get("scim") or {}).get("tokens", [])
    return {"one": next((each for each in tokens if each["id"] == fields.text("token_id")), None)}


def _one_group(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns which group the page is about, what it gives, and what it could."""
    mappable = [one["role"] for one in data.get("mappableRoles") or [] if not one["refusal"]]
    mapped = (data.get("scim") or {}).get("groupRoles", [])
    group = fields.text("group")
    mine: list[Mapping[str, str]] = next((one["roles"] for one in mapped if one["group"] == group), [])
    choices = [(role["id"], role["name"], role["description"]) for role in mappable]
    return {"group": group, "ticked": [role["id"] for role in mine], "role_choices": choices}


def _to_the_overview(_data: Data, _fields: Fields) -> str:
    return PATH


def _shown(*names: str) -> Callable[[Data], Any]:
    return lambda data: [data["scim"][name] for name in names]


SECTIONS: Final = (
    Section(
        path=PATH,
        tab=TAB,
        template="settings_provisioning.html",
        query=_OVERVIEW,
        opens=_READ,
        variables=_page,
        values=_listed,
        required="scim",
    ),
    Section(
        path=f"{PATH}/token",
        tab=TAB,
        template="settings_provisioning_new.html",
        query=_NEW,
        opens=_MANAGE,
        required="scim",
        wanted=TWO_FACTORS,
        acts={"new_scim_token": Act(_CREATE, _token, page="settings_provisioning_token.html")},
    ),
    Section(
        path=f"{PATH}/group",
        tab=TAB,
        template="settings_provisioning_group.html",
        query=_GROUP,
        opens=_MANAGE,
        values=_one_group,
        required="scim",
        wanted=TWO_FACTORS,
        acts={
            "scim_group": Act(
                _GIVE,
                _given,
                "What the group gives was changed. People have it within a minute or two.",
                leads_to=_to_the_overview,
                rests_on=_shown("groupRoles"),
            )
        },
    ),
    Section(
        path=f"{PATH}/revoke",
        tab=TAB,
        template="settings_provisioning_revoke.html",
        query=_NEW,
        opens=_MANAGE,
        values=_one_token,
        required="scim",
        wanted=TWO_FACTORS,
        acts={
            "revoke_scim_token": Act(_REVOKE, _token_id, "The token was revoked.", leads_to=_to_the_overview),
        },
    ),
)

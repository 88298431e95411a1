"""The settings' pages of the machine client: its secrets, what it may do, and a try of the exchange."""

from collections.abc import Mapping
from typing import Any, Final

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings import activity_charts, exchanges
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

PATH: Final = f"{SETTINGS_PATH}/developers"
_SECRETS_SHOWN: Final = 10
_OPENS: Final = ("read:client",)
_FIELDS: Final = """
  id name state createdAt createdBy expiresAt revokedAt lastUsedAt tokensInLastDay
"""
_CLIENT: Final = f"""
query MachineClient($after: ID) {{
  machineClient {{
    id name isDisabled audience tokenLifetimeSeconds
    permissions {{ name meaning isGiven isPossible reason }}
    secrets(first: {_SECRETS_SHOWN}, after: $after) {{ {_FIELDS} }}
    tokenSeries(last: 30) {{ at issued refused }}
  }}
}}
"""
_BEFORE: Final = """
query BeforeNewSecret { machineClient { id secrets(first: 10) { id name state expiresAt lastUsedAt } } }
"""
_ONE: Final = f"""
query MachineSecret($id: ID!, $can_read_profile: Boolean!) {{
  machineSecret(id: $id) {{
    {_FIELDS}
    createdByName @include(if: $can_read_profile)
    client {{ id secrets(first: 10) {{ id name state }} }}
  }}
}}
"""
_PERMISSIONS: Final = """
query MachinePermissions {
  machineClient { id permissions { name meaning isGiven isDefault isPossible canBeGiven reason } }
}
"""
_TRY: Final = "query BeforeExchange { machineClient { id audience } }"
_CREATE: Final = "mutation CreateMachineClient($name: String!) { createMachineClient(name: $name) { id } }"
_MAKE: Final = """
mutation CreateMachineSecret($name: String!, $overlapSeconds: Int, $lifetimeDays: Int) {
  createMachineSecret(name: $name, overlapSeconds: $overlapSeconds, lifetimeDays: $lifetimeDays) {
    id name secret expiresAt
    client { id audience tokenLifetimeSeconds secrets(first: 10) { id name state expiresAt } }
  }
}
"""
_RENAME: Final = """
mutation RenameMachineSecret($id: ID!, $name: String!) { renameMachineSecret(id: $id, name: $name) { id } }
"""
_EXPIRE: Final = """
mutation SetMachineSecretExpiry($id: ID!, $lifetimeDays: Int) {
  setMachineSecretExpiry(id: $id, lifetimeDays: $lifetimeDays) { id }
}
"""
_REVOKE: Final = "mutation RevokeMachineSecret($id: ID!) { revokeMachineSecret(id: $id) { id } }"
_GIVE: Final = """
mutation SetMachinePermissions($permissions: [ID!]!) { setMachinePermissions(permissions: $permissions) { id } }
"""


def _named(fields: Fields) -> Variables:
    return {"name": fields.text("name")}


def _new_secret(fields: Fields) -> Variables:
    overlap, life = fields.number("overlap_seconds"), fields.number("lifetime_days")
    return {"name": fields.text("name"), "overlapSeconds": overlap, "lifetimeDays": life}


def _of_one(fields: Fields) -> Variables:
    return {"id": fields.text("secret_id")}


def _renamed(fields: Fields) -> Variables:
    return {**_of_one(fields), **_named(fields)}


def _expiring(fields: Fields) -> Variables:
    return {**_of_one(fields), "lifetimeDays": fields.number("lifetime_days")}


def _ticked(fields: Fields) -> Variables:
    return {"permissions": fields.all("permissions")}


def _given(data: Data) -> object:
    return [one["name"] for one in data["machineClient"]["permissions"] if one["isGiven"]]


def _is_full(data: Data, _fields: Fields) -> Mapping[str, Any]:
    """Says where the list of secrets goes on, if it may, and draws how many tokens there were."""
    client = data.get("machineClient")
    secrets = [] if client is None else client["secrets"]
    return {
        "next_after": secrets[-1]["id"] if len(secrets) == _SECRETS_SHOWN else None,
        "charts": ()
        if client is None
        else (activity_charts.tokens(client["tokenSeries"], "Tokens, the last 30 days"),),
    }


def _working(data: Data, _fields: Fields) -> Mapping[str, Any]:
    """Returns the secrets that work."""
    client = data.get("machineClient")
    return {"working": [] if client is None else [one for one in client["secrets"] if one["state"] == "WORKS"]}


def _others(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns the other secrets that work."""
    one = data.get("machineSecret")
    secrets = [] if one is None else one["client"]["secrets"]
    return {
        "others": [other for other in secrets if other["state"] == "WORKS" and other["id"] != fields.text("secret_id")]
    }


def _nothing_tried(_data: Data, _fields: Fields) -> Mapping[str, Any]:
    return {"tried": None}


SECTIONS: Final = (
    Section(
        path=PATH,
        tab="developers",
        template="settings_machine.html",
        query=_CLIENT,
        opens=_OPENS,
        variables=lambda fields: {"after": fields.optional("after")},
        values=_is_full,
        acts={"machine_create": Act(_CREATE, _named, notice="The machine client was made. Now make its first secret.")},
    ),
    Section(
        path=f"{PATH}/new-secret",
        tab="developers",
        template="settings_machine_new_secret.html",
        query=_BEFORE,
        opens=("update:client_keys",),
        values=_working,
        required="machineClient",
        acts={"secret_create": Act(_MAKE, _new_secret, page="settings_machine_secret_made.html")},
    ),
    Section(
        path=f"{PATH}/secrets/{{secret_id}}",
        tab="developers",
        template="settings_machine_secret.html",
        query=_ONE,
        opens=_OPENS,
        variables=_of_one,
        values=_others,
        required="machineSecret",
        acts={
            "secret_rename": Act(_RENAME, _renamed, notice="The secret has another name."),
            "secret_expiry": Act(_EXPIRE, _expiring, notice="The secret has another end."),
        },
    ),
    Section(
        path=f"{PATH}/secrets/{{secret_id}}/revoke",
        tab="developers",
        template="settings_machine_revoke.html",
        query=_ONE,
        opens=("update:client_keys",),
        variables=_of_one,
        values=_others,
        required="machineSecret",
        acts={
            "secret_revoke": Act(
                _REVOKE,
                _of_one,
                notice="The secret was revoked. Its tokens are refused from now on.",
                leads_to=lambda _data, _fields: PATH,
            )
        },
    ),
    Section(
        path=f"{PATH}/permissions",
        tab="developers",
        template="settings_machine_permissions.html",
        query=_PERMISSIONS,
        opens=("write:client",),
        required="machineClient",
        acts={
            "machine_permissions": Act(
                _GIVE,
                _ticked,
                notice="The permissions were changed. They hold from the next request on.",
                leads_to=lambda _data, _fields: PATH,
                rests_on=_given,
            )
        },
    ),
    Section(
        path=f"{PATH}/try",
        tab="developers",
        template="settings_machine_try.html",
        query=_TRY,
        opens=_OPENS,
        values=_nothing_tried,
        required="machineClient",
        runs={"machine_try": exchanges.attempt},
    ),
)

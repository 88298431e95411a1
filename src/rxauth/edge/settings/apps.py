"""The settings' pages of apps: what people sign in with, where they come back to, and the lines a developer needs."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

PATH: Final = f"{SETTINGS_PATH}/developers/apps"
_APP_PATH: Final = f"{PATH}/{{app_id}}"
_READ: Final = ("read:client",)
_WRITE: Final = ("write:client",)
_LIST: Final = """
query Apps { apps { id name appType redirectUrls thirdParty servesEverybody } }
"""
_NOTHING: Final = "query NewApp { __typename }"
_CREATE: Final = "mutation CreateApp($input: CreateAppInput!) { createApp(input: $input) { id } }"
_CREATE_AND_SHOW: Final = """
mutation CreateApp($input: CreateAppInput!) { createApp(input: $input) { id name secret } }
"""
_ONE: Final = """
query App($id: ID!) {
  app(id: $id) {
    id name appType redirectUrls logoutUrls webOrigins backchannelLogoutUri createdAt thirdParty servesEverybody
    peopleLately revision secrets { id createdAt expiresAt }
  }
  audiences { identifier isOwn }
}
"""
_CHANGE: Final = """
mutation ChangeApp($id: ID!, $input: UpdateAppInput!) { updateApp(id: $id, input: $input) { id } }
"""
_ROTATE: Final = "mutation NewAppSecret($id: ID!) { rotateSecret(id: $id) { id name secret } }"
_BEFORE_REMOVAL: Final = "query App($id: ID!) { app(id: $id) { id name peopleLately servesEverybody } }"
_REMOVE: Final = "mutation RemoveApp($id: ID!) { removeApp(id: $id) }"
_BEFORE_REVOCATION: Final = """
query App($id: ID!) { app(id: $id) { id name secrets { id createdAt expiresAt } } }
"""
_REVOKE: Final = """
mutation RevokeAppSecret($id: ID!, $secretId: ID!) { revokeAppSecret(id: $id, secretId: $secretId) { id } }
"""
# Where an app runs, by its type: the last part of the path of the form for a new one.
PLACES: Final = MappingProxyType({"spa": "browser", "native": "device", "regular_web": "server"})


def _id(fields: Fields) -> Variables:
    return {"id": fields.text("app_id")}


def _secret(fields: Fields) -> Variables:
    return {"id": fields.text("app_id"), "secretId": fields.text("secret_id")}


def _input(fields: Fields) -> dict[str, Any]:
    """Returns what the fields of the form say: a URL a line."""
    return {
        "name": fields.text("name"),
        "redirectUrls": fields.lines("redirect_urls"),
        "logoutUrls": fields.lines("logout_urls"),
        "webOrigins": fields.lines("web_origins"),
        "backchannelLogoutUri": fields.optional("backchannel_logout_uri"),
    }


def _change(fields: Fields) -> Variables:
    return {"id": fields.text("app_id"), "input": _input(fields)}


def _shown(data: Data) -> object:
    return data["app"]["revision"]


def _to_the_app(data: Data, _fields: Fields) -> str:
    return f"{PATH}/{data['createApp']['id']}"


def _to_app(_data: Data, fields: Fields) -> str:
    return f"{PATH}/{fields.text('app_id')}"


def _to_the_list(_data: Data, _fields: Fields) -> str:
    return PATH


def _beside(data: Data, fields: Fields) -> Mapping[str, Any]:
    """Returns the secret that the page is about, which is None if it works no more, and the API that tokens are for."""
    app = data.get("app") or {}
    secrets = {one["id"]: one for one in app.get("secrets", ())}
    own = [one["identifier"] for one in data.get("audiences", ()) if one["isOwn"]]
    return {"secret": secrets.get(fields.text("secret_id")), "audience": next(iter(own), None)}


def _new(app_type: str) -> Section:
    """Returns the page that makes an app of a type; the secret of one that runs on a server is shown then."""

    def variables(fields: Fields) -> Variables:
        return {"input": _input(fields) | {"appType": app_type}}

    def values(_data: Data, _fields: Fields) -> Mapping[str, Any]:
        return {"app_type": app_type}

    name, made = "create_app", Act(_CREATE, variables, "The app was made.", leads_to=_to_the_app)
    if app_type == "regular_web":
        name, made = "create_app_with_secret", Act(_CREATE_AND_SHOW, variables, page="settings_app_secret.html")
    elif app_type == "native":
        name = "create_native_app"
    path = f"{PATH}/new/{PLACES[app_type]}"
    return Section(path, "apps", "settings_app_new.html", _NOTHING, _WRITE, values=values, acts={name: made})


SECTIONS: Final = (
    Section(PATH, "apps", "settings_apps.html", _LIST, _READ),
    *(_new(app_type) for app_type in PLACES),
    Section(
        path=_APP_PATH,
        tab="apps",
        template="settings_app.html",
        query=_ONE,
        opens=_READ,
        variables=_id,
        values=_beside,
        required="app",
        acts={
            "change_app": Act(_CHANGE, _change, "The app was changed.", rests_on=_shown),
            "new_app_secret": Act(_ROTATE, _id, page="settings_app_secret.html"),
        },
    ),
    Section(
        path=f"{_APP_PATH}/remove",
        tab="apps",
        template="settings_app_remove.html",
        query=_BEFORE_REMOVAL,
        opens=_WRITE,
        variables=_id,
        required="app",
        acts={"remove_app": Act(_REMOVE, _id, "The app was removed.", leads_to=_to_the_list)},
    ),
    Section(
        path=f"{_APP_PATH}/secrets/{{secret_id}}/revoke",
        tab="apps",
        template="settings_app_secret_revoke.html",
        query=_BEFORE_REVOCATION,
        opens=("update:client_keys",),
        variables=_id,
        values=_beside,
        required="app",
        acts={"revoke_app_secret": Act(_REVOKE, _secret, "The secret was revoked.", leads_to=_to_app)},
    ),
)

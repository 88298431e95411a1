"""The settings' pages that add a connection: one for each provider, with its own words and the fields that it gives."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from rxauth.api.management.callers import TWO_FACTORS
from rxauth.domain.connection_urls import urls_of
from rxauth.edge.addresses import SETTINGS_PATH
from rxauth.edge.settings import connection_documents as documents
from rxauth.edge.settings import connection_providers as providers
from rxauth.edge.settings import provider_look_ups
from rxauth.edge.settings.connection_providers import Provider
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

PATH: Final = f"{SETTINGS_PATH}/connections"
TAB: Final = "single_sign_on"
MANAGE: Final = ("manage:connection",)
NAME_LIMIT_CHARACTERS: Final = 63
Values = Callable[[Data, Fields], Mapping[str, Any]]
_ADDED: Final = "The connection was added. Try it now, before anybody needs it."


def joining(fields: Fields) -> str:
    """Returns who may come through, as the API names it."""
    return "JUST_IN_TIME" if fields.text("joining") == "just_in_time" else "INVITE_ONLY"


def _suggested(organization: str, key: str) -> str:
    """Returns a name for a connection that an organization has not thought of one for."""
    plain = "".join(one if one.isascii() and one.isalnum() else "-" for one in organization.casefold())
    words = [word for word in plain.split("-") if word][:4]
    return "-".join([*words, key])[:NAME_LIMIT_CHARACTERS].strip("-")


def _new_values(provider_key: str, title: str) -> Values:
    def values(data: Data, fields: Fields) -> Mapping[str, Any]:
        name = fields.text("name") or _suggested((data.get("organization") or {}).get("name", ""), provider_key)
        return {"provider": provider_key, "provider_title": title, "connection_name": name, "paths": urls_of("", name)}

    return values


def _common(fields: Fields) -> dict[str, Any]:
    return {
        "name": fields.text("name"),
        "displayName": fields.text("display_name"),
        "joining": joining(fields),
    }


def _add(provider: Provider) -> Callable[[Fields], Variables]:
    def variables(fields: Fields) -> Variables:
        wanted = {
            **_common(fields),
            "issuer": provider.issuer(fields),
            "clientId": fields.text("client_id"),
            "secret": fields.optional("secret"),
            "claims": dict(provider.claims),
        }
        return {"input": wanted if provider.scopes is None else wanted | {"scopes": list(provider.scopes)}}

    return variables


def _add_saml(fields: Fields) -> Variables:
    wanted = {"metadata": fields.text("metadata"), "idpInitiated": fields.is_ticked("idp_initiated")}
    return {"input": {**_common(fields), **wanted}}


def _to_the_new_one(data: Data, _fields: Fields) -> str:
    [made] = data.values()
    return f"{PATH}/{made['id']}"


def _new(provider: Provider) -> Section:
    """Returns the page that adds a connection to a provider of OpenID Connect."""
    where = {"input.issuer": provider.its_field, "issuer": provider.its_field}
    add = Act(
        documents.ADD,
        _add(provider),
        _ADDED,
        leads_to=_to_the_new_one,
        places=where,
        ready=provider_look_ups.of_open_id(provider),
    )
    return Section(
        path=f"{PATH}/new/{provider.key}",
        tab=TAB,
        template="settings_connection_new.html",
        query=documents.NEW,
        opens=MANAGE,
        values=_new_values(provider.key, provider.title),
        wanted=TWO_FACTORS,
        acts={f"add_{provider.key}": add},
    )


_ADD_SAML: Final = Act(
    documents.ADD_SAML,
    _add_saml,
    _ADDED,
    leads_to=_to_the_new_one,
    ready=provider_look_ups.of_saml,
)
SECTIONS: Final = (
    *(_new(provider) for provider in providers.OPEN_ID),
    Section(
        path=f"{PATH}/new/saml",
        tab=TAB,
        template="settings_connection_new.html",
        query=documents.NEW,
        opens=MANAGE,
        values=_new_values("saml", "SAML 2.0"),
        wanted=TWO_FACTORS,
        acts={"add_saml": _ADD_SAML},
    ),
)

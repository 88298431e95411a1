"""The settings' pages of connections: the identity providers with which people sign in, each with what it needs."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from rxauth.api.management.callers import TWO_FACTORS
from rxauth.edge.settings import connection_documents as documents
from rxauth.edge.settings import connection_new, provider_look_ups
from rxauth.edge.settings import connection_providers as providers
from rxauth.edge.settings.connection_new import MANAGE, PATH, TAB, Values
from rxauth.edge.settings.fields import Fields
from rxauth.edge.settings.sections import Act, Data, Section, Variables

ONE_PATH: Final = f"{PATH}/{{connection_id}}"
READ: Final = ("read:connection",)
EVERYBODY: Final = "*"  # the group of whoever comes through


def identifier(fields: Fields) -> Variables:
    """Returns which connection the page is about."""
    return {"id": fields.text("connection_id")}


def to_the_one(_data: Data, fields: Fields) -> str:
    """Leads back to the connection."""
    return f"{PATH}/{fields.text('connection_id')}"


def _to_the_list(_data: Data, _fields: Fields) -> str:
    return PATH


def about(data: Data, _fields: Fields) -> Mapping[str, Any]:
    """Returns what people call the provider, and which of those that the pages know it is."""
    one = data.get("connection") or {}
    named = one.get("openIdConnect")
    if named is None:
        return {"provider_title": "SAML 2.0", "provider": "saml"}
    return {"provider_title": providers.title_of(named["issuer"]), "provider": providers.of(named["issuer"]).key}


def _change(fields: Fields) -> Variables:
    wanted: dict[str, Any] = {"displayName": fields.text("display_name"), "joining": connection_new.joining(fields)}
    if fields.has("issuer"):
        proof = fields.text("authentication")
        wanted |= {"issuer": fields.text("issuer"), "clientId": fields.text("client_id"), "authentication": proof}
        wanted |= {"scopes": fields.text("scopes").split()}
    if fields.has("saml"):
        wanted["idpInitiated"] = fields.is_ticked("idp_initiated")
    return {**identifier(fields), "input": wanted}


def _claims(fields: Fields) -> Variables:
    names = {"email": "email", "firstName": "first_name", "lastName": "last_name", "groups": "groups"}
    claims = {name: fields.optional(where) for name, where in names.items()}
    return {**identifier(fields), "input": {"claims": claims}}


def _factors(fields: Fields) -> Variables:
    return {**identifier(fields), "input": {"claims": {"secondFactor": fields.lines("second_factor")}}}


def _secret(fields: Fields) -> Variables:
    return {**identifier(fields), "secret": fields.text("secret")}


def _switched(*, on: bool) -> Callable[[Fields], Variables]:
    return lambda fields: {**identifier(fields), "on": on}


def _groups(fields: Fields) -> Variables:
    """Returns the roles of each group; the form asks the other way round, which groups give a role."""
    given: dict[str, list[str]] = {EVERYBODY: fields.all("everybody")}
    for name, value in fields.pairs:
        if name.startswith("rol_"):
            for group in Fields(((name, value),)).lines(name):
                given.setdefault(group, []).append(name)
    groups = [{"group": group, "roles": sorted(set(roles))} for group, roles in given.items() if roles]
    return {**identifier(fields), "groups": groups}


def _group_values(data: Data, _fields: Fields) -> Mapping[str, Any]:
    """Returns which groups give each role, a line each, and which roles everybody gets."""
    there = (data.get("connection") or {}).get("groups", [])
    by_role: dict[str, list[str]] = {}
    for one in there:
        for role in one["roles"]:
            by_role.setdefault(role["id"], []).append(one["group"])
    lines = {role: "\n".join(one for one in groups if one != EVERYBODY) for role, groups in by_role.items()}
    everybody = [role for role, groups in by_role.items() if EVERYBODY in groups]
    mappable = [one["role"] for one in data.get("mappableRoles") or [] if not one["refusal"]]
    offered = [(role["id"], role["name"], role["description"]) for role in mappable]
    return {"lines": lines, "everybody": everybody, "role_choices": offered}


def _shown(*names: str) -> Callable[[Data], Any]:
    return lambda data: [data["connection"][name] for name in names]


def _below(
    name: str,
    acts: Mapping[str, Act],
    *,
    query: str = documents.ONE,
    values: Values = about,
) -> Section:
    """Returns a page below that of a connection, on which something of it is changed."""
    return Section(
        path=f"{ONE_PATH}/{name}",
        tab=TAB,
        template=f"settings_connection_{name}.html",
        query=query,
        opens=MANAGE,
        variables=identifier,
        values=values,
        required="connection",
        wanted=TWO_FACTORS,
        acts=acts,
    )


SECTIONS: Final = (
    Section(PATH, TAB, "settings_connections.html", documents.LIST, READ),
    *connection_new.SECTIONS,
    Section(
        path=ONE_PATH,
        tab=TAB,
        template="settings_connection.html",
        query=documents.ONE,
        opens=READ,
        variables=identifier,
        values=about,
        required="connection",
        acts={
            "connection_on": Act(documents.SWITCH, _switched(on=True), "People can sign in with it again."),
            "connection_off": Act(documents.SWITCH, _switched(on=False), "Nobody signs in with it any more."),
        },
    ),
    _below(
        "change",
        {
            "change_connection": Act(
                documents.CHANGE,
                _change,
                "The connection was changed.",
                leads_to=to_the_one,
                rests_on=_shown("revision"),
                ready=provider_look_ups.of_issuer,
            )
        },
    ),
    _below(
        "claims",
        {
            "connection_claims": Act(
                documents.CHANGE,
                _claims,
                "The claims were changed.",
                leads_to=to_the_one,
                rests_on=_shown("revision"),
            )
        },
    ),
    _below(
        "factors",
        {
            "connection_factors": Act(
                documents.CHANGE,
                _factors,
                "What counts as a second factor was changed.",
                leads_to=to_the_one,
                rests_on=_shown("revision"),
            )
        },
    ),
    _below(
        "groups",
        {
            "connection_groups": Act(
                documents.GROUPS,
                _groups,
                "What groups give was changed. It holds from each person's next sign-in.",
                leads_to=to_the_one,
                rests_on=_shown("groups"),
            )
        },
        query=documents.WITH_ROLES,
        values=_group_values,
    ),
    _below(
        "secret",
        {
            "connection_secret": Act(
                documents.NEW_SECRET, _secret, "The new secret is used from now on. Try it.", leads_to=to_the_one
            )
        },
    ),
    _below(
        "remove",
        {"remove_connection": Act(documents.REMOVE, identifier, "The connection was removed.", leads_to=_to_the_list)},
    ),
)

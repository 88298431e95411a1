"""What the identifiers in an organization's audit entries are called now, also those of who left and what was ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, exists, select

from rxauth.domain import audit_index, called
from rxauth.domain.audit_index import Range
from rxauth.domain.errors import AbsentError
from rxauth.domain.paging import FROM_THE_START
from rxauth.ids import CLIENT_ID_CHARACTERS, Kind
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_secrets
from rxauth.storage.tables.access_log import access_records
from rxauth.storage.tables.federation import connections
from rxauth.storage.tables.people import invites, memberships
from rxauth.storage.tables.scim import scim_groups, scim_tokens
from rxauth.storage.tables.webhooks import webhooks
from rxauth.storage.tenancy import Statement, sql

_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_OTHERS: Final[Mapping[str, Statement]] = {
    Kind.SECRET: sql(
        select(client_secrets.c.id, client_secrets.c.name).where(
            client_secrets.c.organization_id == bindparam("organization_id"), client_secrets.c.id.in_(_IDS)
        )
    ),
    Kind.INVITE: sql(
        select(invites.c.id, invites.c.email.label("name")).where(
            invites.c.organization_id == bindparam("organization_id"), invites.c.id.in_(_IDS)
        )
    ),
    Kind.CONNECTION: sql(
        select(connections.c.id, connections.c.display_name.label("name")).where(
            connections.c.organization_id == bindparam("organization_id"), connections.c.id.in_(_IDS)
        )
    ),
    Kind.SCIM_TOKEN: sql(
        select(scim_tokens.c.id, scim_tokens.c.name).where(
            scim_tokens.c.organization_id == bindparam("organization_id"), scim_tokens.c.id.in_(_IDS)
        )
    ),
    Kind.SCIM_GROUP: sql(
        select(scim_groups.c.id, scim_groups.c.display_name.label("name")).where(
            scim_groups.c.organization_id == bindparam("organization_id"), scim_groups.c.id.in_(_IDS)
        )
    ),
    Kind.WEBHOOK: sql(
        select(webhooks.c.id, webhooks.c.name).where(
            webhooks.c.organization_id == bindparam("organization_id"), webhooks.c.id.in_(_IDS)
        )
    ),
}
_WAS_HERE = sql(
    select(
        exists().where(
            memberships.c.organization_id == bindparam("organization_id"), memberships.c.user_id == bindparam("id")
        ),
        exists().where(
            access_records.c.organization_id == bindparam("organization_id"),
            access_records.c.actor_id == bindparam("id"),
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts in an organization, or did. kind: person or client."""

    id: str
    kind: str
    name: str = field(repr=False)


def find_actor(transaction: Transaction, organization_id: str, actor_id: str) -> Actor:
    """Returns who has an identifier: a client of the organization, a member, or somebody who left.

    Raises:
        AbsentError: nobody of this identifier ever was in the organization.
    """
    name = of(transaction, organization_id, [actor_id]).get(actor_id)
    is_person = actor_id.startswith(f"{Kind.USER}_")
    if name is None or (is_person and not _was_here(transaction, organization_id, actor_id)):
        raise AbsentError("there is nobody of this identifier", "id")
    return Actor(actor_id, "person" if is_person else "client", name)


def _was_here(transaction: Transaction, organization_id: str, user_id: str) -> bool:
    if any(transaction.first(_WAS_HERE, organization_id=organization_id, id=user_id)):
        return True
    anything = Range("", FROM_THE_START, 1)
    return bool(audit_index.ids(transaction, organization_id, audit_index.keys(None, user_id), anything))


def of(transaction: Transaction, organization_id: str, identifiers: Iterable[str]) -> Mapping[str, str]:
    """Names those of the identifiers that have a name, in one statement for each kind that is among them.

    identifiers: from entries of the organization's own log, which is what lets it know the people in it.
    """
    wanted = sorted(set(identifiers))
    named: dict[str, str] = {}
    if people := [one for one in wanted if one.startswith(f"{Kind.USER}_")]:
        found = called.people(transaction, organization_id, people)
        named.update((user_id, name.full) for user_id, name in found.items())
    if apps := [one for one in wanted if len(one) == CLIENT_ID_CHARACTERS and "_" not in one]:
        named.update(called.apps(transaction, organization_id, apps))
    for kind, statement in _OTHERS.items():
        if ids := [one for one in wanted if one.startswith(f"{kind}_")]:
            rows = transaction.all(statement, organization_id=organization_id, ids=ids)
            named.update((row.id, row.name) for row in rows if row.name)
    return named

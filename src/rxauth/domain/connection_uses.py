"""Who came through a connection, and what ends with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, delete, func, select, update

from rxauth.domain import sessions
from rxauth.domain.connections import Connection
from rxauth.domain.sessions import Ended
from rxauth.storage.database import Transaction
from rxauth.storage.tables import federation as tables
from rxauth.storage.tables.sign_in import sessions as sessions_table
from rxauth.storage.tenancy import sql

_IDENTITIES: Final = tables.upstream_identities
_USES = sql(
    select(_IDENTITIES.c.connection_id, func.count().label("people"), func.max(_IDENTITIES.c.seen_at).label("last_at"))
    .where(
        _IDENTITIES.c.organization_id == bindparam("organization_id"),
        _IDENTITIES.c.connection_id.in_(bindparam("ids", expanding=True)),
    )
    .group_by(_IDENTITIES.c.connection_id)
)
_OPEN = sql(
    select(sessions_table.c.id, sessions_table.c.user_id)
    .join(tables.upstream_sessions, tables.upstream_sessions.c.session_id == sessions_table.c.id)
    .where(
        tables.upstream_sessions.c.organization_id == bindparam("organization_id"),
        tables.upstream_sessions.c.connection_id == bindparam("connection_id"),
        sessions_table.c.ended_at.is_(None),
    )
)


def _of_connection(table: Any) -> tuple[Any, ...]:
    return (
        table.c.organization_id == bindparam("the_organization_id"),
        table.c.connection_id == bindparam("the_connection_id"),
    )


_BELONGINGS: Final = (
    tables.saml_keys,
    tables.upstream_requests,
    tables.upstream_logouts,
    tables.upstream_messages,
    tables.upstream_sessions,
)
_FORGET = tuple(sql(delete(table).where(*_of_connection(table))) for table in (*_BELONGINGS, _IDENTITIES))
_FREE_DOMAINS = sql(update(tables.domains).where(*_of_connection(tables.domains)).values(connection_id=None))
_FORGET_GROUPS = sql(
    delete(tables.group_roles).where(
        tables.group_roles.c.organization_id == bindparam("the_organization_id"),
        tables.group_roles.c.source == bindparam("the_connection_id"),
    )
)
_REMOVE = sql(
    delete(tables.connections).where(
        tables.connections.c.organization_id == bindparam("the_organization_id"),
        tables.connections.c.id == bindparam("the_connection_id"),
    )
)


@dataclass(frozen=True, slots=True)
class Uses:
    """How many people came through a connection, and when the last one did: UTC seconds."""

    people: int
    last_at: int


def of(transaction: Transaction, organization_id: str, connection_ids: Sequence[str]) -> Mapping[str, Uses]:
    """Returns the uses of those connections that have any."""
    rows = transaction.all(_USES, organization_id=organization_id, ids=list(connection_ids))
    return {row.connection_id: Uses(row.people, row.last_at) for row in rows}


def end_sessions(transaction: Transaction, one: Connection, now: int) -> list[Ended]:
    """Signs everybody out who signed in with a connection; returns the sessions that ended."""
    rows = transaction.all(_OPEN, organization_id=one.organization_id, connection_id=one.id)
    return [Ended(row.user_id, row.id) for row in rows if sessions.end(transaction, row.id, row.user_id, now)]


def remove(transaction: Transaction, one: Connection, now: int) -> list[Ended]:
    """Removes a connection with all that is known of it; returns the sessions that ended with it."""
    ended = end_sessions(transaction, one, now)
    for statement in (*_FORGET, _FREE_DOMAINS, _FORGET_GROUPS, _REMOVE):
        transaction.run(statement, the_organization_id=one.organization_id, the_connection_id=one.id)
    return ended

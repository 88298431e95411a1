"""Which session at an identity provider a session of ours came of, so that both can end together."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, select

from rxauth.crypto.sealing import seal, unseal
from rxauth.domain import sessions
from rxauth.domain.domain_names import domain_of
from rxauth.domain.sessions import Ended
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_sessions as table
from rxauth.storage.tables.people import users as users_table
from rxauth.storage.tables.sign_in import sessions as sessions_table
from rxauth.storage.tenancy import insert_row, sql

_PURPOSE: Final = "upstream logout hint"
_INSERT = insert_row(table)
_MINE = table.c.organization_id == bindparam("organization_id")
_ONE = sql(select(*table.c).where(_MINE, table.c.session_id == bindparam("session_id")))
_LIVE = (
    select(table.c.session_id, sessions_table.c.user_id)
    .join(sessions_table, sessions_table.c.id == table.c.session_id)
    .where(_MINE, table.c.connection_id == bindparam("connection_id"), sessions_table.c.ended_at.is_(None))
    .order_by(table.c.session_id)
)
_OF_SUBJECT = sql(_LIVE.where(table.c.subject == bindparam("subject")))
_OF_PEOPLE = sql(
    select(table.c.session_id, sessions_table.c.user_id, users_table.c.email)
    .join(sessions_table, sessions_table.c.id == table.c.session_id)
    .join(users_table, users_table.c.id == sessions_table.c.user_id)
    .where(_MINE, sessions_table.c.ended_at.is_(None))
    .order_by(table.c.session_id)
)
_NAMED = sql(_LIVE.where(table.c.upstream_session == bindparam("upstream_session")))


@dataclass(frozen=True, slots=True)
class UpstreamSession:
    """Where a session came from. upstream_session: the provider's name for its own; None: it named none."""

    session_id: str
    organization_id: str
    connection_id: str
    subject: str = field(repr=False)
    upstream_session: str | None = field(repr=False)
    sealed_hint: bytes | None = field(repr=False)

    def hint(self, sealing_key: bytes) -> bytes | None:
        """Returns what a logout at the provider wants back, or None: nothing."""
        return None if self.sealed_hint is None else unseal(self.sealed_hint, sealing_key, _PURPOSE)


def note(transaction: Transaction, session_id: str, identity: UpstreamIdentity, sealing_key: bytes) -> None:
    """Notes from which session at a provider a new session of ours came."""
    transaction.run(
        _INSERT,
        session_id=session_id,
        organization_id=identity.organization_id,
        connection_id=identity.connection_id,
        subject=identity.subject,
        upstream_session=identity.session,
        sealed_hint=None if identity.hint is None else seal(identity.hint, sealing_key, _PURPOSE),
    )


def find(transaction: Transaction, organization_id: str, session_id: str) -> UpstreamSession | None:
    """Returns where a session came from; None: its person proved itself here."""
    row: Any = transaction.first(_ONE, organization_id=organization_id, session_id=session_id)
    return None if row is None else UpstreamSession(**row._mapping)


def end_outside(transaction: Transaction, organization_id: str, held: Collection[str], now: int) -> list[Ended]:
    """Ends the sessions, by whatever connection they came, of people whose address here is in none of some domains."""
    rows = transaction.all(_OF_PEOPLE, organization_id=organization_id)
    return _end(transaction, [row for row in rows if domain_of(row.email) not in held], now)


def end_named(
    transaction: Transaction,
    organization_id: str,
    connection_id: str,
    now: int,
    *,
    subject: str | None,
    upstream_session: str | None,
) -> list[Ended]:
    """Ends the sessions that a provider says are over: those that fit all that it names, and none if it names nothing.

    subject: somebody's. upstream_session: of one of its sessions. None: it does not say.
    """
    which = {"organization_id": organization_id, "connection_id": connection_id}
    named = []
    if subject is not None:
        named.append(set(transaction.all(_OF_SUBJECT, **which, subject=subject)))
    if upstream_session is not None:
        named.append(set(transaction.all(_NAMED, **which, upstream_session=upstream_session)))
    return _end(transaction, sorted(set.intersection(*named)) if named else [], now)


def _end(transaction: Transaction, rows: Sequence[Any], now: int) -> list[Ended]:
    return [
        Ended(row.user_id, row.session_id)
        for row in rows
        if sessions.end(transaction, row.session_id, row.user_id, now)
    ]

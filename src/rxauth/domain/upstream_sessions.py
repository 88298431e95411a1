"""Which session at an identity provider a session of ours came of, so that both can end together."""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, select

from rxauth.crypto.sealing import seal, unseal
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_sessions as table
from rxauth.storage.tenancy import insert_row, sql

_PURPOSE: Final = "upstream logout hint"
_INSERT = insert_row(table)
_MINE = table.c.organization_id == bindparam("organization_id")
_ONE = sql(select(*table.c).where(_MINE, table.c.session_id == bindparam("session_id")))
_OF_SUBJECT = sql(
    select(table.c.session_id, table.c.upstream_session).where(
        _MINE, table.c.connection_id == bindparam("connection_id"), table.c.subject == bindparam("subject")
    )
)


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


def of_subject(
    transaction: Transaction, organization_id: str, connection_id: str, subject: str, upstream_session: str | None
) -> list[str]:
    """Lists the sessions that came of somebody's session at a provider; upstream_session None: of any of them."""
    named = {"organization_id": organization_id, "connection_id": connection_id, "subject": subject}
    rows = transaction.all(_OF_SUBJECT, **named)
    return [row.session_id for row in rows if upstream_session in {None, row.upstream_session}]

"""A database that was restored from a backup: how it is found, and what must end because it was.

A backup is older than what happened since: whoever logged out is signed in there again, a link that was used is unused,
a key that was removed is back. So everything that was issued ends, and the keys that sign are made anew.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Table, bindparam, delete, select, update

from rxauth.crypto.checkpoints import BadCheckpointError, Checkpoint, unproven
from rxauth.domain import audit, audit_check, audit_log, changes
from rxauth.domain.audit import Event
from rxauth.domain.audit_export import from_lines
from rxauth.domain.audit_log import Entry
from rxauth.domain.changes import ChangeKind
from rxauth.domain.errors import DomainError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import clients, signing_keys
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tables.people import email_changes, password_resets
from rxauth.storage.tables.sign_in import sessions, sign_ins
from rxauth.storage.tenancy import Statement, sql

AT_ONCE: Final = 500
_OF_TOKENS: Final = "token."
_EVERYBODYS: Final = "what the whole installation issued before it was restored"
_LIVE_SESSIONS = sql(select(sessions.c.id).where(sessions.c.ended_at.is_(None)).limit(AT_ONCE))
_END_SESSION = sql(
    update(sessions).where(sessions.c.id == bindparam("session_id")).values(ended_at=bindparam("moment"))
)
_CLIENTS = sql(
    select(clients.c.id).where(clients.c.tokens_valid_after < bindparam("moment")).limit(AT_ONCE),
    across_tenants=_EVERYBODYS,
)
_END_TOKENS = sql(
    update(clients).where(clients.c.id == bindparam("client_id")).values(tokens_valid_after=bindparam("moment")),
    across_tenants=_EVERYBODYS,
)
_RECORD = sql(select(audit_outbox.c.id).where(audit_outbox.c.id == bindparam("record_id")))
_KEYS = sql(select(signing_keys.c.id))
_PLACES = sql(select(signing_keys.c.private_place).where(signing_keys.c.private_place.is_not(None)))
_FORGET_KEYS = sql(delete(signing_keys))


def _let_expire(table: Table) -> Statement:
    return sql(update(table).where(table.c.expires_at > bindparam("moment")).values(expires_at=bindparam("moment")))


_LINKS: Final = tuple(map(_let_expire, (password_resets, email_changes, sign_ins)))


class RolledBackError(DomainError):
    """The audit log is shorter than a checkpoint of it that is kept elsewhere; str() says what to do."""


def last_checkpoint(kept: str) -> Checkpoint | None:
    """Returns the last checkpoint in the text, or the end of the text, of a file of them; None: there is none."""
    for note in reversed(audit_check.notes(kept)):
        with suppress(BadCheckpointError):
            return unproven(note)
    return None


def require_whole_log(transaction: Transaction, last: Checkpoint, file: str) -> None:
    """Checks that the log has all that a checkpoint elsewhere covers; file: where that is.

    Raises:
        RolledBackError: it has less.
    """
    entries = size(transaction)
    if audit_log.name_of(transaction) in {None, last.origin} and entries < last.size:
        raise RolledBackError(
            f"the audit log has {entries} entries, and the last checkpoint in {file} covers {last.size}: the database "
            "is older than that, as after a restore. What was issued must end: stop every server, run `rxauth restored`"
        )


def size(transaction: Transaction) -> int:
    """Returns how many entries the log has."""
    head = audit_log.head(transaction)
    return 0 if head is None else head[0]


def end_sessions(transaction: Transaction, now: int) -> int:
    """Ends some of the sessions that there are, with all that was issued in them; returns how many, 0: none is left."""
    found = [row.id for row in transaction.all(_LIVE_SESSIONS)]
    transaction.run_many(_END_SESSION, [{"session_id": one, "moment": now} for one in found])
    changes.record_all(transaction, ChangeKind.SESSION, found, now)
    return len(found)


def end_tokens(transaction: Transaction, now: int) -> int:
    """Ends every token of some of the clients; returns of how many, 0: none is left. Their secrets work on."""
    found = [row.id for row in transaction.all(_CLIENTS, moment=now + 1)]
    transaction.run_many(_END_TOKENS, [{"client_id": one, "moment": now + 1} for one in found])
    changes.record_all(transaction, ChangeKind.CLIENT, found, now)
    return len(found)


def places(transaction: Transaction) -> list[str]:
    """Lists where in a security module the keys are that the installation knows, those of before included."""
    return [row.private_place for row in transaction.all(_PLACES)]


def finish(transaction: Transaction, lost: Checkpoint | None, now_us: int) -> None:
    """Ends links that were sent and sign-ins under way, forgets the keys that sign, and records that it was restored.

    lost: the last checkpoint from before; None: none was kept elsewhere.
    """
    now = now_us // 1_000_000
    for statement in _LINKS:
        transaction.run(statement, moment=now)
    keys = [row.id for row in transaction.all(_KEYS)]
    transaction.run(_FORGET_KEYS)
    changes.record_all(transaction, ChangeKind.SIGNING_KEY, keys, now)
    details = {"entries": size(transaction)} | ({} if lost is None else {"entries_before": lost.size})
    audit.record(transaction, audit.Act(Event.INSTALLATION_RESTORED, audit.OPERATOR, details=details), now_us)


@dataclass(frozen=True, slots=True)
class Lost:
    """An act that the database knows nothing of any more. at_us: UTC microseconds."""

    at_us: int
    event: str
    organization_id: str | None
    target: str | None


def lost(transaction: Transaction, export: Iterable[bytes]) -> Iterator[Lost]:
    """Lists what an export of the log has and the database has not, but for tokens: they end anyway.

    Raises:
        DomainError: it is no export.
    """
    entries = size(transaction)
    for item in from_lines(export):
        if not isinstance(item, Entry) or item.seq <= entries or transaction.first(_RECORD, record_id=item.id):
            continue
        record = msgspec.json.decode(item.entry)["record"]
        if not record["event"].startswith(_OF_TOKENS):
            yield Lost(record["at_us"], record["event"], record["organization_id"], record["target"])

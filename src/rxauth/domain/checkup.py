"""A checkup of an installation: what its database shows that is wrong or will be, and how to mend it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from rxauth.crypto.sealing import CannotUnsealError
from rxauth.domain import audit_state, health, installation, operators, signing_keys
from rxauth.domain.errors import DomainError
from rxauth.domain.health import Queue
from rxauth.storage import server_state
from rxauth.storage.database import Transaction
from rxauth.storage.server_state import MUST_BE_ON, OLDEST_POSTGRES, ServerState

VERIFIED_WITHIN_S: Final = 7 * 86_400
OPERATORS: Final = 2


class Level(StrEnum):
    """How bad it is. problem: something does not work, or is not safe; warning: it will be one day, or may be meant."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, and what to do about it. mend None: nothing is to be done."""

    level: Level
    found: str
    mend: str | None = None


def ok(found: str) -> Finding:
    """Returns what is as it should be."""
    return Finding(Level.OK, found)


def warning(found: str, mend: str) -> Finding:
    """Returns what will be a problem, or may be meant."""
    return Finding(Level.WARNING, found, mend)


def problem(found: str, mend: str) -> Finding:
    """Returns what does not work, or is not safe."""
    return Finding(Level.PROBLEM, found, mend)


def check(transaction: Transaction, sealing_key: bytes, now: int) -> Iterator[Finding]:
    """Checks everything that a database with tables of this version shows. now: UTC seconds."""
    seen = health.look(transaction, now)
    yield ok(f"The database answers: {seen.engine}, tables of revision {seen.revision}.")
    if not seen.is_clock_right:
        yield problem("This machine's clock is more than 5 minutes from the database's.", "Synchronize both by NTP.")
    yield from _server(server_state.read(transaction))
    yield from _keys(transaction, sealing_key)
    yield from _log(transaction, seen.not_numbered, now)
    yield from _queue(
        "letters", seen.letters, now - health.SENT_WITHIN_S, "Look at the mail server, and at the server's log."
    )
    yield from _queue(
        "webhook deliveries", seen.deliveries, None, "`rxauth webhooks deliveries` says what receivers say."
    )
    yield from _queue("dispatches to pharmacies", seen.dispatches, None, "Look at the orders in exception.")
    if not installation.is_sandbox(transaction):
        yield from _operators(transaction)


def _server(state: ServerState) -> Iterator[Finding]:
    settings = state.settings
    if "journal_mode" in settings:
        if settings["journal_mode"] != "wal":
            yield problem(
                "SQLite has no write-ahead log.", "Run `rxauth migrate`, on a file system that is not remote."
            )
        return
    if int(settings["server_version_num"]) // 10_000 < OLDEST_POSTGRES:
        yield problem(f"PostgreSQL is older than {OLDEST_POSTGRES}.", "Upgrade it.")
    for name in MUST_BE_ON:
        if settings[name] != "on":
            yield problem(f"PostgreSQL's {name} is {settings[name]}.", f"Set {name} = on: writes are lost without it.")
    if state.is_standby:
        yield problem(
            "The database is a standby.", "Let the URL lead to the primary: `target_session_attrs=read-write`."
        )
    own_role = "Give the server a role of its own: docs/guides/operate.md."
    if state.is_unbound:
        yield problem(
            "The server's role is a superuser, or has BYPASSRLS: the database does not keep organizations apart.",
            own_role,
        )
    elif state.owns_tables:
        yield warning(
            "The server's role is the owner of the tables: whoever takes the server over can rewrite the audit log.",
            own_role,
        )
    if not settings["synchronous_standby_names"]:
        yield warning(
            "PostgreSQL has no synchronous standby: what was acknowledged is lost with its disk.",
            "Have a synchronous standby, and take backups: docs/guides/backup.md.",
        )


def _keys(transaction: Transaction, sealing_key: bytes) -> Iterator[Finding]:
    try:
        signing_keys.load_ring(transaction, sealing_key)
    except CannotUnsealError:
        yield problem("The sealing key is not the one that the signing keys were sealed with.", "Set the right one.")
    except DomainError as error:
        yield warning(f"{str(error).partition(':')[0].capitalize()}.", "Start the server once: it makes them.")
    else:
        yield ok("The signing keys open with the sealing key.")


def _log(transaction: Transaction, waiting: Queue, now: int) -> Iterator[Finding]:
    yield from _queue(
        "audit records", waiting, now - health.NUMBERED_WITHIN_S, "A server numbers them: is one running?"
    )
    verified = audit_state.read(transaction).verified
    mend = "Run `rxauth audit verify` every day, from another machine than the database's if you can."
    if verified is None or verified.at_us < (now - VERIFIED_WITHIN_S) * 1_000_000:
        yield warning("Nobody verified the audit log in the last week.", mend)
    elif verified.problems:
        yield problem(f"The last verification of the audit log found {verified.problems} problems.", mend)
    else:
        yield ok("The audit log was verified in the last week.")


def _queue(what: str, queue: Queue, late_before: int | None, mend: str) -> Iterator[Finding]:
    if queue.given_up:
        yield warning(f"{queue.given_up} {what} were given up.", mend)
    is_late = late_before is not None and queue.since is not None and queue.since < late_before
    if is_late or queue.waiting >= health.COUNTED:
        yield problem(f"{queue.waiting}{'' if queue.waiting < health.COUNTED else ' or more'} {what} wait.", mend)


def _operators(transaction: Transaction) -> Iterator[Finding]:
    active = sum(not one.is_disabled for one in operators.all_of_them(transaction))
    if active < OPERATORS:
        yield warning(
            f"The installation has {active} operator{'' if active == 1 else 's'}.",
            "Have two, one of whom can help when the other is away: `rxauth operators add`.",
        )

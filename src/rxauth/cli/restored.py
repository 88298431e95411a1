"""`restored`: what must be done once after a database was restored from a backup."""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rxauth.crypto.checkpoints import Checkpoint
    from rxauth.crypto.security_module import SecurityModule
    from rxauth.settings import Settings
    from rxauth.storage.database import Database, Transaction


def restored(
    export: Annotated[
        Path | None, typer.Option(help="An export of the audit log that is newer than the backup: says what was lost.")
    ] = None,
) -> None:
    """End what was issued before the database was restored: sessions, tokens, links, signing keys. Stop servers first.

    It may be run again. The file of checkpoints that the settings name is put aside: it is the proof of what was lost.
    """
    from contextlib import closing

    from rxauth.app import kept_checkpoint, make_keys
    from rxauth.cli.installation import security_module, settings
    from rxauth.clock import Clock
    from rxauth.domain import restoration
    from rxauth.storage.database import Database
    from rxauth.storage.revisions import require_tables

    chosen, clock = settings(), Clock()
    with closing(Database(chosen.database_url)) as database, security_module(chosen) as module:
        require_tables(database)
        entries, last = database.read(restoration.size), kept_checkpoint(chosen)
        print(_gap(entries, last))
        if export is not None:
            print(_lost(export, database))
        sessions = _all_of(database, lambda tx: restoration.end_sessions(tx, clock.seconds()), "sessions")
        clients = _all_of(database, lambda tx: restoration.end_tokens(tx, clock.seconds()), "clients")
        for place in _left_in(module, database.read(restoration.places)):
            print(f"Destroy the key {place} in the security module: it is still there, and nothing uses it.")
        database.write(lambda tx: restoration.finish(tx, last, clock.microseconds()))
        make_keys(chosen, database, clock, module)
    print(f"Ended {sessions} sessions, the tokens of {clients} clients, and every link. Other keys sign from now on.")
    aside = _put_aside(chosen, clock.seconds())
    if aside is not None:
        print(f"The checkpoints from before are in {aside}: keep them.")
    print("Start the servers. Everybody signs in again; backends get new tokens with their secrets.")


def _left_in(module: "SecurityModule | None", places: "Iterable[str]") -> list[str]:
    """Destroys the keys in the security module that signed before; returns where those are that it did not destroy."""
    from rxauth.crypto.jws import SignerUnavailableError

    left = []
    for place in places:
        try:
            if module is None:
                left.append(place)
            else:
                module.destroy(place)
        except SignerUnavailableError:
            left.append(place)
    return left


def _gap(entries: int, last: "Checkpoint | None") -> str:
    from rxauth.cli.output import moment

    if last is None:
        return f"The audit log has {entries} entries. No checkpoint elsewhere says how many it had."
    at = moment(last.at_us // 1_000_000)
    if last.size <= entries:
        return (
            f"The audit log has {entries} entries: all that there were at {at}, as far as checkpoints elsewhere show."
        )
    return (
        f"The audit log has {entries} entries, and had {last.size} at {at}: {last.size - entries} are lost, or more.\n"
        "What they took away works again: revoked secrets, removed members, suspended providers."
    )


def _lost(export: Path, database: "Database") -> str:
    from rxauth.cli.output import moment, table
    from rxauth.domain import restoration
    from rxauth.domain.errors import DomainError

    try:
        with export.open("rb") as lines:
            found = database.read(lambda tx: list(restoration.lost(tx, lines)))
    except OSError as error:
        raise DomainError(f"{export} cannot be read: {error.strerror}") from None
    rows = [(moment(one.at_us // 1_000_000), one.event, one.organization_id or "-", one.target or "-") for one in found]
    return f"Lost, as {export} has it:\n\n" + table(("WHEN", "EVENT", "ORGANIZATION", "TARGET"), rows) + "\n"


def _all_of(database: "Database", some: "Callable[[Transaction], int]", what: str) -> int:
    done = 0
    while ended := database.write(some):
        done += ended
        if done % 10_000 == 0:
            print(f"{done} {what}", file=sys.stderr)
    return done


def _put_aside(chosen: "Settings", now: int) -> Path | None:
    """Renames the file of checkpoints, so that those of the log as it is now go into a new one."""
    if chosen.audit_checkpoint_file is None:
        return None
    file = Path(chosen.audit_checkpoint_file)
    if not file.exists():
        return None
    return file.rename(file.with_name(f"{file.name}.before-{now}"))

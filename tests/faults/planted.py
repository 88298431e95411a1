"""What servers are made to do wrong, so that it shows whether the checkers see it; nothing of it is in the product."""

import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, select, update

from rxauth.clock import Clock
from rxauth.crypto import secrets
from rxauth.domain import audit, authorization_codes, prescriptions, providers
from rxauth.ids import Kind, new_id
from rxauth.policy import prescribing
from rxauth.storage import postgres
from rxauth.storage.tables.sign_in import authorization_codes as table
from rxauth.storage.tenancy import sql

OFFSET_FILE = "FAULTS_OFFSET_FILE"  # the environment variable with the file that says how wrong the clock is
GREED_FILE = "FAULTS_GREED_FILE"  # ... with the file at whose sight the process takes memory
HOLD_FILE = "FAULTS_HOLD_FILE"  # ... with the file at whose sight the process stops itself


def not_durable() -> None:
    """Commits without waiting for the disk, whatever the server's settings say."""
    honest = vars(postgres)["create_engine"]

    def careless(*arguments: Any, **options: Any) -> Any:
        given = dict(options["connect_args"])
        given["options"] = given["options"].replace("synchronous_commit=on", "synchronous_commit=off")
        return honest(*arguments, **options | {"connect_args": given})

    vars(postgres)["create_engine"] = careless


def read_then_write() -> None:
    """Spends a code by looking whether it was used, and then noting that it is."""
    mine = table.c.digest == bindparam("presented")
    columns = tuple(column for column in table.c if column.name != "digest")
    look, note = sql(select(*columns).where(mine)), sql(update(table).where(mine).values(used_at=bindparam("moment")))

    def spend(transaction: Any, presented: str, now: int) -> Any:
        digest = secrets.digest(presented)
        row = transaction.first(look, presented=digest)
        time.sleep(0.02)  # what a busy machine does between any two statements
        if row is None:
            return None
        is_first = row.used_at is None
        if is_first:
            transaction.run(note, presented=digest, moment=now)
        names = authorization_codes.Authorized.__dataclass_fields__
        authorized = authorization_codes.Authorized(**{name: getattr(row, name) for name in names})
        # What a server with this bug has no other reason to refuse: each use begins a family of its own.
        family_id = new_id(Kind.FAMILY, now * 1000) if is_first else row.family_id
        return authorization_codes.Code(authorized, row.created_at, family_id, is_first)

    vars(authorization_codes)["spend"] = spend


def unlocked() -> None:
    """Reads whether somebody may prescribe without the lock."""
    honest = providers.subject_for_writing
    vars(providers)["_SHARED"] = vars(providers)["_ONE"]

    def slow(*arguments: Any) -> Any:
        found = honest(*arguments)
        time.sleep(0.02)
        return found

    vars(providers)["subject_for_writing"] = slow


def remembered() -> None:
    """Remembers for a minute that somebody may prescribe."""
    honest = providers.subject_for_writing
    known: dict[str, tuple[float, Any]] = {}

    def cached(transaction: Any, organization_id: str, user_id: str) -> Any:
        found, now = honest(transaction, organization_id, user_id), time.monotonic()
        if found is not None and prescribing.refusal(found, int(time.time())) is None:
            known[user_id] = now, found
        since, kept = known.get(user_id, (0.0, found))
        return kept if now - since < 60 else found

    vars(providers)["subject_for_writing"] = cached


def unrecorded() -> None:
    """Forgets every fifth audit record that is written with others."""
    counted = [0]

    def forgetting(honest: Any) -> Any:
        def forgetful(where: Any, rows: Any) -> None:
            counted[0] += 1
            honest(where, rows if counted[0] % 5 else [])

        return forgetful

    for name in ("record_all", "record_group"):
        vars(audit)[name] = forgetting(vars(audit)[name])


def wrong_clock() -> None:
    """Has a clock that is as many seconds ahead as a file says."""
    file, honest = Path(os.environ[OFFSET_FILE]), Clock.microseconds

    def microseconds(self: Clock) -> int:
        return honest(self) + int(float(file.read_text() or 0) * 1_000_000)

    Clock.microseconds = microseconds  # type: ignore[method-assign]


def held() -> None:
    """Stops itself, once a file is there, while it writes a prescription: it holds the lock, and has not committed."""
    honest, file = prescriptions.write, Path(os.environ[HOLD_FILE])

    def stopping(*arguments: Any) -> Any:
        if file.exists():
            file.unlink(missing_ok=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return honest(*arguments)

    vars(prescriptions)["write"] = stopping


def greedy() -> None:
    """Takes memory, as much as there is, once a file is there that names this process's number."""
    file, taken = Path(os.environ[GREED_FILE]), []

    def take() -> None:
        while True:
            time.sleep(0.02)
            if file.exists() and file.read_text() == str(os.getpid()):
                taken.append(b"x" * (8 << 20))

    os.register_at_fork(after_in_child=lambda: threading.Thread(target=take, daemon=True).start())

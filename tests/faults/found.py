"""What a clinic's database has when a run is over, in the words of the checkers; and how its audit log verifies."""

import hashlib
import json
from collections import Counter
from typing import Any

from psycopg import Connection

from tests.faults import kept
from tests.faults.clinic import Clinic
from tests.faults.history import GIVE, PRESCRIBE, TAKE, Call, Kept
from tests.faults.operations import FAIL, OK, Found, Operation
from tests.live import run

_CALLS = {"prescribe": PRESCRIBE, "suspend": TAKE, "restore": GIVE}
# Things that an operation leaves, as statements: what sort, and which.
_THINGS = {
    "family": "SELECT id FROM token_families",
    "revoked family": "SELECT id FROM token_families WHERE revoked_at IS NOT NULL",
    "spent code": "SELECT encode(digest, 'hex') FROM authorization_codes WHERE used_at IS NOT NULL",
    "secret": "SELECT id FROM client_secrets",
    "revoked secret": "SELECT id FROM client_secrets WHERE revoked_at IS NOT NULL",
    "prescription": "SELECT id FROM prescriptions",
}
_MADE = """SELECT external_id FROM prescriptions WHERE external_id IS NOT NULL
    UNION ALL SELECT name FROM client_secrets WHERE name IS NOT NULL"""


def look(clinic: Clinic, socket: str) -> tuple[Found, Kept]:
    """Reads what is there, past the servers' own code."""
    with kept.connected(socket, clinic.name) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        return _found(connection), kept.read_from(connection)


def _found(connection: Connection[Any]) -> Found:
    things = {(sort, str(row[0])) for sort, what in _THINGS.items() for row in connection.execute(what.encode())}
    said = [json.loads(row[0]) for row in connection.execute("SELECT entry FROM audit_outbox ORDER BY number, id")]
    return Found(
        frozenset(things),
        Counter(str(row[0]) for row in connection.execute(_MADE.encode())),
        Counter((str(one["event"]), str(one["target"])) for one in said),
        tuple(one for one in said if str(one["event"]).startswith("provider.")),
    )


def calls(history: tuple[Operation, ...]) -> list[Call]:
    """Returns a history as the checker of prescriptions and authority reads it."""
    return [
        Call(
            _CALLS[one.kind],
            one.subject,
            one.began,
            float("inf") if one.ended is None else one.ended,
            _answer(one) if one.outcome == OK else None,
            one.outcome == FAIL,
        )
        for one in history
        if one.kind in _CALLS
    ]


def digest(text: str) -> str:
    """Returns what is written of a secret in a history."""
    return hashlib.sha256(text.encode()).hexdigest()


def not_verified(clinic: Clinic, allowed: frozenset[int] = frozenset(), checkpoints: str | None = None) -> list[str]:
    """Returns what the audit log's own verification finds, but for the checks of these numbers.

    checkpoints: the file of those that were kept outside the database.
    """
    kept_outside = [] if checkpoints is None else ["--checkpoints", checkpoints]
    done = run(clinic.settings, "audit", "verify", "--json", *kept_outside)
    if done.returncode > 1 or not done.stdout:
        return [f"the audit log cannot be verified: {done.stderr[-300:]}"]
    checks = [one for one in json.loads(done.stdout)["checks"] if one["problems"] and one["number"] not in allowed]
    return [f"the audit log: {one['name']}: {'; '.join(one['said'])}" for one in checks]


def _answer(one: Operation) -> str:
    return str(one.effect) if one.kind == "prescribe" else f"provider.{one.effect}"

"""What the sandbox pharmacy knows: each order it took, and how far it is; of who gets what, nothing."""

import os
import sqlite3
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

REFUSE: Final = "sandbox: refuse"
REFUSE_LATER: Final = "sandbox: refuse later"
REFUSING_NAME: Final = "Refuses"
PICK_UP: Final = ("RECEIVED", "READY", "PICKED_UP")
MAIL_ORDER: Final = ("FILLING", "SHIPPED", "DELIVERED")
LATER_REFUSED: Final = ("RECEIVED", "REFUSED")
# With these the medicine is gone: nobody can call it back.
_GONE: Final = frozenset({"PICKED_UP", "SHIPPED", "DELIVERED"})
_CARRIER: Final = "Sample Parcel Service"
_WAYS: Final = {"PICK_UP": PICK_UP, "MAIL_ORDER": MAIL_ORDER, "LATER_REFUSED": LATER_REFUSED}
_TABLE: Final = """
CREATE TABLE IF NOT EXISTS orders (
    dispatch_id TEXT PRIMARY KEY, way TEXT NOT NULL, step INTEGER NOT NULL, next_at_ms INTEGER NOT NULL,
    is_over INTEGER NOT NULL
)
"""
# An order that was taken back meanwhile stays so.
_REPORTED: Final = (
    "UPDATE orders SET step = ?, next_at_ms = ?, is_over = max(is_over, ?) WHERE dispatch_id = ? AND step = ?"
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the pharmacy does not do something."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Step:
    """What the pharmacy reports next of an order."""

    dispatch_id: str
    way: str
    number: int

    @property
    def report(self) -> dict[str, str]:
        """The body of the report."""
        state = _WAYS[self.way][self.number]
        told = {"dispatchId": self.dispatch_id, "state": state}
        if state == "REFUSED":
            return told | {"reason": "OUT_OF_STOCK", "message": "The sandbox pharmacy was asked to refuse this later."}
        if state in {"SHIPPED", "DELIVERED"}:
            return told | {"carrier": _CARRIER, "trackingNumber": f"SAMPLE{self.dispatch_id[-10:]}"}
        return told

    @property
    def is_last(self) -> bool:
        """Whether the order is over with it."""
        return self.number == len(_WAYS[self.way]) - 1


class Book:
    """The book in a file, which several threads use."""

    def __init__(self, path: Path) -> None:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._run(_TABLE)

    def take(self, told: Mapping[str, Any], begins_at_ms: int) -> Refusal | None:
        """Takes a dispatch, once however often it comes; begins_at_ms: when the first step is done."""
        if told["act"] == "cancel":
            return self._take_back(str(told["takesBack"]))
        refusal = _refusal(told)
        if refusal is None:
            row = (str(told["dispatchId"]), _way(told), 0, begins_at_ms, 0)
            self._run("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?, ?)", *row)
        return refusal

    def due(self, now_ms: int) -> list[Step]:
        """Lists the steps that are done by now."""
        wanted = "SELECT dispatch_id, way, step FROM orders WHERE is_over = 0 AND next_at_ms <= ? ORDER BY next_at_ms"
        return [Step(*row) for row in self._run(wanted, now_ms)]

    def reported(self, step: Step, next_at_ms: int, *, is_over: bool = False) -> None:
        """Notes that a report was taken; is_over: or that nobody wants to hear more of the order."""
        values = (step.number + 1, next_at_ms, is_over or step.is_last, step.dispatch_id, step.number)
        self._run(
            "UPDATE orders SET step = ?, next_at_ms = ?, is_over = max(is_over, ?) WHERE dispatch_id = ? AND step = ?",
            *values,
        )

    def postpone(self, step: Step, next_at_ms: int) -> None:
        """Notes that a report was not taken, and when it is tried again."""
        self._run("UPDATE orders SET next_at_ms = ? WHERE dispatch_id = ?", next_at_ms, step.dispatch_id)

    def close(self) -> None:
        """Closes the file."""
        with self._lock:
            self._connection.close()

    def _take_back(self, dispatch_id: str) -> Refusal | None:
        for way, step in self._run("SELECT way, step FROM orders WHERE dispatch_id = ?", dispatch_id):
            if _GONE & set(_WAYS[way][:step]):
                return Refusal("ALREADY_GONE", "The medicine has left the pharmacy.")
        self._run("UPDATE orders SET is_over = 1 WHERE dispatch_id = ?", dispatch_id)
        return None

    def _run(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with self._lock:
            return self._connection.execute(statement, values).fetchall()


def _notes(told: Mapping[str, Any]) -> str:
    return " ".join(str((one.get("prescription") or {}).get("notes")) for one in told["fills"])


def _refusal(told: Mapping[str, Any]) -> Refusal | None:
    """Returns why the pharmacy refuses: it was asked to, by a note, or it is the one that refuses everything."""
    notes = _notes(told)
    if REFUSING_NAME in told["pharmacy"]["name"] or (REFUSE in notes and REFUSE_LATER not in notes):
        return Refusal("REFUSED_BY_PHARMACY", "The sandbox pharmacy was asked to refuse this.")
    return None


def _way(told: Mapping[str, Any]) -> str:
    if REFUSE_LATER in _notes(told):
        return "LATER_REFUSED"
    return "PICK_UP" if "PICK_UP" in told["pharmacy"]["fulfillmentTypes"] else "MAIL_ORDER"

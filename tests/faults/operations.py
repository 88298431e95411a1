"""What clients asked and heard, operation by operation, and what the database has in the end. It knows no server."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final, TextIO

OK: Final = "ok"  # it was acknowledged
FAIL: Final = "fail"  # it was refused, or never sent: it had no effect
INFO: Final = "info"  # nobody knows
Thing = tuple[str, str]  # what sort of thing it is, and which


@dataclass(frozen=True, slots=True)
class Operation:
    """One request as its client saw it. began, ended: seconds of one monotonic clock; ended None: no answer came.

    subject: whose state lets it pass or ends it. spends: what may be used once, or have one effect however often it is
    asked for. effect: what the answer says came of it. leaves: what must be in the database then; records: the event
    and target that the audit log must have. status: what was answered, 0 if nothing was.
    """

    number: int
    kind: str
    node: str
    began: float
    subject: str = ""
    spends: str | None = None
    ended: float | None = None
    outcome: str = INFO
    effect: str | None = None
    leaves: Thing | None = None
    records: Thing | None = None
    status: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What is there when all is over. things: what operations leave. made: how many effects of what may have one.

    recorded: how many audit records there are of each event and target. said: the records themselves, in order.
    """

    things: frozenset[Thing]
    made: Counter[str]
    recorded: Counter[Thing]
    said: tuple[Mapping[str, Any], ...] = field(repr=False)


class Recorder:
    """Keeps the history of a run and writes it to a file: a line when a request leaves, and one when it is answered."""

    def __init__(self, file: Path | None = None) -> None:
        self._file: TextIO | None = None if file is None else file.open("w")
        self._numbers = count(1)
        self._writing = threading.Lock()
        self._done: list[Operation] = []
        self._open: dict[int, Operation] = {}
        self._succeeded: dict[str, float] = {}

    def invoke(self, kind: str, node: str, subject: str = "", spends: str | None = None) -> Operation:
        """Notes that a request leaves."""
        operation = Operation(next(self._numbers), kind, node, time.monotonic(), subject, spends)
        with self._writing:
            self._open[operation.number] = operation
            self._write({"event": "invoke", **_members(operation)})
        return operation

    def complete(self, operation: Operation) -> None:
        """Notes what came of it."""
        with self._writing:
            del self._open[operation.number]
            self._done.append(operation)
            if operation.outcome == OK:
                self._succeeded[operation.node] = max(operation.began, self._succeeded.get(operation.node, 0))
            self._write({"event": operation.outcome, **_members(operation)})

    def note(self, fault: str) -> None:
        """Notes something that was done to the servers."""
        with self._writing:
            self._write({"event": "fault", "at": time.monotonic(), "what": fault})

    def last_success(self, node: str) -> float:
        """Returns when that request was sent to a server which succeeded and was sent last; 0: none did."""
        return self._succeeded.get(node, 0)

    def history(self) -> tuple[Operation, ...]:
        """Returns what was noted so far, in the order of the requests."""
        with self._writing:
            return tuple(sorted([*self._done, *self._open.values()], key=lambda one: one.number))

    def close(self) -> None:
        """Ends the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is not None and not self._file.closed:
            self._file.write(json.dumps(line) + "\n")


def read(lines: Iterable[str]) -> tuple[Operation, ...]:
    """Returns the history that a recorder wrote; what was invoked and not completed, nobody knows of."""
    found: dict[int, Operation] = {}
    for line in lines:
        members = json.loads(line)
        if members.pop("event") == "fault":
            continue
        for name in ("leaves", "records"):
            members[name] = tuple(members[name]) if members.get(name) else None
        found[members["number"]] = Operation(**members)
    return tuple(found[number] for number in sorted(found))


def _members(operation: Operation) -> dict[str, Any]:
    return {name: value for name, value in asdict(operation).items() if value not in (None, "")}

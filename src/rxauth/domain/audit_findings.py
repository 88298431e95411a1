"""What came of each check of an audit log."""

from dataclasses import dataclass, field
from typing import Final

SHOWN: Final = 5
NAMES: Final = {
    1: "numbers have no gap and no double",
    2: "every hash follows from the entry and the hash before it",
    3: "the first entry opens this log",
    4: "every entry is canonical",
    5: "checkpoints have the root of the entries",
    6: "checkpoints are signed with the log's key of their time",
    7: "checkpoints that were kept outside belong to this log",
    8: "no entry waited long for a checkpoint",
    9: "times run forward, up to each checkpoint",
    10: "the end is there",
    11: "acts and records belong together",
    12: "authority was given by two people",
    13: "every day has its report",
    14: "nothing is gone that must be kept",
}


@dataclass
class Finding:
    """What came of one check. said: the first few problems, of `problems`. not_checked: why it was not, or None."""

    number: int
    problems: int = 0
    said: list[str] = field(default_factory=list)
    not_checked: str | None = None

    @property
    def status(self) -> str:
        """ok, found, or not checked."""
        if self.problems:
            return "found"
        return "ok" if self.not_checked is None else "not checked"

    def add(self, sentence: str) -> None:
        """Adds a problem."""
        self.problems += 1
        if len(self.said) < SHOWN:
            self.said.append(sentence)

"""The table of a run of all faults: what was tried, how often, what was lost, and what was measured."""

import datetime
import json
import os
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.faults.operations import OK, Operation
from tests.faults.rig import Outcome


@dataclass(frozen=True)
class Row:
    """A fault and what came of it. outcome: None where nothing runs it yet. must_fail: the checkers have to see it."""

    number: str
    title: str
    outcome: Outcome | None
    took_s: float = 0.0
    must_fail: bool = False

    @property
    def verdict(self) -> str:
        """Returns how it went in a word."""
        if self.outcome is None:
            return "not run"
        is_good = bool(self.outcome.lost) if self.must_fail else not self.outcome.lost
        if self.outcome.missed or not is_good:
            return "FAILED"
        return "caught" if self.must_fail else "passed"


def markdown(rows: Sequence[Row], started: datetime.datetime) -> str:
    """Returns the table, and below it what is too long for it."""
    lines = [
        f"# Faults, {started:%Y-%m-%d %H:%M} UTC",
        "",
        f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end.",
        "",
        "| fault | what was tried | how often | what was lost | measured | |",
        "|---|---|---|---|---|---|",
        *(_line(row) for row in rows),
    ]
    for row in rows:
        if row.outcome is not None and row.outcome.history:
            lines += ["", f"{row.number}: {counted(row.outcome.history)}."]
        if row.outcome is not None and (row.outcome.missed or row.outcome.lost):
            shown = [*row.outcome.missed, *row.outcome.lost][:10]
            lines += ["", f"{row.number}, what was found:", "", *(f"- {one}" for one in shown)]
    return "\n".join(lines) + "\n"


def counted(history: Sequence[Operation]) -> str:
    """Says how many operations of each kind there were, and what was heard of them."""
    kinds = Counter((one.kind, one.outcome) for one in history)
    names = sorted({kind for kind, _ in kinds})
    return "; ".join(
        f"{kind} " + ", ".join(f"{kinds[kind, one]} {one}" for one in ("ok", "fail", "info") if kinds[kind, one])
        for kind in names
    )


def save(rows: Sequence[Row], started: datetime.datetime, folder: Path) -> Path:
    """Writes the table as a page, and as JSON beside it."""
    page = folder / f"{started:%Y%m%d-%H%M%S}.md"
    page.write_text(markdown(rows, started))
    page.with_suffix(".json").write_text(
        json.dumps(
            [
                {
                    "fault": row.number,
                    "verdict": row.verdict,
                    "took_s": row.took_s,
                    **(
                        {}
                        if row.outcome is None
                        else {
                            "operations": counted(row.outcome.history),
                            "injected": row.outcome.injected,
                            "lost": row.outcome.lost,
                            "missed": row.outcome.missed,
                            "figures": row.outcome.figures,
                        }
                    ),
                }
                for row in rows
            ],
            indent=2,
        )
    )
    return page


def _line(row: Row) -> str:
    if row.outcome is None:
        return f"| {row.number} {row.title} | nothing runs it yet | | | | {row.verdict} |"
    done, injected = row.outcome.history, row.outcome.injected
    good = sum(1 for one in done if one.outcome == OK)
    often = "; ".join(f"{number} x {what}" for what, number in injected.items())
    lost = "nothing" if not row.outcome.lost else f"{len(row.outcome.lost)} violations"
    measured = "; ".join(f"{name} {value}" for name, value in row.outcome.figures.items())
    return (
        f"| {row.number} {row.title} | {row.outcome.tried} | {len(done)} operations, {good} acknowledged; {often} "
        f"| {lost} | {measured} | {row.verdict} |"
    )

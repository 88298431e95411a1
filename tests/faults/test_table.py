"""The table of `make faults`: every fault has what runs it, and the verdict says what came of it."""

import datetime

import pytest

from tests.faults.faults import FAULTS
from tests.faults.operations import INFO, OK, Operation
from tests.faults.rig import Outcome
from tests.faults.table import Row, markdown

DONE = (Operation(1, "use", "as1", 1.0, ended=1.1, outcome=OK), Operation(2, "use", "as1", 1.2, outcome=INFO))
VERDICTS = {
    "nothing was lost": (Outcome("this", DONE), False, "passed"),
    "something was lost": (Outcome("this", DONE, lost=["a token"]), False, "FAILED"),
    "a promise was missed": (Outcome("this", DONE, missed=["it took long"]), False, "FAILED"),
    "what had to show showed": (Outcome("this", DONE, lost=["a token"]), True, "caught"),
    "what had to show did not": (Outcome("this", DONE), True, "FAILED"),
    "one of what had to show did not": (Outcome("this", DONE, lost=["a token"], missed=["a bug"]), True, "FAILED"),
    "nothing ran": (None, False, "not run"),
}


@pytest.mark.parametrize("name", VERDICTS)
def test_the_verdict_says_what_came_of_a_fault(name: str) -> None:
    outcome, must_fail, verdict = VERDICTS[name]
    row = Row("F99", "a fault", outcome, 1.0, must_fail)

    assert row.verdict == verdict
    page = markdown([row], datetime.datetime(2026, 11, 26, tzinfo=datetime.UTC))
    assert f"| {verdict} |" in page
    assert ("F99: use 1 ok, 1 info." in page) == (outcome is not None)


def test_every_fault_has_what_runs_it() -> None:
    assert [fault.number for fault in FAULTS] == [f"F{number:02}" for number in range(1, 21)]
    assert [fault.number for fault in FAULTS if fault.runner() is None] == []

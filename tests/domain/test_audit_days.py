"""Daily reports: what the sequencer writes of each calendar day, and what a verifier says of wrong ones."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rxauth.domain.audit_check_days import Days
from rxauth.domain.audit_findings import Finding
from rxauth.domain.audit_log import DAY_US
from tests.audited import Audited
from tests.world import World

DAY_S = 86_400
TOLERANCE_US = 120_000_000


@pytest.fixture
def audited(world: World, tmp_path: Path) -> Iterator[Audited]:
    """A log with one checkpoint, at noon of the 23rd of November 2026."""
    made = Audited(world, tmp_path)
    made.record(2)
    made.sequencer().work_once(is_last=True)
    yield made
    made.database.close()
    made.owner.dispose()


def reports(audited: Audited) -> list[dict[str, Any]]:
    """Returns the reports that the log has."""
    records = [json.loads(one.entry)["record"] for one in audited.entries()]
    return [one for one in records if one["event"] == "audit.daily_report"]


def test_a_day_is_reported_when_it_has_ended_with_what_was_done_and_the_last_checkpoint(audited: Audited) -> None:
    sequencer = audited.sequencer()
    audited.clock.advance(DAY_S / 2 - 10)
    sequencer.work_once()
    assert reports(audited) == []
    audited.clock.advance(10)
    sequencer.work_once(is_last=True)
    [report] = reports(audited)
    assert (report["target"], report["actor"]["kind"], report["checkpoint"]) == ("2026-11-23", "server", 3)
    assert (report["first"], report["last"], report["consent.taken_back"], report["audit_log.opened"]) == (1, 3, 2, 1)
    sequencer.work_once(is_last=True)
    assert len(reports(audited)) == 1
    assert audited.found() == set()


def test_days_without_a_server_are_reported_when_one_starts_each_with_its_own_acts(audited: Audited) -> None:
    audited.clock.advance(DAY_S)
    audited.record(3)
    audited.clock.advance(2 * DAY_S)
    assert audited.found() == {10, 13}
    audited.sequencer().work_once(is_last=True)
    assert [(one["target"], one.get("consent.taken_back", 0)) for one in reports(audited)] == [
        ("2026-11-23", 2),
        ("2026-11-24", 3),
        ("2026-11-25", 0),
    ]
    assert audited.found() == {8}  # three records waited for two days: that is said, and nothing else


def test_a_sequencer_counts_a_day_in_several_batches_as_it_is(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rxauth.domain.audit_numbering.BATCH", 2)
    audited.clock.advance(DAY_S)
    audited.record(5)
    audited.clock.advance(DAY_S)
    audited.record(3)
    audited.sequencer().work_once(is_last=True)
    assert [one.get("consent.taken_back", 0) for one in reports(audited)] == [2, 5]
    assert 13 not in audited.found()


def _report(day: str = "1970-01-01", last: int = 2, **counts: int) -> dict[str, Any]:
    named = {name.replace("_", "."): count for name, count in counts.items()}
    record = {"event": "audit.daily_report", "target": day, "first": 1, "last": last, "checkpoint": 0, "root": ""}
    return {**record, **(named or {"an.act": 2})}


WRONG: dict[str, Callable[[], dict[str, Any]]] = {
    "another day": lambda: _report("1970-01-02"),
    "another count": lambda: _report(an_act=3),
    "an act that was not": lambda: _report(an_act=2, another_act=1),
    "another range": lambda: _report(last=1),
    "a checkpoint that is not there": lambda: _report() | {"checkpoint": 1},
}


def _days() -> tuple[Days, Finding]:
    finding = Finding(13)
    days = Days(finding, TOLERANCE_US)
    for seq in (1, 2):
        days.add_entry(seq, {"event": "an.act", "count": 1}, 1_000)
    return days, finding


def test_a_report_that_is_right_is_taken() -> None:
    days, finding = _days()
    days.add_entry(3, _report(), DAY_US)
    days.finish(2 * DAY_US - 1)
    assert finding.said == []


@pytest.mark.parametrize("wrong", WRONG)
def test_a_report_that_is_not_right_is_found(wrong: str) -> None:
    days, finding = _days()
    days.add_entry(3, WRONG[wrong](), DAY_US)
    assert finding.problems == 1


def test_a_report_of_a_day_that_goes_on_is_found() -> None:
    days, finding = _days()
    days.add_entry(3, _report(), DAY_US - 1)
    assert finding.said == ["entry 3, a daily report, was made before its day ended"]


def test_days_without_a_report_are_found_in_the_middle_and_at_the_end() -> None:
    days, finding = _days()
    days.add_entry(3, {"event": "an.act", "count": 1}, 3 * DAY_US + TOLERANCE_US)
    days.finish(5 * DAY_US)
    assert finding.said == ["1970-01-01 to 1970-01-03 have no report", "1970-01-04 has no report"]

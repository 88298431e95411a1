"""Retention: until when an entry is kept, and the refusal to erase one."""

from datetime import date
from pathlib import Path

import pytest

from rxauth.domain import audit_log, audit_retention
from rxauth.domain.errors import AbsentError
from tests.audited import Audited
from tests.world import World

SECONDS = {
    "2026-11-23 12:00": (1_795_435_200, date(2032, 11, 23)),
    "2024-02-29 23:59": (1_709_251_199, date(2030, 3, 1)),
    "2026-12-31 23:59": (1_798_761_599, date(2032, 12, 31)),
    "2027-01-01 00:00": (1_798_761_600, date(2033, 1, 1)),
}


@pytest.mark.parametrize("made", SECONDS)
def test_an_entry_is_kept_until_the_same_day_so_many_years_later(made: str) -> None:
    at_s, last = SECONDS[made]
    assert audit_retention.kept_until(at_s * 1_000_000, 6) == last


def test_an_erasure_is_refused_with_its_reason_and_recorded(sqlite_world: World, tmp_path: Path) -> None:
    audited = Audited(sqlite_world, tmp_path)
    audited.fill()
    entry_id, years = audited.entries()[4].id, 6

    def ask() -> audit_retention.ErasureRefusedError:
        now_us = audited.clock.microseconds()
        return audited.database.write(lambda tx: audit_retention.refuse_erasure(tx, entry_id, years, now_us))

    early = ask()
    assert (early.code, str(early)) == ("retention", f"entry {entry_id} must be kept until 2032-11-23: it stays")
    audited.clock.advance(7 * 366 * 86_400)
    assert ask().code == "chain"
    with pytest.raises(AbsentError):
        audited.database.write(lambda tx: audit_retention.refuse_erasure(tx, "nothing", years, 0))
    audited.sequencer().work_once(is_last=True)
    log = audited.database.read(lambda tx: list(audit_log.entries(tx, 0, 10_000)))
    last = [one.entry for one in log if b'"event":"audit.erasure_refused"' in one.entry]
    assert [b'"reason":"retention"' in last[0], b'"reason":"chain"' in last[1]] == [True, True]
    assert len([one for one in log if one.id == entry_id]) == 1
    audited.database.close()
    audited.owner.dispose()

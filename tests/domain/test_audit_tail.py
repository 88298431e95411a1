"""The end of the audit log: what the quick look finds, and what it leaves to the whole verification."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rxauth.crypto.checkpoints import BadCheckpointError, unproven
from rxauth.domain import audit_keys, audit_tail, audit_verifications
from rxauth.domain.audit import OPERATOR, Act, Event
from rxauth.domain.audit_check import notes
from rxauth.domain.audit_log import NoAuditLogError
from rxauth.domain.audit_tail import Tail
from tests.audited import Audited
from tests.world import World


@pytest.fixture
def audited(world: World, tmp_path: Path) -> Iterator[Audited]:
    """An audited world."""
    made = Audited(world, tmp_path)
    yield made
    made.database.close()
    made.owner.dispose()


def check(audited: Audited) -> Tail:
    """Looks at the end of the log."""
    return audited.database.read(audit_tail.check)


def test_there_is_nothing_to_look_at_before_the_log_is_opened(audited: Audited) -> None:
    with pytest.raises(NoAuditLogError):
        check(audited)
    assert audited.database.read(audit_tail.last_checkpoint) is None


def test_a_log_that_only_grew_is_in_order_up_to_its_last_entry(audited: Audited) -> None:
    audited.fill()
    audited.record(2)
    audited.sequencer().work_once()
    audited.record()
    audited.sequencer().work_once()
    assert check(audited) == Tail(1, 13, 12, 0, ())


def test_a_long_log_is_looked_at_from_an_older_checkpoint(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    audited.fill()
    monkeypatch.setattr(audit_tail, "LOOKED_AT", 3)
    assert check(audited) == Tail(8, 10, 10, 0, ())
    monkeypatch.setattr(audit_tail, "LOOKED_AT", 4)
    assert check(audited) == Tail(5, 10, 10, 0, ())


def test_the_last_checkpoint_is_shown_with_the_key_that_signed_it(audited: Audited) -> None:
    audited.fill()
    last = audited.database.read(audit_tail.last_checkpoint)
    signed = unproven(notes(audited.file.read_text())[-1])
    assert last is not None
    assert (last.size, last.root, last.at_us) == (10, signed.root, signed.at_us)
    assert last.verifier == audited.database.read(audit_keys.load).verifier.text()
    audited.tamper(
        "UPDATE audit_checkpoints SET note = replace(note, chr(10) || '10', chr(10) || '11')"
        if audited.owner.dialect.name != "sqlite"
        else "UPDATE audit_checkpoints SET note = replace(note, char(10) || '10', char(10) || '11')"
    )
    with pytest.raises(BadCheckpointError):
        audited.database.read(audit_tail.last_checkpoint)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM audit_entries WHERE seq = 9", "entry 10 stands where 9 belongs"),
        ("DELETE FROM audit_entries WHERE seq = 10", "checkpoint 10 covers more entries than the 9"),
        ("UPDATE audit_entries SET hash = id::bytea WHERE seq = 9", "entry 9 has another hash"),
        ("DELETE FROM audit_outbox WHERE id = (SELECT id FROM audit_entries WHERE seq = 9)", "no record"),
        ("UPDATE audit_checkpoints SET note = (SELECT note FROM audit_checkpoints WHERE size = 4) WHERE size = 7",
         "checkpoint 7 has another root"),
        ("UPDATE audit_checkpoints SET note = 'nothing' WHERE size = 7", "checkpoint 7: not a checkpoint"),
    ],
)  # fmt: skip
def test_what_was_changed_at_the_end_is_found(audited: Audited, statement: str, said: str) -> None:
    audited.fill()
    if audited.owner.dialect.name == "sqlite":
        statement = statement.replace("id::bytea", "CAST(id AS BLOB)")
    audited.tamper(statement)
    found = check(audited)
    assert found.problems >= 1
    assert any(said in one for one in found.said), found.said


def test_an_entry_that_was_rewritten_with_correct_hashes_is_found(audited: Audited) -> None:
    audited.fill()
    last = audited.entries()[-1]
    audited.rewrite([replace(last, entry=last.entry.replace(b"consent", b"consint"))])
    said = " ".join(check(audited).said)
    assert "is not what its act committed" in said
    assert "checkpoint 10 has another root" in said


def test_the_last_verification_is_known_by_its_record(audited: Audited) -> None:
    assert audited.database.read(audit_verifications.last) is None
    now_us = audited.clock.microseconds()
    for n, details in enumerate([{"entries": 10, "problems": 0}, {"entries": 3, "problems": 1, "from": 8}]):
        act = Act(Event.AUDIT_VERIFIED, OPERATOR, details=details)
        audited.database.write(lambda tx, n=n, act=act: audit_verifications.record(tx, act, now_us + n * 1_000))  # type: ignore[misc]
        last = audited.database.read(audit_verifications.last)
        assert last is not None
        assert (last.at_us, last.entries, last.problems) == (
            now_us + n * 1_000, details["entries"], details["problems"]
        )  # fmt: skip
        assert last.is_whole == ("from" not in details)

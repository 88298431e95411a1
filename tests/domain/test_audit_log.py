"""The audit log on both engines: how records become entries, and the attacks AU-1 to AU-16 that its verifier finds."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from rxauth.crypto.checkpoints import Checkpoint, CheckpointKey, unproven
from rxauth.domain import audit, audit_check, audit_export, audit_keys, audit_numbering, audit_signing
from rxauth.domain.audit import OPERATOR, Act, Event
from rxauth.domain.audit_check import Checker, notes
from rxauth.domain.audit_findings import NAMES
from rxauth.domain.audit_log import Entry, chain_hash, wrap
from rxauth.domain.errors import DomainError
from rxauth.storage.database import Transaction
from tests.audited import Audited
from tests.world import NOW, World

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.fixture
def audited(world: World, tmp_path: Path) -> Iterator[Audited]:
    """An audited world."""
    made = Audited(world, tmp_path)
    yield made
    made.database.close()
    made.owner.dispose()


@pytest.fixture
def full(audited: Audited) -> Audited:
    """An audited world with a log of ten entries under three checkpoints."""
    audited.fill()
    return audited


def test_records_become_a_chain_in_their_order_and_nothing_is_found(full: Audited) -> None:
    log = full.entries()
    assert [one.seq for one in log] == list(range(1, 11))
    records = [json.loads(one.entry)["record"] for one in log]
    assert [one["event"] for one in records] == ["audit_log.opened", *["consent.taken_back"] * 9]
    assert [one["at_us"] for one in records[1:]] == sorted(one["at_us"] for one in records[1:])
    assert [note.split("\n")[1] for note in notes(full.file.read_text())] == ["4", "7", "10"]
    assert {number: one.status for number, one in full.verify().items()} == dict.fromkeys(NAMES, "ok")


def test_a_sequencer_that_starts_anew_goes_on_and_numbers_nothing_twice(full: Audited) -> None:
    full.sequencer().work_once()
    assert len(full.entries()) == 10
    full.record(2)
    full.sequencer().work_once(is_last=True)
    assert len(full.entries()) == 12
    assert full.found() == set()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_record_that_is_committed_late_is_numbered_late_and_not_lost(full: Audited) -> None:
    began, may_end = threading.Event(), threading.Event()

    def slow(transaction: Transaction) -> None:
        audit.record(transaction, Act(Event.PROFILE_CHANGED, OPERATOR), full.clock.microseconds())
        began.set()
        assert may_end.wait(30)

    sequencer = full.sequencer()
    thread = threading.Thread(target=full.database.write, args=(slow,))
    thread.start()
    assert began.wait(30)
    full.record()
    sequencer.work_once()
    sequencer.work_once()
    assert len(full.entries()) == 11
    may_end.set()
    thread.join()
    sequencer.work_once(is_last=True)
    assert json.loads(full.entries()[-1].entry)["record"]["event"] == "profile.changed"
    assert full.found() == set()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_two_sequencers_never_number_at_once(full: Audited) -> None:
    key, other = full.world.settings.sealing_key, full.world.open()
    full.record()

    def first(transaction: Transaction) -> tuple[int, int]:
        mine = audit_numbering.number(transaction, 0, key, full.clock.microseconds())
        second = other.write(lambda tx: audit_numbering.number(tx, 0, key, full.clock.microseconds()))
        return mine.numbered, second.numbered

    assert full.database.write(first) == (1, 0)
    other.close()


def test_a_database_that_counts_its_transactions_anew_hides_no_record(full: Audited) -> None:
    full.tamper("UPDATE audit_checkpoints SET settled = 9000000000000000000")
    full.record()
    full.sequencer().work_once(is_last=True)
    assert len(full.entries()) == 11


def _flip(full: Audited) -> None:
    entry = full.entries()[4].entry.replace(b"taken_back", b"taken_bacl")
    full.tamper("UPDATE audit_entries SET entry = :entry WHERE seq = 5", entry=entry)


def _swap(full: Audited) -> None:
    full.tamper(*(f"UPDATE audit_entries SET seq = {new} WHERE seq = {old}" for old, new in ((5, 99), (6, 5), (99, 6))))


def _delete(full: Audited) -> None:
    full.tamper("DELETE FROM audit_entries WHERE seq = 5")


def _duplicate(full: Audited) -> None:
    full.tamper("INSERT INTO audit_entries SELECT 11, 'copy', entry, hash FROM audit_entries WHERE seq = 5")


def _cut(full: Audited) -> None:
    full.tamper(
        "DELETE FROM audit_entries WHERE seq > 7",
        "DELETE FROM audit_checkpoints WHERE size > 7",
        "DELETE FROM audit_outbox WHERE id NOT IN (SELECT id FROM audit_entries)",
    )


def _forget(full: Audited) -> None:
    full.tamper("DELETE FROM audit_entries WHERE seq > 9", "DELETE FROM audit_checkpoints WHERE size > 9")
    full.clock.advance(120)  # a record may wait for two intervals


def _rewrite(full: Audited) -> None:
    """With correct hashes, records, roots and signatures: what was kept outside tells, and how late they signed."""
    log = full.entries()
    changed = [Entry(one.seq, one.id, one.entry.replace(b"target-", b"Target-"), b"") for one in log[4:]]
    full.rewrite(changed)
    for one in changed:
        record = json.loads(one.entry)["record"]
        row = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
        full.tamper("UPDATE audit_outbox SET entry = :entry WHERE id = :id", entry=row, id=one.id)
    full.tamper("DELETE FROM audit_checkpoints WHERE size > 4")
    full.sequencer().work_once(is_last=True)


def _unsigned(full: Audited) -> None:
    checkpoint = unproven(notes(full.file.read_text())[1])
    other = CheckpointKey.new(checkpoint.origin).sign(checkpoint)
    full.tamper("UPDATE audit_checkpoints SET note = :note WHERE size = 7", note=other)


def _spell(full: Audited) -> None:
    log = full.entries()[4:]
    spelt = log[0].entry.replace(b'"count":1', b'"count":1.0')
    full.rewrite([Entry(5, log[0].id, spelt, b""), *log[1:]])


def _invent(full: Audited) -> None:
    name = full.database.read(audit_keys.load).name
    entry = wrap(name, 11, "invented", audit.row(Act(Event.KEYS_ROTATED, OPERATOR), full.clock.microseconds())["entry"])
    hashed = chain_hash(11, full.entries()[-1].hash, entry)
    full.tamper("INSERT INTO audit_entries VALUES (11, 'invented', :entry, :hash)", entry=entry, hash=hashed)


def _act_without_record(full: Audited) -> None:
    full.tamper(f"UPDATE clients SET disabled_at = 1 WHERE id = '{full.world.alder.client_id}'")


def _record_without_act(full: Audited) -> None:
    act = Act(Event.CLIENT_DISABLED, OPERATOR, target=full.world.alder.client_id)
    full.database.write(lambda tx: audit.record(tx, act, full.clock.microseconds()))
    full.sequencer().work_once(is_last=True)


def _stall(full: Audited) -> None:
    full.record()
    full.clock.advance(3_600)
    full.sequencer().work_once(is_last=True)


def _stop(full: Audited) -> None:
    full.record()
    full.sequencer().work_once()
    full.tamper("DELETE FROM audit_checkpoints WHERE size > 10")
    full.clock.advance(3_600)


def _backdate(full: Audited) -> None:
    act = Act(Event.CLIENT_CREATED, OPERATOR, target="late")
    full.clock.advance(3_600)
    full.record()
    full.database.write(lambda tx: audit.record(tx, act, (NOW + 60) * 1_000_000))
    full.sequencer().work_once(is_last=True)


ATTACKS: dict[str, tuple[Callable[[Audited], None], set[int]]] = {
    "AU-1 one byte of an entry is changed": (_flip, {2, 5, 7, 11}),
    "AU-2 two rows are swapped": (_swap, {1, 2, 5, 7, 11}),
    "AU-2 a row is deleted": (_delete, {1, 2, 5, 7, 10}),
    "AU-2 a row is doubled": (_duplicate, {1, 2, 8, 11}),
    "AU-3 the last rows are deleted, and their records and checkpoints": (_cut, {7}),
    "AU-3 the last row is deleted": (_forget, {7, 8, 10}),
    "AU-4 all is rewritten with correct hashes and signatures": (_rewrite, {7, 8}),
    "AU-7 an entry is spelt in another way": (_spell, {4, 5, 7, 11}),
    "AU-8 an act has no record": (_act_without_record, {11}),
    "AU-9 a record has no act": (_record_without_act, {11}),
    "AU-9 an entry is invented": (_invent, {11}),
    "AU-10 the sequencer stands still for an hour": (_stall, {8}),
    "AU-10 checkpoints stop for an hour": (_stop, {8}),
    "AU-11 an entry is backdated": (_backdate, {9}),
    "AU-12 a checkpoint is signed with another key": (_unsigned, {6}),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_found(full: Audited, attack: str) -> None:
    act, found_by = ATTACKS[attack]
    act(full)
    assert full.found() == found_by


def test_au_5_a_log_that_went_on_from_an_older_backup_is_a_fork(full: Audited) -> None:
    before = notes(full.file.read_text())
    full.tamper(
        "DELETE FROM audit_entries WHERE seq > 4",
        "DELETE FROM audit_checkpoints WHERE size > 4",
        "DELETE FROM audit_outbox WHERE id NOT IN (SELECT id FROM audit_entries)",
    )
    full.record(6)
    full.sequencer().work_once(is_last=True)
    full.clock.advance(60)
    assert len(full.entries()) == 10
    assert full.found(notes(full.file.read_text())[-1]) == set()
    assert full.found(*before) == {7}


def test_au_13_auditors_who_were_shown_different_logs_find_it_when_they_exchange_checkpoints(full: Audited) -> None:
    shown_to_another = Checkpoint(full.database.read(audit_keys.load).name, 7, bytes(32), NOW * 1_000_000)
    assert full.found(*notes(full.file.read_text()), full.key().sign(shown_to_another)) == {7}


def test_au_12_a_checkpoint_from_outside_counts_only_with_the_signature_of_the_log(full: Audited) -> None:
    name = full.database.read(audit_keys.load).name
    forged = CheckpointKey.new(name).sign(Checkpoint(name, 7, bytes(32), NOW * 1_000_000))
    assert full.found(forged) == {6, 7}
    assert full.found("no checkpoint at all") == {7}


def test_au_14_what_a_person_wrote_cannot_make_a_line_of_its_own(audited: Audited) -> None:
    act = Act(Event.SIGN_IN_REFUSED, OPERATOR, target='x"}}\n{"seq":1}', reason="no\r\n")
    audited.database.write(lambda tx: audit.record(tx, act, audited.clock.microseconds()))
    audited.sequencer().work_once(is_last=True)
    lines = audited.database.read(lambda tx: list(audit_export.as_lines(audit_export.stored(tx))))
    assert len(lines) == 3
    assert json.loads(lines[1])["entry"]["record"]["target"] == act.target
    assert audited.found() == set()


SPELLINGS = [
    b'{"a":1,"a":2}',
    b'{"b":1,"a":2}',
    b'{"a":1.0}',
    b'{"a":1e2}',
    b'{"a":"\\u0061"}',
    b'{"a": 1}',
    b'{"a":9007199254740993}',
    '{"ä":1}'.encode(),
    b'{"a":"\\/"}',
    b"[1]",
    b"not JSON",
    b'{"a":"\xff"}',
]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=range(len(SPELLINGS)))
def test_au_7_another_way_to_write_the_same_is_found(spelling: bytes) -> None:
    checker = Checker()
    checker.add_entry(Entry(1, "id", spelling, b""))
    assert checker.findings[4].problems == 1


@given(
    st.recursive(
        st.none() | st.booleans() | TEXT | st.integers(-(2**53) + 1, 2**53 - 1),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), inner, max_size=4)
        ),
        max_leaves=8,
    )
)
def test_an_entry_is_written_as_rfc_8785_says(value: Any) -> None:
    assert audit_check.rewritten({"value": value}) == rfc8785.dumps({"value": value})


def test_an_export_is_verified_alone_and_says_what_it_could_not_check(full: Audited) -> None:
    lines = full.database.read(lambda tx: list(audit_export.as_lines(audit_export.stored(tx))))
    assert len(lines) == 13
    checker = Checker(notes(full.file.read_text()))
    found = audit_export.check_export(lines, checker, lambda _: None)
    assert {one.number for one in found if one.status == "not checked"} == {10, 11}
    assert all(one.status == "ok" for one in found if one.not_checked is None)
    changed = [line.replace(b"target-", b"Target-") if number == 5 else line for number, line in enumerate(lines)]
    found = audit_export.check_export(changed, Checker(), lambda _: None)
    assert {one.number for one in found if one.problems} == {2, 5}
    with pytest.raises(DomainError, match="line 1 is not"):
        audit_export.check_export([b"{"], Checker(), lambda _: None)


def test_every_entry_is_proven_and_none_that_was_changed(full: Audited) -> None:
    for one in full.entries():
        proof = full.database.read(lambda tx, wanted=one.id: audit_export.prove(tx, wanted))  # type: ignore[misc]
        assert proof["entry"] == one.entry.decode()
        assert proof["checkpoint"].split("\n")[1] == ("4" if one.seq <= 4 else "7" if one.seq <= 7 else "10")
    wanted = full.entries()[4].id
    _flip(full)
    with pytest.raises(DomainError, match="does not prove"):
        full.database.read(lambda tx: audit_export.prove(tx, wanted))
    with pytest.raises(DomainError, match="no entry nothing"):
        full.database.read(lambda tx: audit_export.prove(tx, "nothing"))


def test_a_thread_numbers_within_a_second_and_signs_when_it_ends(audited: Audited) -> None:
    audited.record(2)
    sequencer = audited.sequencer()
    sequencer.start()
    sequencer.stop()
    assert len(audited.entries()) == 3
    assert len(notes(audited.file.read_text())) == 1


def test_without_a_log_there_is_nothing_to_verify(audited: Audited) -> None:
    with pytest.raises(DomainError, match="no audit log yet"):
        audited.database.read(audit_keys.load)


def test_many_records_are_numbered_in_batches_under_several_checkpoints(
    sqlite_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_numbering, "BATCH", 3)
    monkeypatch.setattr(audit_signing, "CHECKPOINT_ENTRIES", 4)
    audited = Audited(sqlite_world, tmp_path)
    audited.record(10)
    audited.sequencer().work_once(is_last=True)
    assert [note.split("\n")[1] for note in notes(audited.file.read_text())] == ["4", "8", "11"]
    assert audited.found() == set()
    audited.database.close()
    audited.owner.dispose()

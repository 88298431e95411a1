"""Attacks on the audit log that its chain alone does not find: keys, business tables, rights, and what must go."""

import base64
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from rxauth.crypto.checkpoints import CheckpointKey, unproven
from rxauth.crypto.merkle import Frontier, leaf_hash, node_hash
from rxauth.domain import audit, audit_keys, audit_numbering, provider_acts
from rxauth.domain.audit import OPERATOR, Act, Event
from rxauth.domain.audit_check import notes
from rxauth.policy.roles import Role
from rxauth.storage.database import ConflictError, DatabaseUnavailableError
from rxauth.storage.sequencing import RANGE_ENTRIES
from tests import providers
from tests.audited import Audited
from tests.people import add_person
from tests.world import World


@pytest.fixture
def full(world: World, tmp_path: Path) -> Iterator[Audited]:
    """A log of ten entries under three checkpoints."""
    made = Audited(world, tmp_path)
    made.fill()
    yield made
    made.database.close()
    made.owner.dispose()


@pytest.fixture
def on_sqlite(sqlite_world: World, tmp_path: Path) -> Iterator[Audited]:
    """The same, for what does not depend on the engine."""
    made = Audited(sqlite_world, tmp_path)
    made.fill()
    yield made
    made.database.close()
    made.owner.dispose()


def rotate(full: Audited) -> None:
    """Replaces the key, and has it sign."""
    key = full.world.settings.sealing_key
    full.database.write(lambda tx: audit_keys.rotate(tx, key, full.clock.microseconds()))
    full.sequencer().work_once(is_last=True)
    full.clock.advance(60)


def test_au_6_an_entry_never_poses_as_an_inner_node() -> None:
    one, two = leaf_hash(b"1"), leaf_hash(b"2")
    forged, honest = Frontier(), Frontier()
    forged.append(leaf_hash(b"\x01" + one + two))
    honest.append(one)
    honest.append(two)
    assert honest.root() == node_hash(one, two) == sha256(b"\x01" + one + two).digest()
    assert forged.root() != honest.root()


def test_au_12_a_log_verifies_over_a_change_of_its_key(full: Audited) -> None:
    for _ in range(2):
        rotate(full)
        full.record()
        full.sequencer().work_once(is_last=True)
        full.clock.advance(60)
    assert full.found() == set()
    keys = {note.rstrip().rpartition(" ")[2][:5] for note in notes(full.file.read_text())}
    assert len(keys) == 3


def test_au_12_a_key_that_was_replaced_signs_nothing_any_more(full: Audited) -> None:
    old = full.key()
    rotate(full)
    newest = unproven(notes(full.file.read_text())[-1])
    full.tamper("UPDATE audit_checkpoints SET note = :note WHERE size = 11", note=old.sign(newest))
    assert full.found() == {6}
    assert full.found(old.sign(newest)) == {6}


def test_au_12_a_key_that_the_one_before_it_did_not_endorse_does_not_count(full: Audited) -> None:
    name = full.database.read(audit_keys.load).name
    stranger = CheckpointKey.new(name)
    endorsement = base64.b64encode(stranger.endorse(stranger.verifier())).decode()
    details = {"verifier": stranger.verifier().text(), "endorsement": endorsement}
    act = Act(Event.AUDIT_KEY_ROTATED, OPERATOR, target=name, details=details)
    full.database.write(lambda tx: audit.record(tx, act, full.clock.microseconds()))
    full.sequencer().work_once(is_last=True)
    assert full.found() == {6}


COLUMNS = {
    "audit_outbox": "id",
    "audit_log": "id",
    "audit_keys": "record_id",
    "audit_entries": "seq",
    "audit_checkpoints": "size",
}
EVERYWHERE = tuple(
    statement
    for table, column in COLUMNS.items()
    for statement in (f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}")
)
ON_POSTGRESQL = (
    "DELETE FROM audit_reports",
    *(f"TRUNCATE {table}" for table in COLUMNS),
    "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
    "DELETE FROM audit_entries_0",
    "UPDATE audit_entries_0 SET seq = 1",
    "INSERT INTO audit_entries_1 SELECT * FROM audit_entries_0",
    "ALTER TABLE audit_entries DETACH PARTITION audit_entries_0",
    "CREATE TABLE more (id integer)",
)


def test_au_15_what_the_serving_role_may_not_do_is_refused_and_leaves_an_event(full: Audited) -> None:
    rotate(full)
    statements = EVERYWHERE + (ON_POSTGRESQL if full.owner.dialect.name == "postgresql" else ())
    sequencer = full.sequencer()
    for statement in statements:
        with pytest.raises((DatabaseUnavailableError, ConflictError)):
            full.database.write(lambda tx, one=statement: tx.connection.exec_driver_sql(one))  # type: ignore[misc]
    sequencer.work_once(is_last=True)
    last = full.entries()[-1].entry
    assert b'"event":"database.right_refused"' in last
    assert f'"count":{len(statements)},'.encode() in last
    assert full.found() == set()


def test_au_16_what_is_erased_elsewhere_was_never_in_the_log(full: Audited) -> None:
    person = full.database.write(lambda tx: add_person(tx, "wilhelmina@canary.example"))
    act = Act(Event.PROFILE_CHANGED, audit.Actor("person", person.id), target=person.id)
    full.database.write(lambda tx: audit.record(tx, act, full.clock.microseconds()))
    full.sequencer().work_once(is_last=True)
    full.tamper("UPDATE users SET email = 'gone', first_name = '', last_name = '' WHERE id = :id", id=person.id)
    assert full.found() == set()
    log = b"".join(one.entry for one in full.entries())
    assert person.id.encode() in log
    assert b"canary" not in log.lower()


def _authorize(full: Audited) -> tuple[str, str]:
    """Lets two people give an authority; returns the organization and the provider."""
    organization_id = full.world.alder.organization_id
    provider = full.database.write(lambda tx: providers.add_member(tx, organization_id, "p@alder.example", Role.STAFF))
    second = full.database.write(
        lambda tx: providers.add_member(tx, organization_id, "s@alder.example", Role.ADMINISTRATOR)
    )
    now = full.clock.seconds()
    asked = full.database.write(
        lambda tx: provider_acts.propose(
            tx, organization_id, provider.id, providers.facts(), doer=providers.OPERATOR, now=now
        )
    )
    assert asked.proposal is not None
    proposal_id = asked.proposal.id
    full.database.write(
        lambda tx: provider_acts.approve(
            tx, organization_id, provider.id, proposal_id, doer=providers.as_doer(second, now), now=now
        )
    )
    full.sequencer().work_once(is_last=True)
    return organization_id, provider.id


def _approve_by_hand(full: Audited) -> None:
    _, provider = _authorize(full)
    full.database.write(
        lambda tx: provider_acts.suspend(
            tx,
            full.world.alder.organization_id,
            provider,
            "requested",
            doer=providers.OPERATOR,
            now=full.clock.seconds(),
        )
    )
    full.sequencer().work_once(is_last=True)
    full.tamper("UPDATE provider_authorities SET state = 'approved'")


def _name_another_approver(full: Audited) -> None:
    _authorize(full)
    full.tamper("UPDATE provider_authorities SET approved_by = 'usr_other'")


def _forget_the_authority(full: Audited) -> None:
    _authorize(full)
    full.tamper("DELETE FROM provider_licences", "DELETE FROM provider_authorities")


def _revoke_a_secret(full: Audited) -> None:
    full.tamper(f"UPDATE client_secrets SET revoked_at = 1 WHERE id = '{full.world.alder.secret_id}'")


def _copy_prescription(full: Audited, identifier: str) -> None:
    with full.owner.connect() as connection:
        columns = connection.exec_driver_sql("SELECT * FROM prescriptions").keys()
    others = ", ".join(one for one in columns if one != "id")
    one = "SELECT id FROM prescriptions ORDER BY id LIMIT 1"
    full.tamper(
        f"INSERT INTO prescriptions (id, {others}) SELECT :id, {others} FROM prescriptions WHERE id = ({one})",
        id=identifier,
    )


def _write_a_prescription(full: Audited) -> None:
    _copy_prescription(full, "rx_7ZZZZZZZZZZZZZZZZZZZZZZZZZ")


def _backdate_a_prescription(full: Audited) -> None:
    _copy_prescription(full, "rx_00000000000000000000000000")


def _say_a_prescription(full: Audited) -> None:
    act = Act(Event.PRESCRIPTION_WRITTEN, OPERATOR, target="rx_7ZZZZZZZZZZZZZZZZZZZZZZZZZ")
    full.database.write(lambda tx: audit.record(tx, act, full.clock.microseconds()))
    full.sequencer().work_once(is_last=True)


BESIDE: dict[str, Callable[[Audited], None]] = {
    "AU-8 a suspended authority is approved in its table": _approve_by_hand,
    "AU-8 an authority names another second person": _name_another_approver,
    "AU-8 a secret is revoked in its table": _revoke_a_secret,
    "AU-8 a prescription is written in its table": _write_a_prescription,
    "AU-8 a prescription is written in its table and backdated": _backdate_a_prescription,
    "AU-9 an authority is gone": _forget_the_authority,
    "AU-9 a prescription was never written": _say_a_prescription,
}


@pytest.mark.parametrize("attack", BESIDE)
def test_what_was_done_beside_the_log_is_found(on_sqlite: Audited, attack: str) -> None:
    BESIDE[attack](on_sqlite)
    assert on_sqlite.found() == {11}


def test_what_two_people_did_is_in_order(full: Audited) -> None:
    _authorize(full)
    assert full.found() == set()


def test_a_record_that_is_numbered_twice_is_found(full: Audited) -> None:
    name = full.database.read(audit_keys.load).name
    assert name
    full.tamper("UPDATE audit_entries SET id = (SELECT id FROM audit_entries WHERE seq = 4) WHERE seq = 5")
    assert {1, 11} <= full.found()


@pytest.mark.parametrize("engine", ["postgresql"])
def test_the_next_range_is_made_before_the_entries_reach_it(full: Audited) -> None:
    full.tamper(
        "INSERT INTO audit_entries SELECT :seq, 'far', entry, hash FROM audit_entries WHERE seq = 5",
        seq=RANGE_ENTRIES - 2,
    )
    full.record(3)
    key = full.world.settings.sealing_key
    full.database.write(lambda tx: audit_numbering.number(tx, 0, key, full.clock.microseconds()))
    ranges = "SELECT count(*) FROM pg_inherits WHERE inhparent = CAST('audit_entries' AS regclass)"
    with full.owner.connect() as connection:
        made = connection.exec_driver_sql(ranges).scalar_one()
        inside = connection.exec_driver_sql("SELECT count(*) FROM audit_entries_1").scalar_one()
    assert (made, inside) == (3, 2)
    for _ in range(3):  # whoever serves may ask for no more than that
        full.database.write(lambda tx: tx.connection.exec_driver_sql("SELECT audit_make_range()"))
    with full.owner.connect() as connection:
        assert connection.exec_driver_sql(ranges).scalar_one() == 3

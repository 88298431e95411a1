"""A log that is numbered when a test says so, and an attacker who owns its tables."""

from pathlib import Path

from sqlalchemy import Engine, text

from rxauth.crypto.checkpoints import CheckpointKey
from rxauth.domain import audit, audit_export, audit_keys, audit_log
from rxauth.domain.audit import OPERATOR, Act, Event
from rxauth.domain.audit_check import Checker, notes
from rxauth.domain.audit_findings import Finding
from rxauth.domain.audit_log import Entry, chain_hash, genesis_hash
from rxauth.domain.audit_sequencer import Sequencer
from tests.world import StandingClock, World

TRIGGERS = "SELECT name FROM sqlite_master WHERE type = 'trigger'"


class Audited:
    """A world with a sequencer that works when a test says so, and an attacker who owns the tables."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world = world
        self.clock = StandingClock()
        self.database = world.open()
        self.file = folder / "checkpoints"
        self.owner: Engine = world.owner()

    def sequencer(self) -> Sequencer:
        """Returns the sequencer of a process that has just started."""
        return Sequencer(self.database, self.clock, self.world.settings.sealing_key, self.file)

    def record(self, times: int = 1) -> None:
        """Records acts, a second apart."""
        for _ in range(times):
            self.clock.advance(1)
            act = Act(Event.CONSENT_TAKEN_BACK, OPERATOR, target=f"target-{self.clock.seconds()}")
            self.database.write(lambda tx, one=act: audit.record(tx, one, self.clock.microseconds()))  # type: ignore[misc]

    def fill(self) -> None:
        """Makes a log of ten entries under three checkpoints, of 4, 7 and 10."""
        sequencer = self.sequencer()
        for _ in range(3):
            self.record(3)
            sequencer.work_once(is_last=True)
            self.clock.advance(60)

    def tamper(self, *statements: str, **values: object) -> None:
        """Runs statements as the owner of the tables, whom no trigger stops."""
        with self.owner.begin() as connection:
            if connection.dialect.name == "sqlite":
                for (name,) in connection.execute(text(TRIGGERS)).all():
                    connection.execute(text(f"DROP TRIGGER {name}"))
            for statement in statements:
                connection.execute(text(statement), values)

    def entries(self) -> list[Entry]:
        """Returns the log."""
        return self.database.read(lambda tx: list(audit_log.entries(tx, 0, 1_000)))

    def verify(self, *outside: str) -> dict[int, Finding]:
        """Verifies the log with the checkpoint file, or with these notes in its place."""
        checker = Checker(outside or notes(self.file.read_text()))
        now_us = self.clock.microseconds()
        found = self.database.read(lambda tx: audit_export.check_stored(tx, checker, now_us, lambda _: None))
        return {one.number: one for one in found}

    def found(self, *outside: str) -> set[int]:
        """Returns the numbers of the checks that found something."""
        return {number for number, one in self.verify(*outside).items() if one.problems}

    def key(self) -> CheckpointKey:
        """Returns the log's key, as one has it who stole the settings."""
        return self.database.read(audit_keys.load).key(self.world.settings.sealing_key)

    def rewrite(self, changed: list[Entry]) -> None:
        """Puts other entries in place of those from the first that is given on, with correct hashes."""
        before = self.entries()[: changed[0].seq - 1]
        name, previous = self.database.read(audit_keys.load).name, before[-1].hash if before else b""
        self.tamper(f"DELETE FROM audit_entries WHERE seq >= {changed[0].seq}")
        for seq, one in enumerate(changed, changed[0].seq):
            previous = chain_hash(seq, previous or genesis_hash(name), one.entry)
            self.tamper(
                "INSERT INTO audit_entries (seq, id, entry, hash) VALUES (:seq, :id, :entry, :hash)",
                seq=seq,
                id=one.id,
                entry=one.entry,
                hash=previous,
            )

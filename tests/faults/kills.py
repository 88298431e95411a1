"""`python -m tests.faults.kills`: kills what writes, many times a second, and looks whether anything was lost.

Each of the processes that are killed runs the server's own acts and transactions, without HTTP. The kills go on from
run to run: a line of the results is a round, on one engine, with a database of its own, checked when it was over.
"""

import argparse
import datetime
import json
import os
import random
import select
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, NoReturn

from sqlalchemy import Connection, text

from rxauth.clock import Clock
from rxauth.crypto import secrets
from rxauth.domain import peoples_clients, provider_acts
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.client_urls import Registered
from rxauth.domain.clients import SPA
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.domain.providers import find
from rxauth.policy.authority import PERMISSIONS, Doer
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from tests import memory, postgres, providers
from tests.conftest import ENGINES
from tests.faults.desk import Desk, Worker
from tests.live import run
from tests.token_holders import CALLBACK
from tests.world import NOW, Template, World, add_tenant

RESULTS: Final = Path(__file__).parent / "results" / "kills.jsonl"
DESKS: Final = 4
ROUND: Final = 500  # kills
LONGEST_S: Final = 0.06  # from its first act until a process is killed, at most
EARLY: Final = 0.1  # of all kills come at any moment, also before the first act
_CODES: Final = 40  # that are told to the next process
_LOOK_S: Final = 0.002
_STUCK_S: Final = 60.0
# What acts leave, as a statement each; the changes that other processes are told of count too.
_THINGS: Final = {
    "secret": "SELECT id FROM client_secrets",
    "revoked secret": "SELECT id FROM client_secrets WHERE revoked_at IS NOT NULL",
    "session": "SELECT id FROM sessions",
    "ended session": "SELECT id FROM sessions WHERE ended_at IS NOT NULL",
    "family": "SELECT id FROM token_families",
    "revoked family": "SELECT id FROM token_families WHERE revoked_at IS NOT NULL",
}
_DIGESTS: Final = {
    "code": "SELECT digest FROM authorization_codes",
    "spent code": "SELECT digest FROM authorization_codes WHERE used_at IS NOT NULL",
}
# An act and its record commit together: none is there without the other.
_RECORDS: Final = {
    "revoked secret": "secret.revoked",
    "ended session": "person.signed_out",
    "session": "person.signed_in",
    "revoked family": "authorization.revoked",
}
_TOLD: Final = {"revoked secret": "client", "ended session": "session", "revoked family": "family"}

_NOT_NUMBERED: Final = text("SELECT 1 FROM audit_outbox WHERE id NOT IN (SELECT id FROM audit_entries) LIMIT 1")


@dataclass
class Round:
    """What came of some kills. acts: how many were acknowledged, by what they left. lost: what the checks say."""

    engine: str
    kills: int = 0
    before_the_first_act: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    took_s: float = 0.0


@dataclass
class _Running:
    """A process at a desk. said: all that it said so far. killed_at: monotonic seconds; None: after its first act."""

    desk: int
    process: int
    pipe: int
    began: float
    killed_at: float | None
    said: bytes = b""


def furnish(world: World) -> list[Desk]:
    """Makes the desks of a world."""
    database = world.open()
    try:
        desks = [database.write(partial(_desk, number=number)) for number in range(DESKS)]
        for desk in desks:  # a transaction each: that is the order of their records
            database.write(partial(_propose, desk=desk))
            database.write(partial(_approve, desk=desk))
        return desks
    finally:
        database.close()


def _desk(transaction: Transaction, number: int) -> Desk:
    tenant = add_tenant(transaction, f"Clinic {number}")
    of = tenant.organization_id
    app = PeoplesClient("App", SPA, Registered((CALLBACK,), ()), any_organization=True)
    app_id = peoples_clients.create_peoples_client(transaction, of, app, NOW)[0]
    user, first, second = (
        providers.add_member(transaction, of, f"{name}{number}@example.com", Role.ADMINISTRATOR)
        for name in ("user", "first", "second")
    )
    prescriber = providers.add_member(transaction, of, f"provider{number}@example.com", Role.PRESCRIBER)
    return Desk(of, tenant.client_id, app_id, user.id, prescriber.id, (first.id, second.id))


def _propose(transaction: Transaction, desk: Desk) -> None:
    given = providers.facts()
    provider_acts.propose(transaction, desk.organization_id, desk.provider_id, given, doer=providers.OPERATOR, now=NOW)


def _approve(transaction: Transaction, desk: Desk) -> None:
    found = find(transaction, desk.organization_id, desk.provider_id)
    assert found is not None
    assert found.proposal is not None
    second = Doer(desk.seconds[0], frozenset(PERMISSIONS.values()), NOW)
    of = (desk.organization_id, desk.provider_id)
    provider_acts.approve(transaction, *of, found.proposal.id, doer=second, now=NOW)


class Killing:
    """Processes that work at desks of a world, each killed and followed by the next."""

    def __init__(self, world: World, name: str, *, is_lying: bool = False) -> None:
        engine = "sqlite" if world.settings.database_url.startswith("sqlite") else "postgresql"
        self.round = Round(engine)
        self.said: list[tuple[str, list[list[str]]]] = []
        self._world = world
        self._name = name
        self._is_lying = is_lying
        self._chance = random.Random(name)
        self._desks = furnish(world)
        self._codes: list[str] = []
        self._started = 0

    def kill(self, kills: int, until: float = float("inf")) -> Round:
        """Kills so many processes, or fewer if it is over at a moment; checks what was acknowledged.

        until: monotonic seconds.
        """
        began = time.monotonic()
        running: list[_Running] = []
        try:
            while self.round.kills < kills and time.monotonic() < until:
                busy = {one.desk for one in running}
                running += [self._start(desk) for desk in range(DESKS) if desk not in busy]
                self._listen(running)
                for one in [one for one in running if one.killed_at is not None and one.killed_at <= time.monotonic()]:
                    self._end(one)
                    running.remove(one)
                    self.round.kills += 1
        finally:
            for one in running:
                self._end(one)
        self._check()
        self.round.took_s = round(time.monotonic() - began, 1)
        return self.round

    def _start(self, desk: int) -> _Running:
        self._started += 1
        name, codes = f"{self._name}-{self._started}", self._codes[-_CODES:]
        reading, writing = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(reading)
            self._work(self._desks[desk], name, codes, writing)
        os.close(writing)
        now = time.monotonic()
        is_early = self._chance.random() < EARLY
        return _Running(desk, process, reading, now, now + self._chance.uniform(0, LONGEST_S) if is_early else None)

    def _work(self, desk: Desk, name: str, codes: list[str], pipe: int) -> NoReturn:
        """Works at a desk, in a process of its own, until it is killed or nobody listens any more."""
        try:
            database = Database(self._world.settings.database_url)
            say = lambda line: os.write(pipe, f"{line}\n".encode())  # noqa: E731
            Worker(database, desk, name, codes, say, is_lying=self._is_lying).work()
        except BrokenPipeError:
            pass
        except BaseException:
            traceback.print_exc()
        os._exit(1)

    def _listen(self, running: list[_Running]) -> None:
        """Hears what was said meanwhile; whoever said something has a little while left."""
        ready, _, _ = select.select([one.pipe for one in running], [], [], _LOOK_S)
        now = time.monotonic()
        for one in running:
            if one.pipe in ready:
                one.said += os.read(one.pipe, 65_536)
                if one.killed_at is None:
                    one.killed_at = now + self._chance.uniform(0, LONGEST_S)
            assert now - one.began < _STUCK_S, "a process does nothing"

    def _end(self, one: _Running) -> None:
        os.kill(one.process, signal.SIGKILL)
        _, status = os.waitpid(one.process, 0)
        while more := os.read(one.pipe, 65_536):
            one.said += more
        os.close(one.pipe)
        assert os.WIFSIGNALED(status), "a process ended by itself"
        lines = one.said.decode().split("\n")[:-1]
        self.round.before_the_first_act += not lines
        for line in lines:
            request_id, things = json.loads(line)
            self.said.append((request_id, things))
            self._codes += [which for sort, which in things if sort == "code"]
            self.round.acts.update([things[0][0]])

    def _check(self) -> None:
        """Compares what was said with what is there."""
        there, told, records = self._found()
        recorded = {str(one["request_id"]) for one in records}
        lost = self.round.lost
        spent: Counter[str] = Counter()
        for request_id, things in self.said:
            sorts = {sort for sort, _ in things}
            if sorts != {"code"} and request_id not in recorded:
                lost.append(f"{things} of {request_id} has no record")
            for sort, which in things:
                spent.update([which] if sort == "spent code" else [])
                key = secrets.digest(which).hex() if sort == "code" else which
                if sort in there and key not in there[sort]:
                    lost.append(f"{sort} {which} is not there")
                if sort in _TOLD and which not in told[_TOLD[sort]]:
                    lost.append(f"{sort} {which}: other processes are not told")
        lost += [f"a code was spent {times} times" for times in spent.values() if times > 1]
        targets = Counter((str(one["event"]), str(one["target"])) for one in records)
        for sort, event in _RECORDS.items():
            done = {which for name, which in targets if name == event}
            lost += [f"{event} {which} has no effect" for which in sorted(done - there[sort])]
        lost += self._standing(targets)
        self._number()
        verified = run(self._world.settings, "audit", "verify")
        lost += [] if verified.returncode == 0 else [f"the audit log: {verified.stdout[-300:]}{verified.stderr[-300:]}"]

    def _number(self) -> None:
        """Numbers the records, as a server at work would have done, once no connection of the killed is left."""
        settings, deadline = self._world.settings, time.monotonic() + _STUCK_S
        database = self._world.open()
        sequencer = Sequencer(database, Clock(), settings.sealing_key, None)
        with self._owner() as connection:
            while True:
                sequencer.work_once(is_last=True)
                if connection.execute(_NOT_NUMBERED).first() is None or time.monotonic() > deadline:
                    break
                connection.rollback()
                time.sleep(_LOOK_S)
        database.close()

    @contextmanager
    def _owner(self) -> Iterator[Connection]:
        """Connects as the owner of the tables, who sees every row."""
        engine = self._world.owner()
        with engine.connect() as connection:
            yield connection
        engine.dispose()

    def _standing(self, targets: Counter[tuple[str, str]]) -> list[str]:
        """Returns which providers are not what the records of two people say."""
        wrong = []
        with self._owner() as connection:
            rows = connection.execute(text("SELECT user_id, state FROM provider_authorities")).all()
        for provider, state in rows:
            taken, given = (targets["provider." + name, provider] for name in ("suspended", "restored"))
            if taken - given != (state == "suspended"):
                wrong.append(f"provider {provider} is {state} after {taken} suspensions and {given} restorations")
        return wrong

    def _found(self) -> tuple[dict[str, set[str]], dict[str, set[str]], list[dict[str, object]]]:
        """Returns what is there by sort, what other processes are told by kind, and the records."""
        with self._owner() as connection:
            there = {sort: {str(row[0]) for row in connection.execute(text(what))} for sort, what in _THINGS.items()}
            for sort, what in _DIGESTS.items():
                there[sort] = {bytes(row[0]).hex() for row in connection.execute(text(what))}
            told: dict[str, set[str]] = {kind: set() for kind in _TOLD.values()}
            for kind, subject_id in connection.execute(text("SELECT kind, subject_id FROM changes")):
                told.setdefault(kind, set()).add(subject_id)
            # A changed secret is told of as its client.
            secret_of = connection.execute(text("SELECT id, client_id FROM client_secrets")).all()
            told["client"] |= {one.id for one in secret_of if one.client_id in told["client"]}
            records = [json.loads(bytes(row[0])) for row in connection.execute(text("SELECT entry FROM audit_outbox"))]
        return there, told, records


def main() -> None:
    """Kills until the results have as many as were asked for, or the time is over."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=10_000, help="how many in all, with those of earlier runs")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="for how long at most, this time")
    chosen = parser.parse_args()
    until = time.monotonic() + chosen.seconds
    RESULTS.parent.mkdir(exist_ok=True)
    kept: list[dict[str, Any]] = []
    if RESULTS.exists():
        kept = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    folder, cluster = memory.Folder(), postgres.Cluster()
    os.environ[postgres.VARIABLE] = str(cluster.folder)
    try:
        place = Path(tempfile.mkdtemp())
        templates = {engine: Template(place, engine) for engine in ENGINES}
        while (done := sum(one["kills"] for one in kept)) < chosen.kills and time.monotonic() < until:
            engine = ENGINES[len(kept) % 2]
            killing = Killing(templates[engine].copy(), f"k{len(kept)}")
            came = killing.kill(min(ROUND, chosen.kills - done), until)
            line = {"at": f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M:%S}", **vars(came)}
            kept.append(line)
            with RESULTS.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(f"{done + came.kills} of {chosen.kills}: {came}", flush=True)
    finally:
        cluster.remove()
        folder.remove()
    print(summary(kept))
    if any(one["lost"] for one in kept):
        raise SystemExit(1)


def summary(kept: list[dict[str, Any]]) -> str:
    """Returns a table of all rounds, a row for each engine."""
    rows = ["| engine | kills | before the first act | acts acknowledged | lost | kills a second |"]
    rows.append("|---" * rows[0].count(" | ") + "|---|")
    for engine in ENGINES:
        mine = [one for one in kept if one["engine"] == engine]
        kills, early, took_s = (sum(one[name] for one in mine) for name in ("kills", "before_the_first_act", "took_s"))
        acts: Counter[str] = Counter()
        for one in mine:
            acts.update(one["acts"])
        said = ", ".join(f"{number:,} {sort}" for sort, number in sorted(acts.items()))
        lost = sum(len(one["lost"]) for one in mine) or "nothing"
        rows.append(f"| {engine} | {kills:,} | {early:,} | {acts.total():,}: {said} | {lost} | {kills / took_s:.0f} |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()

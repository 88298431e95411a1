"""Three servers on PostgreSQL, prescriptions and suspensions racing, and kill -9 at random: nothing is late, or lost.

And the proof of the proof: of three planted bugs, the checker finds each.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import make_world
from tests.faults import kept
from tests.faults.history import PRESCRIBE, TAKE, Call, violations
from tests.faults.race import Race
from tests.faults.servers import Servers
from tests.faults.stage import Stage, staged
from tests.live import run
from tests.world import Template

pytestmark = pytest.mark.proof
LEAST_KILLS, LEAST_CALLS = 2, 3
PATIENCE_S = 60
# What a server does that has a bug. Each is given to a server as the module that Python runs first.
UNLOCKED = """
import time
from rxauth.domain import providers
honest = providers.subject_for_writing
providers._SHARED = providers._ONE  # reads without the lock

def slow(*arguments):
    found = honest(*arguments)
    time.sleep(0.02)  # what a busy machine does between any two statements
    return found

providers.subject_for_writing = slow
"""
REMEMBERED = """
import time
from rxauth.domain import providers
from rxauth.policy import prescribing
honest, known = providers.subject_for_writing, {}

def remembered(transaction, organization_id, user_id):
    found = honest(transaction, organization_id, user_id)
    if prescribing.refusal(found, int(time.time())) is None:
        known[user_id] = found
    return known.get(user_id, found)

providers.subject_for_writing = remembered
"""
UNRECORDED = """
from rxauth.domain import audit
honest, counted = audit.record_all, []

def forgetful(transaction, rows):
    counted.append(None)
    honest(transaction, rows if len(counted) % 5 else [])

audit.record_all = forgetful
"""
PLANTED = {
    "no lock": (UNLOCKED, "committed after authority had been taken"),
    "what was read before": (REMEMBERED, "committed after authority had been taken"),
    "no audit entry": (UNRECORDED, "is recorded 0 times"),
}


@pytest.fixture
def stage(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage of its own for each race."""
    with staged(make_world("postgresql", templates, tmp_path_factory)) as made:
        yield made


def racing(stage: Stage, servers: Servers) -> Race:
    """Returns a race for a stage, which begins when it is run."""
    race = Race(servers)
    for number, (provider, token) in enumerate(stage.tokens.items()):
        chance = random.Random(number)
        for _ in range(2):
            race.prescribe(provider, token, stage.patient, stage.treatment)
        race.repeat(partial(stage.take_and_give, race, provider, chance))
    return race


def test_nothing_is_late_or_lost_while_servers_are_killed(stage: Stage, is_whole: bool) -> None:
    with Servers(stage.world.settings, 3) as servers:
        race = racing(stage, servers)
        with race.running(), servers.killing((0.5, 2) if is_whole else (0.3, 0.6)):
            time.sleep(200 if is_whole else 2)
            deadline = time.monotonic() + PATIENCE_S
            while servers.kills < LEAST_KILLS or fewest(race) < LEAST_CALLS:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    found = violations(race.calls, kept.read(stage.world))
    print(f"{servers.kills} kills, {dict(Counter(map(outcome, race.calls)))}, {len(found)} violations")
    assert found == []
    verified = run(stage.world.settings, "audit", "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def fewest(race: Race) -> int:
    """Counts what was seen least often of what matters."""
    seen = Counter(map(outcome, list(race.calls)))
    return min(seen["prescription written"], seen["prescription refused"], seen["authority taken"])


def outcome(call: Call) -> str:
    """Returns what came of a call, for the figures."""
    if call.kind != PRESCRIBE:
        return "authority taken" if call.kind == TAKE else "authority given"
    if call.is_refused:
        return "prescription refused"
    return "outcome unknown" if call.answer is None else "prescription written"


@pytest.mark.parametrize("bug", PLANTED)
def test_the_checker_finds_a_planted_bug(stage: Stage, tmp_path: Path, bug: str) -> None:
    patch, expected = PLANTED[bug]
    (tmp_path / "sitecustomize.py").write_text(patch)
    found: list[str] = []
    with Servers(stage.world.settings, 1, PYTHONPATH=str(tmp_path)) as servers:
        race = racing(stage, servers)
        deadline = time.monotonic() + PATIENCE_S
        with race.running():
            while not found and time.monotonic() < deadline:
                time.sleep(0.5)
                found = [one for one in violations(race.calls, kept.read(stage.world)) if expected in one]

    assert found
    print(f"{bug}: {len(found)} violations, such as: {found[0]}")

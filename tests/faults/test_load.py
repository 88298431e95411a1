"""A slice of `make faults`: everybody at work on two servers, one of which is killed; nothing is lost."""

import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import make_world
from tests.faults import checks, found, history
from tests.faults.clinic import SignIns, settled_in
from tests.faults.load import Load, Targets
from tests.faults.nodes import AGAIN, Brood, Nodes
from tests.faults.operations import OK, Recorder
from tests.faults.rig import BUSY_BOUND_S
from tests.faults.works import everybody
from tests.live import free_port
from tests.world import Template, postgres_socket

WANTED = {"token", "use", "exchange code", "refresh", "prescribe", "suspend"}
PATIENCE_S = 60


def test_nothing_is_lost_when_a_server_is_killed_under_everybodys_load(
    templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
    world = make_world("postgresql", templates, tmp_path_factory)
    clinic, recorder = settled_in(world), Recorder()

    def node(name: str) -> Brood:
        return Brood(name, clinic.settings, tmp_path / f"{name}.log", port=free_port(), planted=[AGAIN])

    nodes = Nodes([node("as1"), node("as2")])
    with ExitStack() as stack:
        database = world.open()
        stack.callback(database.close)
        stack.callback(nodes.stop)
        nodes.start()
        targets = Targets(lambda: {one.name: one.url for one in nodes.all}, recorder, clinic, SignIns(clinic, database))
        with Load(targets, everybody(clinic)).running():
            _wait_until_all_did(recorder)
            nodes["as1"].kill()
            nodes["as1"].wait()
    seen = recorder.history()
    there, noted = found.look(clinic, postgres_socket())

    assert checks.violations(seen, there, BUSY_BOUND_S) == []
    assert history.violations(found.calls(seen), noted) == []
    assert found.not_verified(clinic) == []
    assert Counter(one.outcome for one in seen)[OK] > len(WANTED)


def _wait_until_all_did(recorder: Recorder) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while missing := WANTED - {one.kind for one in recorder.history() if one.outcome == OK}:
        assert time.monotonic() < deadline, missing
        time.sleep(0.05)

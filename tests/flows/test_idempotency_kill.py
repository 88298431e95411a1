"""Kill -9 around the commit of a mutation with an Idempotency-Key: whoever asks again has it done once."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.api.test_idempotency import CREATE, made, new_key, unseen
from tests.live import PATIENCE_S, Live, Process
from tests.world import StandingClock, World

# The server stops at one moment for longer than the test takes: before the answer leaves, or before anything is kept.
HELD = """
import pathlib, time
from rxauth.{module} import {owner}

def held(*_arguments):
    pathlib.Path({file!r}).touch()
    time.sleep(600)

{owner}.{name} = held
"""
MOMENTS = {
    "after the commit": ("edge", "operations", "_note_access", 1),
    "before the commit": ("domain", "kept_answers", "keep", 0),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_repeat_after_a_kill_does_nothing_twice(world: World, tmp_path: Path, moment: str) -> None:
    module, owner, name, is_done = MOMENTS[moment]
    reached = tmp_path / "reached"
    (tmp_path / "sitecustomize.py").write_text(HELD.format(module=module, owner=owner, name=name, file=str(reached)))
    live = Live(world, StandingClock(int(time.time())))
    token, key, email = live.token(world.alder), new_key(), unseen()
    body = {"query": CREATE, "variables": {"email": email}}
    headers = {"authorization": token, "idempotency-key": key}
    server = Process(world.settings, PYTHONPATH=str(tmp_path))
    with ThreadPoolExecutor(1) as threads:
        first: Future[httpx.Response] = threads.submit(server.http.post, "/graphql", json=body, headers=headers)
        deadline = time.monotonic() + PATIENCE_S
        while not reached.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        server.kill()
        assert isinstance(first.exception(), httpx.TransportError)
    assert made(live, email) == is_done

    deadline = time.monotonic() + PATIENCE_S
    answers = [live.http.post("/graphql", json=body, headers=headers) for _ in range(2)]
    while answers[0].status_code == 409:  # until PostgreSQL noticed that the process is gone
        assert time.monotonic() < deadline
        answers = [live.http.post("/graphql", json=body, headers=headers) for _ in range(2)]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["data"]["createPatient"]["email"] == email
    assert made(live, email) == 1
    live.let_go()

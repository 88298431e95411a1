"""The guide to production: what it tells to look at, looked at as it says, answers what it shows."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests import postgres
from tests.contract.test_docs import DOCS
from tests.contract.test_quickstart import Step, run_and_compare, steps
from tests.live import Live
from tests.world import StandingClock, World

ISSUER = "https://auth.example.com/"
STEPS = steps((DOCS / "guides" / "production.md").read_text())


@pytest.fixture
def https(sqlite_world: World) -> Iterator[Live]:
    """A server that is behind a proxy with https."""
    settings = replace(sqlite_world.settings, issuer=ISSUER)
    running = Live(replace(sqlite_world, settings=settings), StandingClock(int(time.time())))
    yield running
    running.let_go()


def step(beginning: str) -> Step:
    """Returns the block that begins with a command."""
    [found] = [one for one in STEPS if one.command.startswith(beginning)]
    return found


def test_from_outside_the_server_looks_as_the_guide_shows(https: Live) -> None:
    shown = step("curl")
    typed = replace(shown, command=shown.command.replace(ISSUER, f"{https.url}/"))

    assert run_and_compare([typed], DOCS, dict(os.environ)) == []


@pytest.mark.parametrize("engine", ["postgresql"])
def test_the_serving_role_is_refused_as_the_guide_shows(world: World) -> None:
    given = {"SERVING_DATABASE_URL": world.settings.database_url}
    assert f"//{postgres.SERVING}@" in world.settings.database_url

    assert run_and_compare([step("psql")], DOCS, os.environ | given) == []

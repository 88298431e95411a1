"""What every test may ask for: a world on each engine, and a server that serves it."""

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings

from tests import live as servers
from tests import memory, patience, postgres
from tests.live import Live
from tests.softhsm import VARIABLE, SoftHsm
from tests.world import StandingClock, Template, World

ENGINES = ("sqlite", "postgresql")
_started: list[memory.Folder | postgres.Cluster] = []

hypothesis_settings.register_profile("test", deadline=None, max_examples=50, print_blob=True)
hypothesis_settings.register_profile("prove", deadline=None, max_examples=1_000, print_blob=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the switch of `make prove`, and the one that takes the pictures of the guides anew."""
    parser.addoption("--pictures", action="store_true", help="keep what pages look like, for the guides that show it")
    parser.addoption("--prove", action="store_true", help="run the long proofs whole instead of a slice of each")


def pytest_configure(config: pytest.Config) -> None:
    """Starts PostgreSQL once a run: the workers of a parallel run find it in their environment."""
    hypothesis_settings.load_profile("prove" if config.getoption("--prove") else "test")
    patience.have()
    if postgres.VARIABLE not in os.environ:
        _started.append(memory.Folder())
        cluster = postgres.Cluster()
        _started.append(cluster)
        os.environ[postgres.VARIABLE] = str(cluster.folder)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Has the garbage collector leave alone what was collected: it stays, and to look through it takes a second."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(5_000)
        gc.enable()


def pytest_unconfigure() -> None:
    """Stops what this process started."""
    servers.wait_for_all()
    for one in reversed(_started):
        one.remove()


@pytest.fixture(scope="session")
def is_whole(request: pytest.FixtureRequest) -> bool:
    """Whether a proof runs whole, or a slice of it."""
    return bool(request.config.getoption("--prove"))


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """The worlds that are copied, made when they are first asked for."""
    return {}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each of the two engines in turn."""
    return str(request.param)


def make_world(engine: str, templates: dict[str, Template], factory: pytest.TempPathFactory) -> World:
    """Returns a fresh world on an engine."""
    if engine not in templates:
        templates[engine] = Template(factory.mktemp(engine), engine)
    return templates[engine].copy()


@pytest.fixture
def world(engine: str, templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world on each engine."""
    made = make_world(engine, templates, tmp_path_factory)
    yield made
    templates[engine].take_back(made)


@pytest.fixture
def softhsm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SoftHsm:
    """A security module of one test, which every process finds that the test starts."""
    made = SoftHsm(tmp_path)
    monkeypatch.setenv(VARIABLE, str(made.file))
    made.initialize()
    return made


@pytest.fixture
def clock() -> StandingClock:
    """A clock that stands still."""
    return StandingClock()


@pytest.fixture
def live(world: World, clock: StandingClock) -> Iterator[Live]:
    """A server on each engine."""
    running = Live(world, clock)
    yield running
    running.let_go()


@pytest.fixture
def sqlite_world(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world on SQLite, for what does not depend on the engine."""
    made = make_world("sqlite", templates, tmp_path_factory)
    yield made
    templates["sqlite"].take_back(made)


@pytest.fixture
def sqlite_live(sqlite_world: World, clock: StandingClock) -> Iterator[Live]:
    """A server on SQLite, for what does not depend on the engine."""
    running = Live(sqlite_world, clock)
    yield running
    running.let_go()

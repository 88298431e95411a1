"""What the API's tests may ask for beside the common fixtures: servers that several tests share."""

from collections.abc import Iterator

import pytest

from tests.api.answers import Clinics
from tests.live import Live
from tests.world import Template


@pytest.fixture(scope="session")
def clinics(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinics]:
    """The shared servers, started when they are first asked for."""
    running = Clinics(templates, tmp_path_factory)
    yield running
    running.stop()


@pytest.fixture
def clinic(clinics: Clinics, engine: str) -> Live:
    """A server on each engine, for tests that change only what they made themselves."""
    return clinics.serve(engine)


@pytest.fixture
def token(clinic: Live) -> str:
    """A token for that server, with all that a machine has from the start."""
    return clinic.token(clinic.world.alder)


@pytest.fixture(scope="session")
def reading(clinics: Clinics) -> Live:
    """A server on SQLite for tests that only read."""
    return clinics.serve("sqlite", "reading")


@pytest.fixture(scope="session")
def reader(reading: Live) -> str:
    """A token for that server, with all that a machine has from the start."""
    return reading.token(reading.world.alder)

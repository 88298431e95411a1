"""What the tests of the nouns may ask for beside the common fixtures: databases that several tests share."""

from collections.abc import Iterator

import pytest

from tests.conftest import make_world
from tests.undone import Undone
from tests.world import Template


@pytest.fixture(scope="session")
def undone_worlds(
    templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Undone]]:
    """A database on each engine, opened when it is first asked for."""
    opened = _Opened(templates, tmp_path_factory)
    yield opened
    for one in opened.values():
        one.database.close()


@pytest.fixture
def undone(undone_worlds: dict[str, Undone], engine: str) -> Undone:
    """Writes on each engine that nobody keeps."""
    return undone_worlds[engine]


class _Opened(dict[str, Undone]):
    def __init__(self, templates: dict[str, Template], factory: pytest.TempPathFactory) -> None:
        super().__init__()
        self._templates = templates
        self._factory = factory

    def __missing__(self, engine: str) -> Undone:
        world = make_world(engine, self._templates, self._factory)
        self[engine] = Undone(world.open(), world.alder.organization_id)
        return self[engine]

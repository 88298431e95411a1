"""Audiences: what may be one, and that each is its organization's own."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from rxauth.domain import audiences
from rxauth.domain.audiences import Audience
from rxauth.domain.errors import AbsentError, DomainError, ExistsError, InvalidError
from rxauth.storage.database import Database
from tests.world import AUDIENCE, NOW, World

RESERVED = frozenset({AUDIENCE})
IDENTIFIER = "https://api.alder.example/notes"


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def an_audience(world: World) -> Audience:
    """Returns an audience that may be registered."""
    return Audience(world.alder.organization_id, IDENTIFIER, 900, "ES256", NOW)


def add(database: Database, new: Audience) -> None:
    """Registers an audience."""
    database.write(lambda tx: audiences.add(tx, new, reserved=RESERVED))


def test_an_audience_is_found_by_its_organization_alone_and_byte_for_byte(world: World, database: Database) -> None:
    new = an_audience(world)
    add(database, new)
    alder, birch = world.alder.organization_id, world.birch.organization_id
    assert database.read(lambda tx: audiences.find(tx, alder, IDENTIFIER)) == new
    assert database.read(lambda tx: audiences.of_organization(tx, alder)) == [new]
    assert database.read(lambda tx: audiences.of_organization(tx, birch)) == []
    for organization, identifier in ((birch, IDENTIFIER), (alder, IDENTIFIER + "/"), (alder, IDENTIFIER.upper())):
        assert database.read(lambda tx, one=organization, two=identifier: audiences.find(tx, one, two)) is None  # type: ignore[misc]
    add(database, replace(new, organization_id=birch))
    assert len(database.read(audiences.all_of_them)) == 2
    with pytest.raises(ExistsError):
        add(database, new)


REFUSED: dict[str, tuple[dict[str, object], type[DomainError]]] = {
    "no URL": ({"identifier": "notes"}, InvalidError),
    "no host": ({"identifier": "https:///notes"}, InvalidError),
    "a broken host": ({"identifier": "https://[::1"}, InvalidError),
    "plain http": ({"identifier": "http://api.alder.example"}, InvalidError),
    "a fragment": ({"identifier": IDENTIFIER + "#"}, InvalidError),
    "a space": ({"identifier": IDENTIFIER + " "}, InvalidError),
    "a line break": ({"identifier": IDENTIFIER + "\n"}, InvalidError),
    "too long": ({"identifier": IDENTIFIER + "x" * 500}, InvalidError),
    "the server's own": ({"identifier": AUDIENCE}, InvalidError),
    "the server's own, with a slash": ({"identifier": f"{AUDIENCE}/"}, InvalidError),
    "too short a life": ({"lifetime_s": 59}, InvalidError),
    "too long a life": ({"lifetime_s": 86_401}, InvalidError),
    "a shared secret": ({"algorithm": "HS256"}, InvalidError),
    "no signature": ({"algorithm": "none"}, InvalidError),
    "no organization": ({"organization_id": "org_nothing"}, AbsentError),
}


@pytest.mark.parametrize(("changes", "error"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_an_audience(
    world: World, database: Database, changes: dict[str, object], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        add(database, replace(an_audience(world), **changes))  # type: ignore[arg-type]
    assert database.read(audiences.all_of_them) == []

"""The keys of SAML connections: one at first, two while they change, and nobody else's."""

from dataclasses import replace

import pytest

from rxauth.crypto.certificates import KeyPair, new_key_pair
from rxauth.crypto.sealing import CannotUnsealError
from rxauth.domain import saml_keys
from rxauth.domain.connection_settings import Mapping, SamlSettings
from rxauth.domain.connections import Connection
from rxauth.domain.errors import AbsentError, ExistsError
from rxauth.storage.database import Database
from tests.domain.test_connections import KEY, WANTED, add, database
from tests.world import NOW, World

__all__ = ["database"]
FIRST, SECOND, THIRD = (new_key_pair(name, NOW, saml_keys.VALID_FOR_S) for name in ("one", "two", "three"))


def _connection(database: Database, world: World, name: str = "alder-adfs") -> Connection:
    settings = SamlSettings("https://idp.example", "https://idp.example/sso", "redirect", ())
    wanted = replace(WANTED, name=name, settings=settings, mapping=Mapping(), secret=None)
    return add(database, world.alder.organization_id, wanted)


def _states(database: Database, connection: Connection) -> dict[str, str]:
    found = database.read(lambda tx: saml_keys.descriptions(tx, connection))
    return {one.state: one.fingerprint for one in found}


def _names(**keys: KeyPair) -> dict[str, str]:
    return {state: key.certificate.fingerprint for state, key in keys.items()}


def test_a_connection_has_no_key_until_one_is_made_and_then_that_one(database: Database, world: World) -> None:
    mine, others = _connection(database, world), _connection(database, world, "alder-okta")
    assert database.read(lambda tx: saml_keys.load(tx, mine, KEY)) is None

    for made in (FIRST, SECOND):
        database.write(lambda tx, made=made: saml_keys.make_first(tx, mine, made, KEY, NOW))  # type: ignore[misc]

    keys = database.read(lambda tx: saml_keys.load(tx, mine, KEY))
    assert keys is not None
    assert [one.certificate for one in keys.published] == [FIRST.certificate]
    assert keys.published[0].sign(b"x") == FIRST.sign(b"x")
    assert database.read(lambda tx: saml_keys.load(tx, others, KEY)) is None
    with pytest.raises(CannotUnsealError):
        database.read(lambda tx: saml_keys.load(tx, mine, bytes(32)))


def test_a_key_is_published_before_it_signs_and_opened_after_it_did(database: Database, world: World) -> None:
    mine = _connection(database, world)

    def change(made: KeyPair) -> None:
        database.write(lambda tx: saml_keys.announce(tx, mine, made, KEY, NOW + 1))

    database.write(lambda tx: saml_keys.make_first(tx, mine, FIRST, KEY, NOW))
    with pytest.raises(AbsentError):
        database.write(lambda tx: saml_keys.switch(tx, mine))
    change(SECOND)
    assert _states(database, mine) == _names(current=FIRST, next=SECOND)
    with pytest.raises(ExistsError):
        change(THIRD)
    database.write(lambda tx: saml_keys.switch(tx, mine))
    assert _states(database, mine) == _names(previous=FIRST, current=SECOND)
    change(THIRD)
    database.write(lambda tx: saml_keys.take_back(tx, mine))
    with pytest.raises(AbsentError):
        database.write(lambda tx: saml_keys.take_back(tx, mine))
    change(THIRD)
    database.write(lambda tx: saml_keys.switch(tx, mine))
    assert _states(database, mine) == _names(previous=SECOND, current=THIRD)
    keys = database.read(lambda tx: saml_keys.load(tx, mine, KEY))
    assert keys is not None
    assert [[one.certificate for one in some] for some in (keys.published, keys.retired)] == [
        [THIRD.certificate],
        [SECOND.certificate],
    ]

"""Signing keys: three states, what each may do and for how long, and one first pair however many processes start."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from rxauth.app import make_keys
from rxauth.crypto.jws import Algorithm, SigningKey, new_signing_key
from rxauth.crypto.sealing import CannotUnsealError
from rxauth.domain import signing_keys
from rxauth.domain.errors import DomainError
from rxauth.domain.signing_keys import KeyRing, KeyState, TooEarlyError
from rxauth.storage.database import ConflictError, Database, Transaction
from tests.live import Live, decode
from tests.security.forging import READ, accepted, refusal
from tests.world import NOW, StandingClock, World

MADE_AT = NOW - 86_400  # when the world made its keys
PUBLISHED_FOR_S = 300
VERIFY_FOR_S = 3_600
SPARE_KEYS = (new_signing_key(), new_signing_key())


@contextmanager
def _open(world: World) -> Iterator[Database]:
    database = world.open()
    try:
        yield database
    finally:
        database.close()


def _ring(database: Database, world: World) -> KeyRing:
    return database.read(lambda tx: signing_keys.load_ring(tx, world.settings.sealing_key))


def _rotate(database: Database, world: World, now: int, made: SigningKey = SPARE_KEYS[0]) -> None:
    def work(transaction: Transaction) -> tuple[str, str]:
        return signing_keys.rotate(
            transaction,
            made,
            world.settings.sealing_key,
            now,
            published_for_s=PUBLISHED_FOR_S,
            verify_for_s=VERIFY_FOR_S,
        )

    database.write(work)


def _states(ring: KeyRing, algorithm: str = "RS256") -> dict[str, KeyState]:
    return {key_id: one.state for key_id, one in ring.descriptions.items() if one.algorithm == algorithm}


def _published(live: Live, algorithm: str = "RS256") -> set[str]:
    keys = live.http.get("/.well-known/jwks.json").json()["keys"]
    return {key["kid"] for key in keys if key["alg"] == algorithm}


def _rows(database: Database, columns: str) -> list[Any]:
    query = f"SELECT {columns} FROM signing_keys WHERE algorithm = 'RS256' ORDER BY state, id"
    return list(database.read(lambda tx: tx.connection.exec_driver_sql(query).all()))


def _run(database: Database, statement: str) -> None:
    database.write(lambda tx: tx.connection.exec_driver_sql(statement))


def test_the_first_pair_is_a_key_that_signs_and_one_that_comes_next(world: World) -> None:
    with _open(world) as database:
        ring = _ring(database, world)

        assert _states(ring) == {world.current_key.key_id: KeyState.CURRENT, world.next_key.key_id: KeyState.NEXT}
        assert ring.current.key_id == world.current_key.key_id
        published = {key["kid"] for key in ring.key_set(NOW) if key["alg"] == "RS256"}
        assert published == {world.current_key.key_id, world.next_key.key_id}


def test_private_halves_are_sealed_in_the_database(world: World) -> None:
    with _open(world) as database:
        for key, (sealed,) in zip((world.current_key, world.next_key), _rows(database, "sealed_private"), strict=True):
            assert key.to_der() not in bytes(sealed)
            assert isinstance(key.private, rsa.RSAPrivateKey)
            assert key.private.private_numbers().d.to_bytes(256)[:16] not in bytes(sealed)
        for (published,) in _rows(database, "public_jwk"):
            assert '"d"' not in published


def test_a_rotation_moves_every_key_one_state_on(world: World) -> None:
    with _open(world) as database:
        made = SPARE_KEYS[1]
        _rotate(database, world, NOW, made)
        ring = _ring(database, world)

        assert _states(ring) == {
            world.current_key.key_id: KeyState.PREVIOUS,
            world.next_key.key_id: KeyState.CURRENT,
            made.key_id: KeyState.NEXT,
        }
        assert ring.current.key_id == world.next_key.key_id
        assert isinstance(ring.current, SigningKey)
        assert ring.current.to_der() == world.next_key.to_der()
        assert ring.descriptions[world.current_key.key_id].verify_until == NOW + VERIFY_FOR_S


def test_the_private_half_is_deleted_when_a_key_becomes_previous(world: World) -> None:
    with _open(world) as database:
        _rotate(database, world, NOW)
        _rotate(database, world, NOW + PUBLISHED_FOR_S, SPARE_KEYS[1])
        kept = {state: sealed is not None for state, sealed in _rows(database, "state, sealed_private")}

        assert kept == {"current": True, "next": True, "previous": False}


@pytest.mark.parametrize("after_s", [-1, 0, 1, PUBLISHED_FOR_S - 1])
def test_a_rotation_before_every_verifier_can_know_the_next_key_is_refused(world: World, after_s: int) -> None:
    with _open(world) as database:
        before = _states(_ring(database, world))
        with pytest.raises(TooEarlyError, match=f"rotate again in {PUBLISHED_FOR_S - after_s} s"):
            _rotate(database, world, MADE_AT + after_s)
        assert _states(_ring(database, world)) == before

        _rotate(database, world, MADE_AT + PUBLISHED_FOR_S)
        assert _ring(database, world).current.key_id == world.next_key.key_id


def test_a_previous_key_verifies_until_its_time_and_then_is_gone_from_verification_and_key_set(live: Live) -> None:
    token = live.token(live.world.alder)
    _rotate(live.server.database, live.world, NOW)
    previous = live.world.current_key.key_id
    live.clock.advance(VERIFY_FOR_S - 1)

    assert previous in _published(live)
    assert accepted(live.graphql(token, READ))
    assert decode(live.token(live.world.alder))[0]["kid"] == live.world.next_key.key_id

    live.clock.advance(1)
    assert previous not in _published(live)
    assert len(_published(live)) == 2
    refusal(live, token)


def test_a_key_that_is_not_published_is_not_found(world: World) -> None:
    with _open(world) as database:
        _rotate(database, world, NOW)
        ring, previous = _ring(database, world), world.current_key.key_id

        assert ring.verification_key(previous, NOW + VERIFY_FOR_S - 1) is not None
        assert ring.verification_key(previous, NOW + VERIFY_FOR_S) is None
        assert ring.verification_key(world.next_key.key_id, NOW) is not None
        unknown: list[object] = ["", "unknown", None, 1, [], {}]
        assert [ring.verification_key(name, NOW) for name in unknown] == [None] * len(unknown)


def test_another_sealing_key_opens_nothing(world: World) -> None:
    with _open(world) as database, pytest.raises(CannotUnsealError):
        database.read(lambda tx: signing_keys.load_ring(tx, bytes(32)))


def test_a_sealed_private_half_cannot_stand_in_for_that_of_another_key(world: World) -> None:
    with _open(world) as database:
        _run(
            database,
            "UPDATE signing_keys SET sealed_private = (SELECT other.sealed_private FROM signing_keys AS other"
            " WHERE other.state = 'next' AND other.algorithm = 'RS256') WHERE state = 'current'",
        )
        with pytest.raises(CannotUnsealError):
            _ring(database, world)


def test_an_installation_without_keys_says_so(world: World) -> None:
    with _open(world) as database:
        _run(database, "DELETE FROM signing_keys")

        assert not database.read(signing_keys.exist)
        with pytest.raises(DomainError, match="start the server once"):
            _ring(database, world)
        with pytest.raises(DomainError, match="start the server once"):
            _rotate(database, world, NOW)


def test_a_second_start_makes_no_second_pair(world: World) -> None:
    with _open(world) as database:
        make_keys(world.settings, database, StandingClock())
        before = _rows(database, "id, state, public_jwk, sealed_private")
        make_keys(world.settings, database, StandingClock())
        pair = SPARE_KEYS
        made = database.write(lambda tx: signing_keys.make_first(tx, pair, world.settings.sealing_key, NOW))

        assert made is False
        assert _rows(database, "id, state, public_jwk, sealed_private") == before


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA"])
def test_an_installation_of_an_older_version_gains_the_keys_of_an_algorithm_at_start(
    world: World, algorithm: Algorithm
) -> None:
    """The older version had RS256 alone; a rotation moves the keys of one algorithm and no others."""
    with _open(world) as database:
        _run(database, f"DELETE FROM signing_keys WHERE algorithm = '{algorithm}'")
        make_keys(world.settings, database, StandingClock())
        ring, made = _ring(database, world), new_signing_key(algorithm)
        assert sorted(_states(ring, algorithm).values()) == [KeyState.CURRENT, KeyState.NEXT]
        assert {key["kid"] for key in ring.key_set(NOW)} >= _states(ring, algorithm).keys()

        _rotate(database, world, NOW + PUBLISHED_FOR_S, made)
        after = _ring(database, world)
        assert after.current.key_id == ring.current.key_id
        assert _states(after, algorithm)[ring.signing[algorithm].key_id] is KeyState.PREVIOUS
        assert _states(after, algorithm)[made.key_id] is KeyState.NEXT


@pytest.mark.parametrize("state", ["next", "current"])
def test_the_database_itself_refuses_two_keys_of_a_state(world: World, state: str) -> None:
    with _open(world) as database, pytest.raises(ConflictError):
        _run(
            database,
            "INSERT INTO signing_keys (id, algorithm, state, public_jwk, sealed_private, created_at, verify_until)"
            f" SELECT 'another', algorithm, state, public_jwk, sealed_private, created_at, verify_until"
            f" FROM signing_keys WHERE state = '{state}'",
        )


def _while_open(
    world: World, first: Callable[[Transaction], Any], second: Callable[[Database], Any]
) -> list[Exception]:
    """Runs `second` on a connection of its own while `first` has done its work and not committed it.

    Returns what `second` raised, and after both have ended.
    """
    raised: list[Exception] = []

    def run_second() -> None:
        with _open(world) as database:
            try:
                second(database)
            except (ConflictError, DomainError) as error:
                raised.append(error)

    thread = threading.Thread(target=run_second)

    def work(transaction: Transaction) -> None:
        first(transaction)
        thread.start()
        _wait_until_blocked(world, thread)

    with _open(world) as database:
        database.write(work)
    thread.join()
    return raised


def _wait_until_blocked(world: World, thread: threading.Thread) -> None:
    """Waits until PostgreSQL shows that the other waits for us; SQLite does not show it, and lets nobody else begin."""
    if world.settings.database_url.startswith("sqlite"):
        thread.join(0.5)
        return
    waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    with _open(world) as watching:
        while thread.is_alive() and not watching.read(lambda tx: tx.connection.exec_driver_sql(waiting).all()):
            time.sleep(0.01)


def test_processes_that_start_at_once_make_one_pair_and_both_start(world: World) -> None:
    """The race is held open: the second looks for keys before the first has committed its own."""
    pair, key = SPARE_KEYS, world.settings.sealing_key
    with _open(world) as database:
        _run(database, "DELETE FROM signing_keys")
        raised = _while_open(
            world,
            lambda tx: signing_keys.make_first(tx, pair, key, NOW),
            lambda other: make_keys(world.settings, other, StandingClock()),
        )

        assert raised == []
        assert _states(_ring(database, world)) == {pair[0].key_id: KeyState.CURRENT, pair[1].key_id: KeyState.NEXT}


def test_rotations_at_once_are_one_rotation(world: World) -> None:
    """The race is held open: the second reads the states before the first has committed its change."""
    made, key = SPARE_KEYS[1], world.settings.sealing_key
    raised = _while_open(
        world,
        lambda tx: signing_keys.rotate(tx, made, key, NOW, published_for_s=PUBLISHED_FOR_S, verify_for_s=VERIFY_FOR_S),
        lambda other: _rotate(other, world, NOW),
    )

    assert [type(error) for error in raised] == [TooEarlyError]
    with _open(world) as database:
        assert _states(_ring(database, world)) == {
            world.current_key.key_id: KeyState.PREVIOUS,
            world.next_key.key_id: KeyState.CURRENT,
            made.key_id: KeyState.NEXT,
        }

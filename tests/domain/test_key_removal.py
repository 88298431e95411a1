"""The removal of keys before their time: what goes, what signs instead, and since when verifiers know that."""

import pytest

from rxauth.crypto.jws import SigningKey, new_signing_key
from rxauth.crypto.sealing import CannotUnsealError
from rxauth.domain import key_removal, signing_keys
from rxauth.domain.errors import AbsentError, InvalidError, StaleError
from rxauth.domain.key_removal import Removed
from rxauth.domain.signing_keys import KeyState
from rxauth.storage.database import Database
from tests.domain.test_signing_keys import _open, _ring, _rotate, _rows, _states, _while_open
from tests.world import NOW, World

MADE_AT = NOW - 86_400  # when the world made its keys
PUBLISHED_FOR_S = 300
SPARE_KEYS = (new_signing_key(), new_signing_key())


def _remove(
    database: Database, world: World, *key_ids: str, made: tuple[SigningKey, ...] = SPARE_KEYS, now: int = NOW
) -> list[Removed]:
    key = world.settings.sealing_key
    return database.write(lambda tx: key_removal.remove(tx, key_ids, made, key, now, published_for_s=PUBLISHED_FOR_S))


def test_in_place_of_the_key_that_signs_the_next_one_does_and_another_is_published(world: World) -> None:
    current, coming = world.current_key.key_id, world.next_key.key_id
    with _open(world) as database:
        assert database.read(lambda tx: key_removal.wanted(tx, [current], NOW)) == ["RS256"]
        [removed] = _remove(database, world, current)
        ring = _ring(database, world)

        assert removed == Removed(
            current, "RS256", KeyState.CURRENT, coming, MADE_AT + PUBLISHED_FOR_S, SPARE_KEYS[0].key_id
        )
        assert _states(ring) == {
            current: KeyState.PREVIOUS,
            coming: KeyState.CURRENT,
            SPARE_KEYS[0].key_id: KeyState.NEXT,
        }
        assert ring.current.key_id == coming
        assert current not in {one["kid"] for one in ring.key_set(NOW)}


def test_what_is_removed_verifies_nothing_whatever_the_clock_of_a_process_says(world: World) -> None:
    with _open(world) as database:
        _remove(database, world, world.current_key.key_id)
        ring = _ring(database, world)
        for moment in (0, NOW - 3_600, NOW, NOW + 3_600):
            assert ring.verification_key(world.current_key.key_id, moment) is None
            assert world.current_key.key_id not in {one["kid"] for one in ring.key_set(moment)}
        [(until,)] = [(row.verify_until,) for row in _rows(database, "state, verify_until") if row.state == "previous"]
        assert until == NOW  # for a process of an older version, its time is over


def test_the_private_half_is_deleted(world: World) -> None:
    with _open(world) as database:
        _remove(database, world, world.current_key.key_id)
        assert {row.state: row.sealed_private is None for row in _rows(database, "state, sealed_private")} == {
            "current": False,
            "next": False,
            "previous": True,
        }


def test_a_next_key_that_goes_is_replaced_and_the_current_one_goes_on(world: World) -> None:
    current, coming = world.current_key.key_id, world.next_key.key_id
    with _open(world) as database:
        [removed] = _remove(database, world, coming)
        assert (removed.state, removed.signing, removed.coming) == (KeyState.NEXT, current, SPARE_KEYS[0].key_id)
        assert _ring(database, world).current.key_id == current


def test_when_both_go_a_new_key_signs_that_no_verifier_knows_yet(world: World) -> None:
    current, coming = world.current_key.key_id, world.next_key.key_id
    with _open(world) as database:
        assert database.read(lambda tx: key_removal.wanted(tx, [current, coming], NOW)) == ["RS256", "RS256"]
        removed = _remove(database, world, current, coming)
        ring = _ring(database, world)

        assert {one.id for one in removed} == {current, coming}
        assert {one.signing for one in removed} == {SPARE_KEYS[0].key_id} == {ring.current.key_id}
        assert {one.known_at for one in removed} == {NOW + PUBLISHED_FOR_S}
        assert {one["kid"] for one in ring.key_set(NOW) if one["alg"] == "RS256"} == {one.key_id for one in SPARE_KEYS}


def test_a_next_key_that_was_just_published_signs_at_once_and_it_is_said_when_it_is_known(world: World) -> None:
    with _open(world) as database:
        _rotate(database, world, NOW, SPARE_KEYS[0])
        [removed] = _remove(database, world, world.next_key.key_id, made=SPARE_KEYS[1:], now=NOW + 1)
        assert (removed.signing, removed.known_at) == (SPARE_KEYS[0].key_id, NOW + PUBLISHED_FOR_S)


def test_a_previous_key_goes_and_nothing_else_changes(world: World) -> None:
    with _open(world) as database:
        _rotate(database, world, NOW)
        before = _ring(database, world)
        previous = world.current_key.key_id
        assert database.read(lambda tx: key_removal.wanted(tx, [previous], NOW)) == []
        [removed] = _remove(database, world, previous, made=())
        after = _ring(database, world)

        assert (removed.state, removed.signing) == (KeyState.PREVIOUS, world.next_key.key_id)
        assert after.verification_key(previous, NOW) is None
        assert _states(after) == _states(before)


def test_keys_of_several_algorithms_go_together(world: World) -> None:
    with _open(world) as database:
        signing = _ring(database, world).signing
        gone = [one.key_id for one in signing.values()]
        made = tuple(new_signing_key(one) for one in signing)
        removed = _remove(database, world, *gone, made=made)
        ring = _ring(database, world)

        assert [one.id for one in removed] == gone
        assert all(ring.signing[one.algorithm].key_id == one.signing for one in removed)
        assert not {one["kid"] for one in ring.key_set(NOW)} & set(gone)


def test_what_cannot_be_removed_is_refused_and_nothing_changes(world: World) -> None:
    current = world.current_key.key_id
    with _open(world) as database:
        _rotate(database, world, NOW)
        before = _rows(database, "*")
        for key_ids, now, error in (
            ([world.next_key.key_id, "unknown"], NOW, AbsentError),
            ([current, current], NOW, InvalidError),
            ([current], NOW + 3_600, AbsentError),  # it is retired by then
        ):
            with pytest.raises(error):
                _remove(database, world, *key_ids, now=now)
        with pytest.raises(StaleError):
            _remove(database, world, world.next_key.key_id, made=())
        with pytest.raises(CannotUnsealError):
            database.write(lambda tx: key_removal.remove(tx, [current], (), bytes(32), NOW, published_for_s=0))
        assert _rows(database, "*") == before

        _remove(database, world, current, made=())
        with pytest.raises(AbsentError, match="was removed already"):
            _remove(database, world, current)


def test_a_removal_while_the_keys_are_rotated_waits_and_removes_what_was_named(world: World) -> None:
    """The race is held open: when the removal reads the keys, the rotation has not committed."""
    current, made, key = world.current_key.key_id, SPARE_KEYS[1], world.settings.sealing_key
    raised = _while_open(
        world,
        lambda tx: signing_keys.rotate(tx, made, key, NOW, published_for_s=0, verify_for_s=3_600),
        lambda other: _remove(other, world, current),
    )
    assert raised == []
    with _open(world) as database:
        ring = _ring(database, world)
        assert ring.current.key_id == world.next_key.key_id
        assert ring.verification_key(current, NOW) is None
        assert ring.verification_key(made.key_id, NOW) is not None

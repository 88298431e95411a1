"""The schedule of the signing keys: what is due, that it is done once, and that nobody who verifies notices."""

import asyncio
import dataclasses
import threading
from collections.abc import Iterator

import pytest

from rxauth.app import make_app, make_server
from rxauth.domain import signing_keys
from rxauth.domain.audit import Event
from rxauth.domain.signing_keys import KeyState
from rxauth.oauth.key_schedule import KeySchedule
from rxauth.oauth.server import Server
from tests.domain.test_audit import entries
from tests.lifespan import living
from tests.world import NOW, StandingClock, World

DAYS = 90
EVERY_S = DAYS * 86_400
MADE_AT = NOW - 86_400  # when the world made its keys


@pytest.fixture
def server(world: World, clock: StandingClock) -> Iterator[Server]:
    """A server of the world, without its edge."""
    made = make_server(world.settings, clock)
    yield made
    made.database.close()


def states(server: Server) -> dict[str, KeyState]:
    """Returns the state of each key that the database has."""
    return {one.id: one.state for one in server.database.read(signing_keys.descriptions)}


def test_the_next_key_takes_over_when_its_time_has_come_and_not_before(
    world: World, server: Server, clock: StandingClock
) -> None:
    schedule = KeySchedule(server, EVERY_S)
    clock.advance(MADE_AT + EVERY_S - NOW - 1)
    assert schedule.work_once() == []
    assert server.keys.ring.current.key_id == world.current_key.key_id

    clock.advance(1)
    rotated = schedule.work_once()
    assert {(one.current, one.previous) for one in rotated} >= {(world.next_key.key_id, world.current_key.key_id)}
    assert len(rotated) == 3
    assert server.keys.ring.current.key_id == world.next_key.key_id
    assert schedule.work_once() == []
    clock.advance(EVERY_S - 1)
    assert schedule.work_once() == []
    clock.advance(1)
    assert {one.current for one in schedule.work_once()} == {one.coming for one in rotated}

    recorded = entries(world, Event.KEYS_ROTATED)
    assert [one["actor"] for one in recorded] == [{"kind": "schedule", "id": None}] * 6
    assert {(one["target"], one["previous"]) for one in recorded} >= {(one.current, one.previous) for one in rotated}


def test_a_rotated_key_verifies_until_its_last_token_has_expired_and_then_leaves_the_key_set(
    world: World, server: Server, clock: StandingClock
) -> None:
    clock.advance(EVERY_S)
    rotated_at = clock.seconds()
    KeySchedule(server, EVERY_S).work_once()
    ring, previous = server.keys.ring, world.current_key.key_id
    until = ring.descriptions[previous].verify_until
    assert until is not None
    assert until > rotated_at + server.lifetimes.machine_token_s
    for moment, is_there in ((until - 1, True), (until, False)):
        assert (previous in {one["kid"] for one in ring.key_set(moment)}) is is_there
        assert (ring.verification_key(previous, moment) is not None) is is_there


def test_an_interval_shorter_than_verifiers_keep_the_key_set_is_as_long_as_that(
    server: Server, clock: StandingClock
) -> None:
    schedule = KeySchedule(server, 1)
    assert len(schedule.work_once()) == 3
    clock.advance(server.lifetimes.key_set_s + server.feed.bound_s - 1)
    assert schedule.work_once() == []
    clock.advance(1)
    assert len(schedule.work_once()) == 3


def test_only_the_algorithms_that_are_due_are_rotated(server: Server, clock: StandingClock) -> None:
    clock.advance(EVERY_S)
    recently = f"UPDATE signing_keys SET created_at = {clock.seconds() - 5} WHERE algorithm = 'RS256'"
    server.database.write(lambda tx: tx.connection.exec_driver_sql(recently))
    before = server.keys.ring.current.key_id
    rotated = KeySchedule(server, EVERY_S).work_once()

    assert server.keys.ring.current.key_id == before
    described = {one.id: one.algorithm for one in server.database.read(signing_keys.descriptions)}
    assert sorted(described[one.current] for one in rotated) == ["ES256", "EdDSA"]


def test_of_several_servers_that_look_at_once_one_rotates(world: World, clock: StandingClock) -> None:
    clock.advance(EVERY_S)
    servers = [make_server(world.settings, clock) for _ in range(4)]
    together, done = threading.Barrier(len(servers)), []

    def look(server: Server) -> None:
        together.wait()
        done.extend(KeySchedule(server, EVERY_S).work_once())

    threads = [threading.Thread(target=look, args=(one,)) for one in servers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = sorted(states(servers[0]).values())
    for server in servers:
        server.database.close()

    assert len(done) == len(entries(world, Event.KEYS_ROTATED)) == 3
    assert found == sorted([KeyState.PREVIOUS, KeyState.CURRENT, KeyState.NEXT] * 3)


@pytest.mark.parametrize(("days", "is_rotated"), [(DAYS, True), (0, False)])
def test_a_server_does_it_beside_its_requests_if_the_settings_ask_for_it(
    sqlite_world: World, clock: StandingClock, days: int, is_rotated: bool
) -> None:
    clock.advance(EVERY_S)
    app = make_app(dataclasses.replace(sqlite_world.settings, key_rotation_days=days), clock)

    async def serve() -> None:
        async with living(app):
            while is_rotated and not entries(sqlite_world, Event.KEYS_ROTATED):
                await asyncio.sleep(0.01)

    asyncio.run(serve())
    assert bool(entries(sqlite_world, Event.KEYS_ROTATED)) is is_rotated

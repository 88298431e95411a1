"""Reads of clients in groups, with a read held open by hand."""

import asyncio
from collections.abc import Iterable, Mapping
from functools import partial

from rxauth.domain import clients
from rxauth.domain.clients import Client, load_all
from rxauth.edge.grouped_reads import GroupedReads
from rxauth.ids import new_client_id
from rxauth.storage.database import Database, DatabaseUnavailableError
from tests.world import World


class Held:
    """Reads from a database, one held read after the other. groups: what was asked for together."""

    def __init__(self, database: Database) -> None:
        self.groups: list[list[str]] = []
        self.may_go = asyncio.Event()
        self._database = database

    async def __call__(self, client_ids: Iterable[str]) -> Mapping[str, Client]:
        """Reads when it may."""
        self.groups.append(list(client_ids))
        await self.may_go.wait()
        return await asyncio.to_thread(self._database.read, lambda tx: load_all(tx, self.groups[-1]))


async def _held(
    reads: GroupedReads[Client], held: Held, client_ids: Iterable[str]
) -> list[asyncio.Task[Client | None]]:
    asked = [asyncio.create_task(reads.read(one)) for one in client_ids]
    while not held.groups:
        await asyncio.sleep(0)
    return asked


def test_clients_that_come_during_a_read_are_read_together_by_the_next(world: World) -> None:
    database, nobody = world.open(), [new_client_id() for _ in range(20)]
    known = [world.alder.client_id, world.birch.client_id]

    async def story() -> list[list[str]]:
        held = Held(database)
        reads = GroupedReads(held)
        first = await _held(reads, held, [known[0]])
        others = await _held(reads, held, [*nobody, *known, *known])
        await asyncio.sleep(0)
        held.may_go.set()
        found = await asyncio.gather(*first, *others)
        assert [one and one.id for one in found] == [known[0], *[None] * 20, *known, *known]
        return held.groups

    assert asyncio.run(story()) == [[known[0]], [*nobody, *known]]
    database.close()


def test_clients_read_together_are_what_each_is_alone(world: World) -> None:
    database = world.open()
    both = {
        one: database.read(partial(clients.load, client_id=one))
        for one in (world.alder.client_id, world.birch.client_id)
    }
    for number in range(5):
        made_up = [new_client_id() for _ in range(number)]
        assert database.read(partial(load_all, client_ids=[*made_up, "nobody's", *both])) == both
    assert database.read(partial(load_all, client_ids=[])) == {}
    database.close()


def test_everybody_hears_of_a_read_that_fails_and_whoever_gives_up_takes_nobody_along(sqlite_world: World) -> None:
    database, known = sqlite_world.open(), sqlite_world.alder.client_id

    async def story() -> None:
        held = Held(database)
        reads = GroupedReads(held)
        asked = await _held(reads, held, [known, known, new_client_id()])
        await asyncio.sleep(0)
        asked[0].cancel()
        held.may_go.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in answers] == [asyncio.CancelledError, Client, type(None)]

        async def fails(_client_ids: Iterable[str]) -> Mapping[str, Client]:
            raise DatabaseUnavailableError

        away = GroupedReads(fails)
        failed = await asyncio.gather(*(away.read(new_client_id()) for _ in range(3)), return_exceptions=True)
        assert [type(one) for one in failed] == [DatabaseUnavailableError] * 3

    asyncio.run(story())
    database.close()

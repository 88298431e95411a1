"""Compiled statements: one for all the pools of a process that are alike."""

import uuid
from typing import Any

from sqlalchemy import column, literal_column, select
from sqlalchemy.engine.interfaces import CacheStats

from rxauth.storage.engines import open_engines
from tests.world import World


def test_what_one_pool_compiled_none_compiles_again(world: World) -> None:
    new = uuid.uuid4().hex
    seen = []
    for _ in range(2):
        engines = open_engines(world.settings.database_url)
        for pool in (engines.reader, engines.writer):
            with pool.connect() as connection:
                answer: Any = connection.execute(select(literal_column("1").label(new)).order_by(column(new)))
                seen.append(answer.context.cache_hit)
                assert answer.all() == [(1,)]
        engines.dispose()
    assert seen == [CacheStats.CACHE_MISS, *[CacheStats.CACHE_HIT] * 3]

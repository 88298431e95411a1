"""Requests at the same moment: each has read what there is, or waits to, when the first of them may write."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, suppress

import httpx

from rxauth.storage.database import Transaction
from tests.live import Live

_PATIENCE_S = 20
_WAITING = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"""


class _OverError(Exception):
    """Has a transaction undone."""


def at_once(
    live: Live, hold: Callable[[Transaction], object], *requests: Callable[[], httpx.Response]
) -> list[httpx.Response]:
    """Sends requests, all of which a transaction of somebody else holds up until they wait for it.

    hold: takes what they need; it is undone. SQLite lets one transaction write at a time, whatever it needs.
    """
    other, sent = live.world.open(), list[Future[httpx.Response]]()

    def waiting() -> bool:
        if other.engines.is_sqlite:
            in_line = len(live.server.database._places._waiting) + 1  # behind the one that asks SQLite
        else:
            in_line = other.read(lambda tx: tx.connection.exec_driver_sql(_WAITING).scalar_one())
        return in_line >= len(requests)  # more, when the server's own work wants to write too

    def work(transaction: Transaction) -> None:
        hold(transaction)
        sent.extend(threads.submit(one) for one in requests)
        ends_at = time.monotonic() + _PATIENCE_S
        while not waiting():
            assert time.monotonic() < ends_at, "they do not wait"
            time.sleep(0.01)
        raise _OverError

    with closing(other), ThreadPoolExecutor(len(requests)) as threads, suppress(_OverError):
        other.write(work)
    return [one.result() for one in sent]

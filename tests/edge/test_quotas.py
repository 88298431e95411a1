"""Quotas: counted in memory, together with the other processes once a second, and never more than memory holds."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from rxauth.edge.quotas import COUNTED_LIMIT, QUIET_SHARE, Kind, Quotas, QuotaUsedUpError, RequestLimits
from rxauth.storage.database import Database, DatabaseUnavailableError
from rxauth.storage.engines import open_engines
from rxauth.storage.tables.request_counts import request_counts as table
from rxauth.storage.tenancy import sql
from tests.world import NOW, StandingClock, World

LIMITS = RequestLimits(client=100, organization=250, person=100, network=100)
ALL = sql(select(table.c.key, table.c.minute_at, table.c.count).order_by(table.c.key))
CLIENT, OTHER = (Kind.CLIENT, "a client"), (Kind.CLIENT, "another client")
MACHINES, PEOPLE = (Kind.MACHINES, "an organization"), (Kind.PEOPLE, "an organization")


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database that the processes share."""
    opened = world.open()
    yield opened
    opened.close()


def quotas(database: Database, limits: RequestLimits = LIMITS, clock: StandingClock | None = None) -> Quotas:
    """Returns the quotas of one process."""
    return Quotas(limits, clock or StandingClock(), database)


def let_through(one: Quotas, times: int, *uses: tuple[Kind, str]) -> int:
    """Tries so many requests; returns how many were let through."""
    count = 0
    for _ in range(times):
        try:
            one.use(*(uses or (CLIENT,)))
        except QuotaUsedUpError:
            continue
        count += 1
    return count


@pytest.fixture
def alone(sqlite_world: World) -> Iterator[Database]:
    """A database that nobody else uses."""
    opened = sqlite_world.open()
    yield opened
    opened.close()


def test_what_is_over_the_limit_waits_until_the_minute_is_over(alone: Database) -> None:
    clock = StandingClock(NOW + 45)
    one = quotas(alone, clock=clock)
    assert let_through(one, 101) == 100

    with pytest.raises(QuotaUsedUpError) as caught:
        one.require(CLIENT)
    assert caught.value.retry_after_s == 15
    one.use(OTHER)
    clock.advance(14)
    with pytest.raises(QuotaUsedUpError):
        one.use(CLIENT)
    clock.advance(1)
    assert let_through(one, 101) == 100


def test_a_request_that_is_refused_for_one_quota_uses_up_no_other(alone: Database) -> None:
    one = quotas(alone)
    assert let_through(one, 200, CLIENT, MACHINES) == 100
    assert let_through(one, 200, OTHER, MACHINES) == 100
    assert let_through(one, 200, (Kind.CLIENT, "a third"), MACHINES) == 50


def test_an_organization_s_machines_do_not_use_up_what_its_people_have(alone: Database) -> None:
    one = quotas(alone)
    assert let_through(one, 300, MACHINES) == 250
    assert let_through(one, 300, PEOPLE) == 250


def test_what_is_left_is_said_in_the_terms_of_the_draft(alone: Database) -> None:
    """draft-ietf-httpapi-ratelimit-headers §3 and §4: lists of quoted names with parameters."""
    one = quotas(alone, clock=StandingClock(NOW + 50))
    one.use(MACHINES)
    assert one.use(CLIENT, MACHINES).headers() == [
        (b"ratelimit-policy", b'"client";q=100;w=60, "organization";q=250;w=60'),
        (b"ratelimit", b'"client";r=99;t=10, "organization";r=248;t=10'),
    ]


def test_processes_that_heard_of_each_other_let_no_more_through_than_one(database: Database) -> None:
    """On both engines: 30 and 60 of 100 were used, so ten are left wherever they come."""
    first, second, third = quotas(database), quotas(database), quotas(database)
    assert let_through(first, 30) == 30
    assert let_through(second, 60) == 60
    assert let_through(third, 2) == 2
    for one in (first, second, third, first, second):
        one.exchange()

    assert let_through(third, 200) == 8
    third.exchange()
    assert database.read(lambda tx: [tuple(row) for row in tx.all(ALL)]) == [("client a client", NOW, 100)]
    assert let_through(third, 200) == 0
    let_through(first, 10)
    first.exchange()
    assert let_through(first, 200) == 0


@pytest.mark.parametrize("asked", [3, 7, 40])
def test_no_more_than_what_comes_between_two_exchanges_gets_through_on_top(alone: Database, asked: int) -> None:
    running = [quotas(alone) for _ in range(3)]
    through = 0
    for _ in range(100 // asked):
        through += sum(let_through(one, asked) for one in running)
        for one in running:
            one.exchange()
    assert LIMITS.client <= through <= LIMITS.client + asked * len(running)


def test_of_who_asks_seldom_nothing_is_written(database: Database) -> None:
    one = quotas(database, replace(LIMITS, client=QUIET_SHARE * 10))
    assert let_through(one, 9) == 9
    one.exchange()
    assert database.read(lambda tx: tx.all(ALL)) == []

    assert let_through(one, 1) == 1
    one.exchange()
    assert [row.count for row in database.read(lambda tx: tx.all(ALL))] == [10]


def test_counts_that_could_not_be_told_are_told_later(database: Database) -> None:
    one, other = quotas(database), quotas(database)
    let_through(one, 60)
    url, database.engines = database.engines, open_engines("postgresql://nobody@127.0.0.1:1/nothing")
    with pytest.raises(DatabaseUnavailableError):
        one.exchange()
    database.engines = url
    assert let_through(one, 20) == 20
    one.exchange()

    let_through(other, 2)
    other.exchange()
    assert let_through(other, 200) == 18


def test_a_later_minute_begins_at_nothing_and_an_earlier_one_is_not_brought_back(database: Database) -> None:
    clock = StandingClock()
    ahead, behind = quotas(database, clock=clock), quotas(database)
    let_through(ahead, 50)
    ahead.exchange()
    clock.advance(60)
    let_through(ahead, 5)
    ahead.exchange()
    let_through(behind, 70)
    behind.exchange()

    assert [(row.minute_at, row.count) for row in database.read(lambda tx: tx.all(ALL))] == [(NOW + 60, 5)]
    assert let_through(behind, 200) == 30


def test_a_flood_from_many_networks_does_not_fill_the_memory_nor_forget_who_else_asks(alone: Database) -> None:
    one, often = quotas(alone), (Kind.NETWORK, "203.0.113.0/24")
    let_through(one, 100)
    for number in range(COUNTED_LIMIT + 1_000):
        one.use((Kind.NETWORK, f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::/64"))
        if not number % 1_000:
            one.use(often)

    assert len(one._counts[Kind.NETWORK]) == COUNTED_LIMIT
    assert one._counts[Kind.NETWORK][often[1]].pending == 11
    assert let_through(one, 1) == 0

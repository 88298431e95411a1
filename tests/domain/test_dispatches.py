"""What is asked of the pharmacy network: the newest counts, and what the network may know is taken back first."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import bindparam, select, update

from rxauth.domain import dispatches, orders
from rxauth.domain.dispatches import CANCEL, PLACE
from rxauth.domain.leases import LEASE_S
from rxauth.domain.orders import OrderFilter
from rxauth.domain.paging import FROM_THE_START, Page
from rxauth.storage.database import Database
from rxauth.storage.tables.clinical import orders as orders_table
from rxauth.storage.tables.network import pharmacy_dispatches as table
from rxauth.storage.tenancy import sql
from tests.world import NOW, World

MINE = table.c.organization_id == bindparam("organization_id")
ALL = sql(select(table).where(MINE).order_by(table.c.number))
CHANGE = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.id == bindparam("the_id"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "attempts", "next_attempt_at")})
)
REROUTE = sql(
    update(orders_table)
    .where(orders_table.c.organization_id == bindparam("owner"), orders_table.c.id == bindparam("the_id"))
    .values(pharmacy_id=bindparam("to"))
)


class Desk:
    """One order of a world, and what is asked of the network for it."""

    def __init__(self, world: World, database: Database) -> None:
        self.organization_id = world.alder.organization_id
        self._database = database
        page = Page(100, FROM_THE_START)
        known = database.read(lambda tx: orders.search(tx, self.organization_id, OrderFilter(), page))
        self.pharmacies = sorted({one.pharmacy_id for one in known if one.pharmacy_id is not None})
        self.order_id = next(one.id for one in known if one.pharmacy_id == self.pharmacies[0])

    def ask(self, act: str, not_before: int = 0, now: int = NOW) -> str | None:
        """Asks for something."""
        return self._database.write(
            lambda tx: dispatches.request(tx, self.organization_id, self.order_id, act, not_before=not_before, now=now)
        )

    def place(self, **when: int) -> str:
        """Asks for the order to be filled."""
        dispatch_id = self.ask(PLACE, **when)
        assert dispatch_id is not None
        return dispatch_id

    def move(self, pharmacy_id: str) -> None:
        """Chooses another pharmacy for the order."""
        which = {"owner": self.organization_id, "the_id": self.order_id}
        self._database.write(lambda tx: tx.run(REROUTE, **which, to=pharmacy_id))

    def attempted(self, dispatch_id: str, state: str, again_at: int = NOW) -> None:
        """Has a dispatch be as it is once it was attempted."""
        new = {"new_state": state, "new_attempts": 1, "new_next_attempt_at": again_at}
        which = {"owner": self.organization_id, "the_id": dispatch_id}
        self._database.write(lambda tx: tx.run(CHANGE, **which, **new))

    def all(self) -> list[Any]:
        """Returns everything that was asked for."""
        return list(self._database.read(lambda tx: tx.all(ALL, organization_id=self.organization_id)))

    def current(self) -> str | None:
        """Returns the dispatch that counts."""
        return self._database.read(lambda tx: dispatches.current(tx, self.organization_id, self.order_id))


@pytest.fixture
def desk(world: World) -> Iterator[Desk]:
    """One order of a world."""
    database = world.open()
    yield Desk(world, database)
    database.close()


def test_a_place_names_the_pharmacy_of_its_order_and_waits_until_its_day(desk: Desk) -> None:
    first = desk.place()
    later = desk.place(not_before=NOW + 86_400)
    assert [(one.id, one.pharmacy_id, one.state, one.next_attempt_at) for one in desk.all()] == [
        (first, desk.pharmacies[0], "moot", NOW),
        (later, desk.pharmacies[0], "waiting", NOW + 86_400),
    ]
    assert desk.current() == later


def test_what_the_network_never_heard_of_is_not_taken_back(desk: Desk) -> None:
    desk.place()
    assert desk.ask(CANCEL) is None
    assert [(one.act, one.state) for one in desk.all()] == [("place", "moot")]
    assert desk.current() is None


@pytest.mark.parametrize("state", ["taken", "dead"])
def test_an_order_that_moves_is_taken_back_where_it_was_and_once(desk: Desk, state: str) -> None:
    first = desk.place()
    desk.attempted(first, state)
    desk.move(desk.pharmacies[1])
    second = desk.place()
    third = desk.place()
    assert [(one.act, one.pharmacy_id, one.takes_back, one.state) for one in desk.all()] == [
        ("place", desk.pharmacies[0], None, state),
        ("cancel", desk.pharmacies[0], first, "waiting"),
        ("place", desk.pharmacies[1], None, "moot"),
        ("place", desk.pharmacies[1], None, "waiting"),
    ]
    assert second != third == desk.current()


def test_what_the_network_refused_is_not_taken_back(desk: Desk) -> None:
    desk.attempted(desk.place(), "refused")
    assert desk.ask(CANCEL) is None
    assert [one.act for one in desk.all()] == ["place"]


def test_a_cancel_waits_until_an_attempt_that_is_under_way_has_ended(desk: Desk) -> None:
    desk.attempted(desk.place(), "waiting", NOW + LEASE_S)
    desk.ask(CANCEL, now=NOW + 1)
    assert [(one.act, one.state, one.next_attempt_at) for one in desk.all()] == [
        ("place", "moot", NOW + LEASE_S),
        ("cancel", "waiting", NOW + LEASE_S),
    ]


def test_a_cancel_does_not_wait_for_a_long_pause(desk: Desk) -> None:
    desk.attempted(desk.place(), "waiting", NOW + 900)
    desk.ask(CANCEL, now=NOW + 1)
    assert desk.all()[-1].next_attempt_at == NOW + 1 + LEASE_S

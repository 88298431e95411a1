"""Reminders of secrets that end: to whom, when, and once, however many servers look."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import bindparam, select

from rxauth.domain import client_secrets, clients, machine_clients, mails, memberships, organizations, users
from rxauth.domain.mails import Letter, Outbox
from rxauth.domain.secret_reminders import Reminders
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables.webhooks import webhook_events
from rxauth.storage.tenancy import sql
from tests.people import add_person
from tests.webhook_receiver import Post
from tests.world import ISSUER, NOW, StandingClock, World

DAY = 86_400
KEEPERS = ["ada@example.com", "dev@example.com"]
EVENTS = sql(
    select(webhook_events.c.body)
    .where(webhook_events.c.organization_id == bindparam("organization_id"))
    .order_by(webhook_events.c.id)
)


class Reminded:
    """Alder Clinic, whose one secret ends, and all that was said of it."""

    def __init__(self, world: World, database: Database, clock: StandingClock) -> None:
        self.world = world
        self.database = database
        self.clock = clock
        self.reminders = Reminders(Outbox(ISSUER, world.settings.sealing_key))
        Post(world, clock, database).webhook("https://receiver.example/hook")
        database.write(self._fill)

    def _fill(self, tx: Transaction) -> None:
        alder, birch = self.world.alder.organization_id, self.world.birch.organization_id
        members = {
            "ada": (alder, [Role.ADMINISTRATOR, Role.DEVELOPER]),
            "dev": (alder, [Role.DEVELOPER]),
            "staff": (alder, [Role.STAFF, Role.PRESCRIBER, Role.SUPPORT, Role.MEDICAL_OPERATIONS]),
            "gone": (alder, [Role.DEVELOPER]),
            "other": (birch, [Role.ADMINISTRATOR]),
        }
        for name, (organization_id, roles) in members.items():
            user = add_person(tx, f"{name}@example.com")
            memberships.add(tx, organization_id, user.id, roles, NOW)
            if name == "gone":
                users.disable(tx, user.id, NOW)

    def ends(self, expires_at: int | None, secret_id: str | None = None) -> None:
        """Sets when the secret ends."""
        alder = self.world.alder

        def work(tx: Transaction) -> None:
            client = machine_clients.lock(tx, alder.organization_id)
            machine_clients.set_expiry(tx, client, secret_id or alder.secret_id, expires_at, self.clock.seconds())

        self.database.write(work)

    def at(self, moment: int) -> int:
        """Looks at a moment; returns how many letters there are by then."""
        self.clock.advance(moment - self.clock.seconds())
        while self.database.write(lambda tx: self.reminders.remind(tx, moment)):
            pass
        return len(self.letters())

    def letters(self) -> list[Letter]:
        """Returns what was written, oldest first."""
        found = self.database.read(lambda tx: mails.all_of_them(tx, self.world.settings.sealing_key))
        return [letter for _, letter in reversed(found)]

    def events(self, tx: Transaction) -> list[bytes]:
        """Returns what webhooks hear."""
        return [row.body for row in tx.all(EVENTS, organization_id=self.world.alder.organization_id)]


@pytest.fixture
def reminded(world: World, clock: StandingClock) -> Iterator[Reminded]:
    """The clinic on each engine."""
    database = world.open()
    yield Reminded(world, database, clock)
    database.close()


def test_keepers_and_webhooks_are_told_30_7_and_1_days_before_and_nobody_else(reminded: Reminded) -> None:
    end = NOW + 40 * DAY
    reminded.ends(end)

    assert [reminded.at(moment) for moment in (end - 30 * DAY - 1, end - 30 * DAY, end - 30 * DAY + 60)] == [0, 2, 2]
    assert [reminded.at(moment) for moment in (end - 7 * DAY - 1, end - 7 * DAY)] == [2, 4]
    assert [reminded.at(moment) for moment in (end - DAY - 1, end - DAY, end - 1, end, end + DAY)] == [4, 6, 6, 6, 6]

    letters = reminded.letters()
    assert sorted(one.to for one in letters) == sorted(KEEPERS * 3)
    assert [one.subject for one in letters[::2]] == [f"A client secret ends in {left}" for left in LEFT]
    assert "Alder Clinic backend, Alder Clinic, works until 2 January 2027, 12:00 UTC" in letters[0].text
    assert f"{ISSUER}settings/developers" in letters[0].text
    bodies = reminded.database.read(reminded.events)
    assert [b'"daysLeft":%d' % days in body for days, body in zip((30, 7, 1), bodies, strict=True)] == [True] * 3
    alder = reminded.world.alder
    for text in (alder.secret_id, alder.client_id, '"rxauth:secret:expiring"', '"2027-01-02T12:00:00.000Z"'):
        assert text.encode() in bodies[0]
    assert alder.secret.encode() not in b"".join(bodies)


LEFT = ("30 days", "7 days", "1 day")


def test_a_server_that_comes_late_tells_once_what_is_true_then(reminded: Reminded) -> None:
    end = NOW + 40 * DAY
    reminded.ends(end)

    assert reminded.at(end - 3 * DAY + 5) == 2
    assert {one.subject for one in reminded.letters()} == {"A client secret ends in 3 days"}
    assert [reminded.at(moment) for moment in (end - DAY, end)] == [4, 4]


def test_of_days_that_had_passed_when_the_end_was_set_nothing_is_said(reminded: Reminded) -> None:
    end = NOW + 5 * DAY
    reminded.ends(end)

    assert [reminded.at(moment) for moment in (NOW, end - DAY - 1, end - DAY)] == [0, 0, 2]


def test_another_end_begins_anew_and_none_is_silent(reminded: Reminded) -> None:
    reminded.ends(NOW + 8 * DAY)
    assert reminded.at(NOW + DAY) == 2
    reminded.ends(NOW + 60 * DAY)
    assert [reminded.at(moment) for moment in (NOW + 7 * DAY, NOW + 30 * DAY)] == [2, 4]
    reminded.ends(None)
    assert reminded.at(NOW + 53 * DAY) == 4


def test_a_secret_that_was_replaced_ends_in_silence_unless_its_successor_ends_first(reminded: Reminded) -> None:
    alder = reminded.world.alder
    reminded.ends(NOW + 20 * DAY)
    reminded.clock.advance(10)
    new = reminded.database.write(lambda tx: clients.rotate_secret(tx, alder.client_id, 20 * DAY, NOW + 10))
    assert reminded.at(NOW + 13 * DAY) == 0

    reminded.database.write(lambda tx: clients.revoke_secret(tx, alder.client_id, new.id, NOW + 13 * DAY))
    assert reminded.at(NOW + 19 * DAY) == 2


@pytest.mark.parametrize("ended", ["secret", "client", "organization"])
def test_of_what_does_not_work_any_more_nothing_is_said(reminded: Reminded, ended: str) -> None:
    alder = reminded.world.alder
    reminded.ends(NOW + 40 * DAY)
    acts: dict[str, Any] = {
        "secret": lambda tx: clients.revoke_secret(tx, alder.client_id, alder.secret_id, NOW),
        "client": lambda tx: clients.disable(tx, alder.client_id, NOW),
        "organization": lambda tx: organizations.disable(tx, alder.organization_id, NOW),
    }
    reminded.database.write(acts[ended])

    assert reminded.at(NOW + 39 * DAY) == 0


def test_several_servers_tell_once(reminded: Reminded) -> None:
    end = NOW + 31 * DAY
    reminded.ends(end)
    together = threading.Barrier(4)

    def look(_: int) -> None:
        with closing(reminded.world.open()) as database:
            together.wait()
            while database.write(lambda tx: reminded.reminders.remind(tx, end - 30 * DAY)):
                pass

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(look, range(4)))

    assert sorted(one.to for one in reminded.letters()) == KEEPERS
    assert len(reminded.database.read(reminded.events)) == 1


def test_a_server_passes_by_a_secret_that_another_one_speaks_of(reminded: Reminded) -> None:
    """Held open by hand: the second looks before the first commits."""
    reminded.ends(NOW + 31 * DAY)
    moment = NOW + DAY
    with ThreadPoolExecutor(1) as threads, closing(reminded.world.open()) as elsewhere:

        def holding(tx: Transaction) -> Any:
            assert reminded.reminders.remind(tx, moment)
            return threads.submit(elsewhere.write, lambda other: reminded.reminders.remind(other, moment))

        other = reminded.database.write(holding)
        assert not other.result()

    assert sorted(one.to for one in reminded.letters()) == KEEPERS


def test_a_name_is_in_the_letter_in_one_line(reminded: Reminded) -> None:
    alder = reminded.world.alder
    described = client_secrets.Described("Blue\u2028green", None, NOW + 31 * DAY)
    reminded.database.write(lambda tx: clients.revoke_secret(tx, alder.client_id, alder.secret_id, NOW))
    reminded.database.write(lambda tx: clients.rotate_secret(tx, alder.client_id, 0, NOW, described))
    reminded.at(NOW + DAY)

    assert {one.subject for one in reminded.letters()} == {"The client secret Blue green ends in 30 days"}

"""What is too old goes, and nothing else; every table has its rule; no batch reads a whole table."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from rxauth.domain import (
    authorization_codes,
    changes,
    connections,
    email_changes,
    invites,
    kept_answers,
    mails,
    old_changes,
    operators,
    passkey_challenges,
    password_resets,
    request_counts,
    retention,
    sessions,
    sign_ins,
    token_families,
    upstream_logouts,
    upstream_messages,
    upstream_requests,
    upstream_sessions,
    webhook_log,
)
from rxauth.domain.authorization_codes import Authorized
from rxauth.domain.changes import ChangeKind
from rxauth.domain.invites import Asked
from rxauth.domain.kept_answers import Kept, Scope
from rxauth.domain.mails import Letter
from rxauth.domain.passkey_challenges import Purpose
from rxauth.domain.sessions import LONGEST, Proof
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.domain.upstream_requests import Sent
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from rxauth.storage.batches import ON_POSTGRES, ON_SQLITE
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables import metadata
from rxauth.storage.tables.access import changes as feed
from rxauth.storage.tables.people import factor_resets as resets
from rxauth.storage.tenancy import insert_row, sql
from tests.domain.test_connections import KEY
from tests.domain.test_connections import WANTED as CONNECTION
from tests.domain.test_reference_plans import plans
from tests.people import add_person, outbox
from tests.world import NOW, World

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "data-retention.md").read_text()
UNITS = {"hour": 3_600, "day": 86_400}
DAY = 86_400
# Of what was chosen, and of the first rows in the order in which the table has them.
BOUNDED = ("SCAN old", "SCAN changes")
WEBHOOKS = ("webhook_events", "webhook_deliveries", "webhook_attempts")
KEPT_S = {one.table.name: one.kept_s for one in retention.PRUNINGS} | {
    "sessions": sessions.KEPT_S,
    "session_clients": sessions.KEPT_S,
    "upstream_sessions": sessions.KEPT_S,
    **dict.fromkeys(WEBHOOKS, webhook_log.KEPT_S),
    "changes": changes.KEPT_S,
}
# For how long a row counts as made, if its age is the end of what it was good for.
GOOD_FOR_S = {
    "passkey_challenges": passkey_challenges.LIFETIME_S,
    "password_resets": password_resets.LIFETIME_S,
    "email_changes": email_changes.LIFETIME_S,
}


@pytest.fixture
def database(world: World) -> Iterator[Database]:
    """The database of a world."""
    opened = world.open()
    yield opened
    opened.close()


def rules(heading: str) -> dict[str, list[str]]:
    """Returns the rows of a table of the guide, by the table that each is about."""
    section = GUIDE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    cells = [re.split(r"\s*\|\s*", line.strip("| ")) for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


def test_every_table_has_its_rule_in_the_guide_and_what_goes_goes_when_it_says() -> None:
    goes, stays = rules("What goes"), rules("What stays")
    assert sorted([*goes, *stays]) == sorted(metadata.tables), "each table stands in one of the two lists"
    said = {name: int(row[0].split()[0]) * UNITS[row[0].split()[1].rstrip("s")] for name, row in goes.items()}
    assert said == KEPT_S
    assert all(row[0] for row in stays.values()), "why it stays"


def test_no_family_goes_while_its_session_may_live() -> None:
    assert LONGEST.lifetime_s + DAY < token_families.KEPT_S
    assert authorization_codes.KEPT_S >= token_families.KEPT_S
    assert LONGEST.lifetime_s + token_families.KEPT_S < sessions.KEPT_S


class Filled:
    """A database in which each kind of row that goes can be made, at any moment."""

    def __init__(self, world: World, database: Database) -> None:
        self.world, self.organization_id = world, world.alder.organization_id
        self.database = database
        self.ada, self.ben, self.cleo = (
            database.write(lambda tx, name=name: add_person(tx, f"{name}@example.com"))  # type: ignore[misc]
            for name in ("ada", "ben", "cleo")
        )
        self.connection = database.write(lambda tx: connections.create(tx, self.organization_id, CONNECTION, KEY, NOW))
        self._made = 0

    def fill(self, tx: Transaction, now: int) -> None:
        """Makes one row of each kind, as if it were `now`."""
        self._made += 1
        digest, letters = self._made.to_bytes(32), outbox(self.world)
        sign_ins.begin(tx, digest, "{}", now)
        passkey_challenges.make(tx, passkey_challenges.Asked(Purpose.AUTHENTICATE, digest, None), now)
        password_resets.make_link(tx, self.ada.id, letters, now)
        email_changes.ask(tx, self.ada.id, f"new{self._made}@example.com", letters, now)
        kept_answers.keep(tx, Scope(self.organization_id, digest), Kept(b"", b""), now)
        operators.keep_form(tx, str(self._made), "/admin", now)
        mails.sent(tx, letters.put(tx, Letter("ada@example.com", "Hello", "Ada"), now), now)
        invited = Asked(f"somebody{self._made}@example.com", frozenset([Role.STAFF]))
        invites.create(tx, self.organization_id, invited, letters, now)
        request_counts.add(tx, now, {f"client {self._made}": 1})
        sent = Sent(f"state {self._made}", "nonce")
        upstream_requests.begin(tx, self.connection, sent, KEY, now, browser_digest=digest, sign_in_id="sin_1")
        upstream_logouts.begin(tx, self.connection, f"state {self._made}", "https://app.example/", KEY, now=now)
        upstream_messages.take(tx, self.organization_id, self.connection.id, f"message {self._made}", now)
        self._reset(tx, now)
        self.sign_in(tx, now)

    def sign_in(self, tx: Transaction, now: int) -> tuple[str, str]:
        """Makes a session with a client, a code and a family; returns the code and the refresh token."""
        session, _ = sessions.start(tx, Proof(self.ada.id, ("pwd",), "192.0.2.1", "Firefox"), now)
        client_id = self.world.alder.client_id
        sessions.note_client(tx, session.id, client_id, now)
        vouched = UpstreamIdentity(
            self.organization_id, self.connection.id, "a", None, None, None, groups=(), methods=(), session=None
        )
        upstream_sessions.note(tx, session.id, vouched, KEY)
        uris = ("http://localhost:3000", f"challenge {now} {self._made}")
        authorized = Authorized(client_id, self.ada.id, session.id, self.organization_id, *uris, None, "openid", None)
        text = authorization_codes.issue(tx, authorized, now)
        code = authorization_codes.spend(tx, text, now)
        assert code is not None
        refresh = token_families.begin(tx, code, self.world.settings.sealing_key, now)[1]
        assert refresh is not None
        return text, refresh

    def _reset(self, tx: Transaction, now: int) -> None:
        people = {"user_id": self.ada.id, "asked_by": self.ben.id, "approved_by": self.cleo.id}
        times = {"asked_at": now, "expires_at": now + DAY, "approved_at": now + 1, "ended_at": None}
        row = {"id": new_id(Kind.PROPOSAL, now * 1_000), "organization_id": self.organization_id}
        tx.run(insert_row(resets), **row, **people, **times)

    def count(self, table: str) -> int:
        """Counts the rows of a table."""
        asked = sql(select(func.count()).select_from(metadata.tables[table]), across_tenants="a test counts")
        return int(self.database.read(lambda tx: tx.first(asked)[0]))


@pytest.fixture
def filled(world: World, database: Database) -> Filled:
    """A database that can be filled."""
    return Filled(world, database)


def swept(database: Database, now: int) -> None:
    """Removes all that is too old."""
    for sweep in retention.SWEEPS:
        while database.write(lambda tx, one=sweep: one(tx, now)):  # type: ignore[misc]
            pass


def test_what_is_too_old_goes_and_what_is_not_stays(filled: Filled) -> None:
    tables = sorted(set(KEPT_S) - {*WEBHOOKS, "changes"})
    before = {name: filled.count(name) for name in tables}
    filled.database.write(lambda tx: filled.fill(tx, NOW))
    made = {name: filled.count(name) - before[name] for name in tables}
    assert min(made.values()) > 0
    ends = {name: NOW + KEPT_S[name] + GOOD_FOR_S.get(name, 0) for name in tables}
    for end in sorted(set(ends.values())):
        ending = [name for name in tables if ends[name] == end]
        swept(filled.database, end - 1)
        assert {name: filled.count(name) - before[name] for name in ending} == {name: made[name] for name in ending}
        swept(filled.database, end + 1)
        assert {name: filled.count(name) - before[name] for name in ending} == dict.fromkeys(ending, 0)


def test_a_batch_is_small_and_says_whether_there_may_be_more(filled: Filled) -> None:
    most = ON_SQLITE if filled.database.engines.is_sqlite else ON_POSTGRES

    def fill(tx: Transaction) -> None:
        for number in range(most + 1):
            sign_ins.begin(tx, number.to_bytes(32), "{}", NOW)

    filled.database.write(fill)
    later = NOW + sign_ins.KEPT_S + 1
    assert [filled.database.write(lambda tx: sign_ins.FORGET(tx, later)) for _ in range(2)] == [True, False]
    assert filled.count("sign_ins") == 0


def test_for_how_long_the_oldest_row_has_been_too_old_is_told(filled: Filled) -> None:
    filled.database.write(lambda tx: filled.fill(tx, NOW))
    # The oldest change is of the world's first keys, a day before.
    expected = {"sign_ins": 7, "kept_answers": 7, "changes": DAY + 7, "sessions": 0, "webhook_events": 0}
    for name, overdue_s in expected.items():
        seen = filled.database.read(lambda tx: retention.look(tx, NOW + sign_ins.KEPT_S + 7))
        assert seen.overdue_s[name] == overdue_s
        assert seen.database_bytes > 0
    swept(filled.database, NOW + sign_ins.KEPT_S + 7)
    seen = filled.database.read(lambda tx: retention.look(tx, NOW + sign_ins.KEPT_S + 7))
    assert set(seen.overdue_s.values()) == {0}


def test_changes_go_after_a_day_but_the_newest_and_numbers_go_on_after_it(filled: Filled) -> None:
    def change(tx: Transaction) -> None:
        changes.record(tx, ChangeKind.CLIENT, "one", NOW)

    for _ in range(3):
        filled.database.write(change)
    newest = sql(select(func.max(feed.c.id)))
    last = filled.database.read(lambda tx: tx.first(newest)[0])
    filled.database.write(lambda tx: old_changes.forget(tx, NOW + changes.KEPT_S - 1))
    assert filled.count("changes") >= 3
    filled.database.write(lambda tx: old_changes.forget(tx, NOW + changes.KEPT_S))
    assert filled.count("changes") == 1
    filled.database.write(change)
    assert filled.database.read(lambda tx: tx.first(newest)[0]) == last + 1


def test_a_session_that_a_family_still_names_waits_for_it(filled: Filled) -> None:
    filled.database.write(lambda tx: filled.sign_in(tx, NOW))
    later = NOW + sessions.KEPT_S + 1
    assert not filled.database.write(lambda tx: sessions.forget(tx, later))
    assert filled.count("sessions") == filled.count("session_clients") == 1
    swept(filled.database, later)
    assert filled.count("sessions") == filled.count("session_clients") == 0


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_row_that_somebody_has_locked_is_passed_over_and_nobody_waits(filled: Filled) -> None:
    first, second = (
        filled.database.write(lambda tx, one=one: sign_ins.begin(tx, bytes([one]), "{}", NOW))  # type: ignore[misc]
        for one in (1, 2)
    )
    later, other = NOW + sign_ins.KEPT_S + 1, filled.world.open()

    def hold(tx: Transaction) -> None:
        sign_ins.choose_organization(tx, first.id, filled.organization_id)
        other.write(lambda tx: sign_ins.FORGET(tx, later))

    filled.database.write(hold)
    other.close()
    found = [filled.database.read(lambda tx, one=one: sign_ins.find(tx, one.id)) for one in (first, second)]  # type: ignore[misc]
    assert [one is not None for one in found] == [True, False]


def test_no_batch_reads_a_whole_table(filled: Filled) -> None:
    filled.database.write(lambda tx: filled.fill(tx, NOW))
    later = NOW + 400 * DAY
    is_sqlite = filled.database.engines.is_sqlite
    works: dict[str, Callable[[Transaction], Any]] = {
        one.table.name: lambda tx, one=one: (one.overdue_s(tx, later), one(tx, later))  # type: ignore[misc]
        for one in retention.PRUNINGS
    }
    works |= {"changes": lambda tx: (old_changes.overdue_s(tx, later), old_changes.forget(tx, later))}
    works |= {"webhooks": lambda tx: (webhook_log.overdue_s(tx, later), webhook_log.forget(tx, later))}
    works |= {"sessions": lambda tx: sessions.forget(tx, later)}

    for name, work in works.items():

        def watched(tx: Transaction, work: Callable[[Transaction], Any] = work) -> None:
            if not is_sqlite:  # the tables of a test are so small that reading them whole would be right
                tx.connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            work(tx)

        with plans(filled.database) as seen:
            filled.database.write(watched)
        assert seen, name
        for plan in seen:
            assert "Seq Scan" not in plan, f"{name}: {plan}"
            scans = [line for line in plan.splitlines() if line.startswith("SCAN") and line not in BOUNDED]
            assert all("USING" in line for line in scans), f"{name}: {plan}"

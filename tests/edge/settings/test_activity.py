"""Activity over HTTP: what is shown, to whom, filtered, exported; and who saw a patient."""

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from rxauth.domain import audit, memberships
from rxauth.domain.audit import Act, Actor, Event
from rxauth.edge.pages.audit_words import DID
from rxauth.edge.settings import activity_export
from rxauth.edge.settings.activity_export import FORMS, as_csv
from rxauth.policy.roles import Role
from tests.api.management.sign_ins import number
from tests.browsing import Browser
from tests.live import Live
from tests.signing_in import Cast
from tests.world import NOW

PAGE = "/settings/activity"
HOSTILE = "<img src=x onerror=alert(1)>"
FILES = tuple(FORMS)
PATHS = (
    PAGE,
    f"{PAGE}/over-time",
    f"{PAGE}/patients",
    f"{PAGE}/patients/pat_1",
    f"{PAGE}/accesses/usr_1",
    f"{PAGE}/01M844DZG0JYXT5CZBDQY0M001",
    *(f"{PAGE}/export.{name}" for name in FILES),
)


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs; Ada is an administrator."""
    cast = Cast(sqlite_live)
    alder = sqlite_live.world.alder.organization_id
    sqlite_live.server.database.write(
        lambda tx: memberships.set_roles(tx, alder, cast.ada.id, [Role.ADMINISTRATOR], NOW)
    )
    yield cast
    cast.close()


def at(cast: Cast, path: str = PAGE, email: str = "ada@example.com") -> Browser:
    """Returns a browser in which somebody signed in to see a page."""
    browser = cast.browser()
    browser.open(path)
    cast.log_in(browser, email)
    return browser


def record(cast: Cast, event: Event = Event.SECRET_CREATED, times: int = 1, **changes: Any) -> None:
    """Records acts of Ada's, a second apart, and numbers them."""
    alder = cast.live.world.alder.organization_id
    for _ in range(times):
        cast.live.clock.advance(1)
        act = replace(Act(event, Actor("person", cast.ada.id), alder), **changes)
        cast.live.server.database.write(lambda tx, one=act: audit.record(tx, one, cast.live.clock.microseconds()))  # type: ignore[misc]
    number(cast.live)


def ids(browser: Browser) -> list[str]:
    """Returns the entries that a page shows, by what their links lead to."""
    return re.findall(rf'href="{PAGE}/([0-9A-Z]{{26}})"', browser.page.text)


def test_every_event_has_words_of_its_own() -> None:
    assert set(DID) == set(Event)
    assert len(set(DID.values())) == len(DID)


def test_an_act_is_told_as_a_sentence_and_its_page_has_the_rest(cast: Cast) -> None:
    record(cast, target=cast.live.world.alder.secret_id, network="203.0.113.7", details={"note": HOSTILE})
    browser = at(cast)
    assert browser.heading() == "Activity"
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", browser.page.text))
    assert "Ada Marsh made a secret" in text
    assert "203.0.113.7" in text
    [first, *_] = [one for one in ids(browser) if "made a secret" in sentence(browser, one)]
    browser.open(f"{PAGE}/{first}")
    assert browser.heading() == "Ada Marsh made a secret"
    for shown in ("secret.created", cast.live.world.alder.secret_id, "&lt;img src=x", first):
        assert shown in browser.page.text
    assert HOSTILE not in browser.page.text


def sentence(browser: Browser, entry_id: str) -> str:
    """Returns the words of an entry's link."""
    found = re.search(rf'href="{PAGE}/{entry_id}">([^<]*)<', browser.page.text)
    return found[1] if found else ""


def test_names_with_markup_and_of_people_who_left_are_shown_as_they_are(cast: Cast) -> None:
    alder, database = cast.live.world.alder.organization_id, cast.live.server.database
    record(cast, actor=Actor("person", cast.cleo.id), target=cast.ben.id)
    database.write(lambda tx: memberships.add(tx, alder, cast.cleo.id, [Role.STAFF], NOW))
    database.write(lambda tx: memberships.remove(tx, alder, cast.cleo.id, NOW))
    rename = "UPDATE users SET first_name = ? WHERE id = ?"
    database.write(lambda tx: tx.connection.exec_driver_sql(rename, (HOSTILE, cast.cleo.id)))
    browser = at(cast)
    assert "&lt;img src=x onerror=alert(1)&gt; Marsh" in browser.page.text
    assert HOSTILE not in browser.page.text


def test_filters_choose_and_stay_and_lead_on(cast: Cast) -> None:
    record(cast, times=30, target="sec_1")
    record(cast, Event.CLIENT_CREATED)
    browser = at(cast)
    assert len(ids(browser)) == 25
    shown = []
    browser.open(f"{PAGE}?event=secret.created&person={cast.ada.id}&target=sec_1&from=2026-11-23&to=2026-11-23")
    shown += ids(browser)
    following = re.search(r'href="([^"]+)">Show older ones', browser.page.text)
    assert following
    browser.open(following[1].replace("&amp;", "&"))
    shown += ids(browser)
    assert len(shown) == len(set(shown)) == 30
    assert browser.forms()[0].fields["person"] == cast.ada.id
    for nothing in ("to=2026-11-22", "from=2026-11-24", "event=webhook.created", "target=sec_2", "person=usr_1"):
        browser.open(f"{PAGE}?{nothing}")
        assert (browser.page.status_code, ids(browser)) == (200, [])


def test_tokens_are_left_out_unless_they_are_asked_for(cast: Cast) -> None:
    record(cast, Event.TOKEN_ISSUED, times=3, actor=Actor("client", cast.live.world.alder.client_id))
    browser = at(cast)
    assert "got a token" not in [sentence(browser, one) for one in ids(browser)]
    for asked in ("tokens=yes", "event=token.issued"):
        browser.open(f"{PAGE}?{asked}")
        assert [sentence(browser, one) for one in ids(browser)].count("got a token") == 3


def test_a_person_is_found_by_name_and_a_wrong_day_is_named(cast: Cast) -> None:
    browser = at(cast)
    browser.open(f"{PAGE}?person=mar")
    assert f"person={cast.ada.id}" in browser.page.text
    browser.open(f"{PAGE}?person=zzz")
    assert "Nobody in the team is called" in browser.page.text
    for wrong in ("from=yesterday", "to=2026-13-01", "event=no.such"):
        browser.open(f"{PAGE}?{wrong}")
        assert browser.page.status_code == 422
        assert 'role="alert"' in browser.page.text


def test_charts_have_their_numbers_in_words_too(cast: Cast) -> None:
    for _ in range(3):
        cast.live.token(cast.live.world.alder)
    number(cast.live)
    browser = at(cast)
    assert "3 issued, 0 refused from 25 Oct to 23 Nov (UTC). At most 3 a day." in browser.page.text
    browser.open(f"{PAGE}/over-time?period=day&client={cast.live.world.alder.client_id}")
    assert "23 Nov, 12:00: 3 issued" in browser.page.text
    browser.open(f"{PAGE}/over-time?period=quarter&client={cast.client_id}")
    assert "No token was issued" in browser.page.text


def test_nobody_but_who_may_read_the_log_opens_a_page_of_it(cast: Cast) -> None:
    database, alder = cast.live.server.database, cast.live.world.alder.organization_id
    browser = at(cast)
    for role in (Role.DEVELOPER, Role.MEDICAL_OPERATIONS, Role.STAFF, Role.SUPPORT):
        database.write(lambda tx, to=role: memberships.set_roles(tx, alder, cast.ada.id, [to], NOW))  # type: ignore[misc]
        for path in PATHS:
            answer = browser.send("GET", path)
            assert (answer.status_code, "read:audit" in answer.text) == (403, True), (role, path)
    number(cast.live)
    exported = "SELECT count(*) FROM audit_index WHERE key = 'event audit.exported'"
    assert database.read(lambda tx: tx.connection.exec_driver_sql(exported).scalar()) == 0


def test_another_organizations_entries_are_not_there(cast: Cast) -> None:
    """M-25."""
    record(cast)
    mine = at(cast)
    found = ids(mine)
    alder, birch = cast.live.world.alder.organization_id, cast.live.world.birch.organization_id
    database = cast.live.server.database
    database.write(lambda tx: memberships.remove(tx, alder, cast.ben.id, NOW))
    database.write(lambda tx: memberships.set_roles(tx, birch, cast.ben.id, [Role.ADMINISTRATOR], NOW))
    other = at(cast, PAGE, "ben@example.com")
    assert set(ids(other)).isdisjoint(found)
    other.open(f"{PAGE}?person={cast.ada.id}")
    assert ids(other) == []
    absent = []
    for one in (found[0], "01M844DZG0JYXT5CZBDQY0M001", "nothing"):
        other.open(f"{PAGE}/{one}")
        absent.append((other.page.status_code, re.sub(r"/[0-9A-Za-z]+\"|value=\"[^\"]+\"", "", other.page.text)))
    assert {status for status, _ in absent} == {404}
    assert found[0] not in other.send("GET", f"{PAGE}/export.json").text


def test_no_page_of_the_log_takes_a_change(cast: Cast) -> None:
    """M-25."""
    browser = cast.browser()
    for path in PATHS:
        assert [browser.send(one, path).status_code for one in ("DELETE", "PUT", "PATCH")] == [405] * 3


def test_an_export_has_what_the_filters_choose_and_is_an_entry_itself(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_export, "PAGE_ENTRIES", 4)
    record(cast, times=11, target="=HYPERLINK(1)", details={"note": '@a, "b"\nc'})
    browser = at(cast)
    rows = list(csv.DictReader(io.StringIO(browser.send("GET", f"{PAGE}/export.csv?event=secret.created").text)))
    assert len(rows) == 11
    assert {row["\ufeffat"] for row in rows} == {f"2026-11-23T12:00:{second:02d}.000Z" for second in range(1, 12)}
    assert (rows[0]["actorName"], rows[0]["target"]) == ("Ada Marsh", "'=HYPERLINK(1)")
    assert browser.page.headers["content-disposition"] == 'attachment; filename="activity-2026-11-23.csv"'
    assert browser.page.headers["cache-control"] == "no-store"
    exported = json.loads(browser.send("GET", f"{PAGE}/export.json?event=secret.created").text)
    assert (len(exported["entries"]), exported["isCut"]) == (11, False)
    assert exported["entries"][0]["target"] == "=HYPERLINK(1)"
    assert json.loads(browser.send("GET", f"{PAGE}/export.json?event=webhook.created").text) == {
        "entries": [],
        "isCut": False,
    }
    number(cast.live)
    browser.open(f"{PAGE}?event=audit.exported")
    assert len(ids(browser)) == 3
    assert browser.send("POST", f"{PAGE}/export.csv").status_code == 405
    assert browser.send("GET", f"{PAGE}/export.csv?from=yesterday").status_code == 404


def test_an_export_that_is_too_long_says_that_it_was_cut(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity_export, "LIMIT_ENTRIES", 5)
    monkeypatch.setattr(activity_export, "PAGE_ENTRIES", 3)
    record(cast, times=6)
    browser = at(cast)
    exported = json.loads(browser.send("GET", f"{PAGE}/export.json?event=secret.created").text)
    assert (len(exported["entries"]), exported["isCut"]) == (5, True)
    assert len(browser.send("GET", f"{PAGE}/export.csv?event=secret.created").text.splitlines()) == 7


def test_no_cell_of_a_table_is_a_formula() -> None:
    for begin in ("=", "+", "-", "@", "\t", "\r", "\n"):
        written = as_csv([[f"{begin}cmd|' /C calc'!A0", 1, None, 'a"b']])
        assert next(csv.reader(io.StringIO(written, newline="")))[0] == f"'{begin}cmd|' /C calc'!A0"
    assert as_csv([["a=b", -1]]) == "a=b,'-1\r\n"


def test_who_saw_a_patient_is_shown_and_that_somebody_asked_is_too(cast: Cast) -> None:
    token = cast.live.token(cast.live.world.alder)
    [patient] = cast.live.data(token, "query Chart { patients(first: 1) { id name { full last } } }")["patients"]
    browser = at(cast)
    browser.open(f"{PAGE}/patients?q={patient['name']['last'][:3]}")
    assert f'href="{PAGE}/patients/{patient["id"]}"' in browser.page.text
    browser.open(f"{PAGE}/patients/{patient['id']}")
    assert browser.heading() == f"Who saw {patient['name']['full']}"
    cast.live.edge.access_log.write()
    browser.open(f"{PAGE}/patients/{patient['id']}")
    for shown in ("Alder Clinic backend", "Chart", "Ada Marsh", "AccessLogOfPatient"):
        assert shown in browser.page.text
    browser.open(f"{PAGE}/patients/pat_01J9ZK3V6T8QXYWVTSRQPNMKJH")
    assert browser.page.status_code == 404
    cast.live.edge.access_log.write()
    browser.open(f"{PAGE}/accesses/{cast.ada.id}")
    assert browser.heading() == "What Ada Marsh saw"
    assert "FindPatientOfAccessLog" in browser.page.text
    assert patient["name"]["full"] not in browser.page.text

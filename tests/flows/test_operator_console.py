"""The operator console over HTTP: who gets in, who is told that there is nothing, and what each form does, once."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pyotp
import pytest

from rxauth.domain import operator_acts, operators, organizations, sessions, users
from rxauth.domain.audit import OPERATOR, Event
from rxauth.domain.audit_sequencer import Sequencer
from rxauth.domain.operator_acts import By
from rxauth.domain.organization_list import search
from rxauth.domain.paging import FROM_THE_START, Page
from rxauth.domain.sessions import Proof
from rxauth.edge.admin.table import PAGES
from rxauth.policy.operators import DANGEROUS_WITHIN_S
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.domain.test_audit import entries
from tests.live import Live
from tests.people import add_person, letters, outbox
from tests.signing_in import Cast
from tests.world import NOW

OLGA = "olga@platform.example"
READ = "{ patients { id } }"


class Platform:
    """Olga is an operator, and belongs to no organization; the people of the cast are none."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.database = live.server.database
        self.cast = Cast(live)
        self.olga = self.database.write(lambda tx: add_person(tx, OLGA))
        self.database.write(lambda tx: operators.add(tx, OLGA, outbox(live.world), NOW))

    def browser(self, user_id: str | None = None, *methods: str) -> Browser:
        """Returns a browser in which somebody is signed in: Olga, with two factors, if nobody else is named."""
        browser = self.cast.browser()
        proof = Proof(user_id or self.olga.id, methods or ("pwd", "otp"), "192.0.2.1", "A browser")
        now = self.live.clock.seconds()
        _, handle = self.database.write(lambda tx: sessions.start(tx, proof, now))
        browser.open("/account")  # which gives it a cookie
        [name] = browser.cookies
        browser.cookies[name] = handle
        return browser

    def organization(self, name: str) -> str:
        """Returns the identifier of an organization, by its name."""
        [one] = self.database.read(lambda tx: search(tx, name, Page(10, FROM_THE_START)))
        return one.id

    def remove(self) -> None:
        """Has the command line remove Olga."""
        by = By(OPERATOR, NOW * 1_000_000)
        self.database.write(lambda tx: operator_acts.remove_operator(tx, by, OLGA))


@pytest.fixture
def platform(sqlite_live: Live) -> Iterator[Platform]:
    """An installation with an operator."""
    made = Platform(sqlite_live)
    yield made
    made.cast.close()


def urls(platform: Platform) -> list[str]:
    """Lists the URL of each page of the console, for an organization that there is."""
    owner = platform.live.world.alder.organization_id
    key_id = platform.live.world.current_key.key_id
    return [page.path.replace("{organization_id}", owner).replace("{key_id}", key_id) for page in PAGES]


def seen(answer: httpx.Response) -> tuple[Any, ...]:
    """Returns all that an answer shows to whoever asked."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"date", "server", "x-request-id"}}
    return answer.status_code, answer.content, headers


def test_whoever_is_no_operator_finds_nothing_under_any_url_with_any_method(platform: Platform) -> None:
    """Nothing distinguishes the console from a path that there is not."""
    strangers = {
        "nobody": platform.cast.browser(),
        "an administrator": platform.browser(platform.cast.ben.id),
        "a member with a password only": platform.browser(platform.cast.ada.id, "pwd"),
    }
    for who, browser in strangers.items():
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"):
            nothing = seen(browser.send(method, "/nothing", data={"act": "disable"} if method == "POST" else None))
            for url in [*urls(platform), "/admin/", "/admin/nothing", "/admin/organizations/x", "/admin?done=rotate"]:
                sent = {"act": "disable", "csrf": "x"} if method == "POST" else None
                assert seen(browser.send(method, url, data=sent)) == nothing, (who, method, url)
            assert nothing[0] == 404
    assert entries(platform.live.world, Event.ORGANIZATION_DISABLED) == []


def test_an_operator_opens_every_page(platform: Platform) -> None:
    browser = platform.browser()
    headings = {url: (browser.open(url).status_code, browser.heading()) for url in urls(platform)}
    owner = f"/admin/organizations/{platform.live.world.alder.organization_id}"
    assert headings.pop(f"{owner}/enable") == (404, "There is nothing here")
    assert {status for status, _ in headings.values()} == {200}
    assert headings["/admin"][1] == "Overview"
    assert headings[owner][1] == "Alder Clinic"
    assert browser.open("/admin/organizations/org_nowhere").status_code == 404
    assert browser.heading() == "There is nothing here"
    assert browser.send("PUT", "/admin").status_code == 404


def test_an_operator_without_a_second_factor_sets_one_up_first(platform: Platform) -> None:
    browser = platform.cast.browser()
    browser.open("/account")
    platform.cast.log_in(browser, OLGA)
    browser.open("/admin")
    assert browser.heading() == "Set up a second factor"
    key = re.search(r'<code id="secret"[^>]*>([A-Z2-7 ]+)</code>', browser.page.text)
    assert key is not None
    form = next(n for n, one in enumerate(browser.forms()) if one.fields.get("act") == "totp")
    browser.submit(form=form, code=pyotp.TOTP(key[1].replace(" ", "")).at(NOW))
    assert browser.heading() == "Keep your recovery codes"
    browser.submit()
    assert browser.heading() == "Overview"


def test_a_removed_or_disabled_operator_is_out_at_the_next_request(platform: Platform) -> None:
    browser = platform.browser()
    assert browser.open("/admin").status_code == 200
    platform.remove()
    assert browser.open("/admin").status_code == 404
    platform.database.write(lambda tx: operators.add(tx, OLGA, outbox(platform.live.world), NOW))
    assert browser.open("/admin").status_code == 200
    platform.database.write(lambda tx: users.disable(tx, platform.olga.id, NOW))
    assert browser.open("/admin").status_code == 404


def test_a_form_of_an_operator_who_was_removed_meanwhile_does_nothing(platform: Platform) -> None:
    browser = platform.browser()
    browser.open("/admin/organizations/new")
    platform.remove()
    assert browser.submit(name="Cedar").status_code == 404
    assert platform.database.read(lambda tx: search(tx, "Cedar", Page(10, FROM_THE_START))) == []


def test_an_organization_is_made_with_its_administrator_and_found(platform: Platform) -> None:
    browser = platform.browser()
    browser.open("/admin/organizations/new")
    browser.submit(name="x" * 201, administrator="cora@cedar.example")
    assert browser.page.status_code == 422
    assert browser.forms()[0].fields["administrator"] == "cora@cedar.example"
    browser.submit(name="Cedar Clinic", administrator="no address")
    assert browser.page.status_code == 422
    browser.submit(name="Cedar <b>Clinic", administrator="cora@cedar.example")
    assert "The organization was made." in browser.page.text
    assert browser.heading() == "Cedar <b>Clinic"
    assert "cora@cedar.example" in browser.page.text
    [told] = letters(platform.database, platform.live.world, "cora@cedar.example")
    assert told.subject == "Join Cedar <b>Clinic"
    assert "Cedar &lt;b&gt;Clinic" in browser.open("/admin/organizations?q=cedar").text
    assert "None is called" in browser.open("/admin/organizations?q=%00zzz").text
    owner = platform.organization("Cedar")
    assert owner in browser.open(f"/admin/organizations?q={owner[:20].lower()}").text
    made = entries(platform.live.world, Event.ORGANIZATION_CREATED, Event.PERSON_INVITED)
    assert {(one["actor"]["kind"], one["actor"]["id"], one["organization_id"]) for one in made} == {
        ("operator", platform.olga.id, owner)
    }


def test_a_form_that_is_sent_twice_does_one_thing(platform: Platform) -> None:
    browser = platform.browser()
    browser.open("/admin/organizations/new")
    form = browser.forms()[0].fields | {"name": "Cedar"}
    first, second = (browser.send("POST", "/admin/organizations/new", data=form) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] == second.headers["location"]
    platform.organization("Cedar")  # there is one
    owner = platform.live.world.birch.organization_id
    browser.open(f"/admin/organizations/{owner}/disable")
    form = browser.forms()[0].fields
    for _ in range(2):
        browser.send("POST", f"/admin/organizations/{owner}/disable", data=form)
        assert browser.page.headers["location"] == f"/admin/organizations/{owner}?done=disable"
    assert len(entries(platform.live.world, Event.ORGANIZATION_DISABLED)) == 1


def test_more_organizations_than_a_page_has_are_reached_by_going_on(platform: Platform) -> None:
    def fill(tx: Transaction) -> None:
        for number in range(60):
            organizations.create(tx, f"Cedar {number:02}", NOW + number)

    platform.database.write(fill)
    browser = platform.browser()
    browser.open("/admin/organizations?q=cedar")
    found = re.findall(r"Cedar \d\d", browser.page.text)
    assert found == [f"Cedar {number:02}" for number in range(59, 9, -1)]
    onward = re.search(r'href="(/admin/organizations\?after=[^"]+)"', browser.page.text)
    assert onward is not None
    browser.open(onward[1].replace("&amp;", "&"))
    assert re.findall(r"Cedar \d\d", browser.page.text) == [f"Cedar {number:02}" for number in range(9, -1, -1)]


def test_disabling_bites_running_tokens_and_enabling_revives_none(platform: Platform) -> None:
    live, alder = platform.live, platform.live.world.alder
    token = live.token(alder)
    assert live.data(token, READ)
    browser = platform.browser()
    browser.open(f"/admin/organizations/{alder.organization_id}/disable")
    said = re.sub(r"\s+", " ", browser.page.text)
    assert "2 people can act for it no longer" in said
    assert "3 clients get no tokens" in said
    browser.submit()
    assert "The organization is disabled." in browser.page.text
    assert live.graphql(token, READ).status_code == 401
    assert live.exchange(alder).status_code == 401
    browser.open(f"/admin/organizations/{alder.organization_id}/enable")
    browser.submit()
    assert "The organization is enabled." in browser.page.text
    assert live.graphql(token, READ).status_code == 401
    live.clock.advance(2)
    assert live.data(live.token(alder), READ)


def test_an_administrator_is_invited_where_there_is_none(platform: Platform) -> None:
    browser, world = platform.browser(), platform.live.world
    browser.open(f"/admin/organizations/{world.birch.organization_id}/invite")
    browser.submit(email=" ")
    assert browser.page.status_code == 422
    browser.submit(email="cora@birch.example")
    assert "The invite is on its way." in browser.page.text
    assert [one.subject for one in letters(platform.database, world, "cora@birch.example")] == ["Join Birch Clinic"]
    browser.open(f"/admin/organizations/{world.alder.organization_id}")
    assert "Invite the administrator" not in browser.page.text
    browser.open(f"/admin/organizations/{world.alder.organization_id}/invite")
    browser.submit(email="cora@birch.example")
    assert browser.page.status_code == 422
    assert "has an administrator already" in browser.page.text


def test_the_keys_are_rotated_once_the_next_ones_are_known_everywhere(platform: Platform) -> None:
    live, browser = platform.live, platform.browser()
    token = live.token(live.world.alder)
    browser.open("/admin/keys")
    assert live.world.current_key.key_id in browser.page.text
    browser.open("/admin/keys/rotate")
    browser.submit()
    assert "The next keys sign from now on." in browser.page.text
    assert "can sign from" in browser.page.text
    assert live.server.keys.ring.current.key_id == live.world.next_key.key_id
    assert live.data(token, READ)
    browser.open("/admin/keys/rotate")
    browser.submit()
    assert browser.page.status_code == 422
    assert "The next key was published" in browser.page.text
    rotated = entries(live.world, Event.KEYS_ROTATED)
    assert {one["actor"]["id"] for one in rotated} == {platform.olga.id}
    assert len(rotated) == 3


def test_a_key_that_leaked_is_removed_and_what_it_signed_is_refused_at_once(platform: Platform) -> None:
    live, browser = platform.live, platform.browser()
    token, leaked = live.token(live.world.alder), live.world.current_key.key_id
    assert live.data(token, READ)
    browser.open("/admin/keys")
    assert f"/admin/keys/{leaked}/remove" in browser.page.text
    browser.open(f"/admin/keys/{leaked}/remove")
    said = re.sub(r"<[^>]+>|\s+", " ", browser.page.text)
    assert "2 machine clients and 1 session of people may hold such tokens" in said
    assert f"{live.world.next_key.key_id} , signs from now on, and every verifier knows it" in said
    browser.submit()
    assert "Nothing that it signed is accepted any longer." in browser.page.text
    assert leaked not in browser.page.text
    assert live.graphql(token, READ).status_code == 401
    assert leaked not in live.http.get("/.well-known/jwks.json").text
    assert live.data(live.token(live.world.alder), READ)
    assert browser.open(f"/admin/keys/{leaked}/remove").status_code == 404
    [removed] = entries(live.world, Event.KEY_REMOVED)
    assert (removed["actor"]["id"], removed["target"], removed["was"]) == (platform.olga.id, leaked, "current")
    assert removed["signing"] == live.server.keys.ring.current.key_id == live.world.next_key.key_id


def test_the_end_of_the_log_is_checked_and_that_is_recorded(platform: Platform) -> None:
    live, browser = platform.live, platform.browser()
    browser.open("/admin/audit")
    assert "There is none yet." in browser.page.text
    browser.submit()
    assert browser.page.status_code == 422
    live.token(live.world.alder)
    Sequencer(platform.database, live.clock, live.server.sealing_key, None).work_once(is_last=True)
    browser.open("/admin/audit")
    assert "Last checkpoint" in browser.page.text
    browser.submit()
    said = re.sub(r"<[^>]+>|\s+", " ", browser.page.text)
    assert "The end of the log was checked." in said
    assert "no problem" in said
    [verified] = entries(live.world, Event.AUDIT_VERIFIED)
    assert (verified["actor"]["id"], verified["problems"], verified["from"]) == (platform.olga.id, 0, 1)
    assert "records wait" in browser.open("/admin").text or "record waits" in browser.page.text


def test_a_dangerous_act_wants_two_factors_of_the_last_hour(platform: Platform) -> None:
    live, browser = platform.live, platform.browser()
    owner = live.world.birch.organization_id
    path = f"/admin/organizations/{owner}/disable"
    browser.open(path)
    form = browser.forms()[0].fields
    live.clock.advance(DANGEROUS_WITHIN_S // 2 + 1)
    browser.open(path)
    assert browser.heading().startswith("Log in")
    assert browser.open("/admin").status_code == 200
    live.clock.advance(DANGEROUS_WITHIN_S // 2)
    answer = browser.send("POST", path, data=form)
    assert answer.headers["location"].startswith("/sign-in/")
    assert entries(live.world, Event.ORGANIZATION_DISABLED) == []
    assert browser.open("/admin").status_code == 200


@pytest.mark.parametrize("attack", ["no token", "another page's token", "another browser's token", "cross-site"])
def test_a_foreign_form_changes_nothing(platform: Platform, attack: str) -> None:
    """A-21, A-22."""
    browser, other = platform.browser(), platform.browser()
    owner = platform.live.world.birch.organization_id
    path, headers = f"/admin/organizations/{owner}/disable", {}
    browser.open(path)
    form = dict(browser.forms()[0].fields)
    if attack == "no token":
        del form["csrf"]
    elif attack == "another page's token":
        form["csrf"] = browser_token(
            browser, f"/admin/organizations/{platform.live.world.alder.organization_id}/disable"
        )
    elif attack == "another browser's token":
        form["csrf"] = browser_token(other, path)
    else:
        headers["sec-fetch-site"] = "cross-site"
    assert browser.send("POST", path, data=form, headers=headers).status_code == 403
    assert entries(platform.live.world, Event.ORGANIZATION_DISABLED) == []


def browser_token(browser: Browser, path: str) -> str:
    """Returns the token of the form on a page."""
    browser.open(path)
    return browser.forms()[0].fields["csrf"]


def test_being_an_operator_gives_nothing_of_any_organization(platform: Platform) -> None:
    browser = platform.browser()
    browser.open("/settings/organization")
    assert browser.heading() == "You belong to no organization yet"
    for url in urls(platform):
        text = browser.open(url).text
        assert platform.live.world.alder.secret not in text
        assert "rxs_" not in text
        assert "Maya" not in text

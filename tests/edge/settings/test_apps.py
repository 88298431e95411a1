"""The pages of apps: made, changed, removed, each by whoever may, once, and with every error in its place."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest

from rxauth.domain import apps
from rxauth.domain.apps import Wanted
from rxauth.edge.settings.apps import PATH
from rxauth.policy.roles import Role
from tests.edge.settings.desk import HOSTILE, Desk
from tests.live import Live
from tests.world import NOW

CALLBACK: Final = "https://charts.example.com/callback"
Open = Callable[..., Desk]


@pytest.fixture
def desk(sqlite_live: Live) -> Iterator[Open]:
    """Opens a desk for somebody with some roles."""
    opened: list[Desk] = []

    def make(*roles: Role, **options: Any) -> Desk:
        opened.append(Desk(sqlite_live, *roles, **options))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def made(live: Live, app_type: str = "spa", organization_id: str | None = None) -> str:
    """Makes an app; returns its identifier."""
    where = organization_id or live.world.alder.organization_id
    wanted = Wanted("Charts", app_type, (CALLBACK,))
    return live.server.database.write(lambda tx: apps.create(tx, where, wanted, (), NOW)).id


def names(live: Live) -> list[str]:
    """Returns the names of the first organization's apps."""
    where = live.world.alder.organization_id
    return [one.name for one in live.server.database.read(lambda tx: apps.all_of(tx, where))]


def test_an_app_is_added_changed_and_removed(desk: Open) -> None:
    one = desk(Role.DEVELOPER)
    assert one.open(PATH) == "Apps"
    assert "Add your first app" in one.text
    assert one.open(f"{PATH}/new/browser") == "New app in a browser"
    wrong = f"\n{CALLBACK}\n\n  \nhttp://charts.example.com/callback\n"
    one.do("create_app", name="Charts", redirect_urls=wrong)
    assert one.status == 422
    assert "Line 4: a URL must be https, or http to localhost." in one.text
    assert 'href="#redirect_urls"' in one.text
    assert one.fields("create_app")["redirect_urls"] == wrong.strip()

    assert one.do("create_app", redirect_urls="https://charts.example.com\r\nhttp://localhost:3000\r\n") == "Charts"
    assert "The app was made." in one.text
    client_id = one.part("client-id")
    assert one.path == f"{PATH}/{client_id}"
    for name in ("spa", "sdk", "react", "oidc"):
        assert client_id in one.part(f"snippet-{name}")
    assert "Nobody in the last 30 days" in one.text
    assert one.fields("change_app")["redirect_urls"] == "http://localhost:3000\nhttps://charts.example.com"

    assert one.do("change_app", name="Better charts", logout_urls="https://charts.example.com") == "Better charts"
    assert "The app was changed." in one.text
    one.open(PATH)
    assert "Better charts" in one.text
    assert (
        one.open(f"{PATH}/{client_id}/remove")
        == "Remove \N{FIRST STRONG ISOLATE}Better charts\N{POP DIRECTIONAL ISOLATE}?"
    )
    assert one.do("remove_app") == "Apps"
    assert "The app was removed." in one.text
    assert one.open(f"{PATH}/{client_id}") == "There is nothing here"
    assert (one.status, names(one.live)) == (404, [])


def test_the_secret_of_an_app_on_a_server_is_shown_once_and_each_can_be_ended(desk: Open) -> None:
    one = desk()
    one.open(f"{PATH}/new/server")
    assert one.do("create_app_with_secret", name="Desk", redirect_urls=CALLBACK) == "The app was made"
    first, client_id = one.part("client-secret"), one.part("client-id")
    assert first.startswith("rxs_")
    assert one.browser.page.headers["cache-control"] == "no-store"
    one.open(f"{PATH}/{client_id}")
    assert first not in one.text
    sent = one.fields("new_app_secret")
    assert one.do("new_app_secret") == "The new secret"
    second = one.part("client-secret")
    again = one.browser.send("POST", f"{PATH}/{client_id}", data=sent)
    assert again.status_code == 409
    assert second not in again.text
    one.open(f"{PATH}/{client_id}")
    assert "Two secrets work" in one.text
    path = next(part for part in one.browser.page.text.split('"') if part.endswith("/revoke"))
    assert one.open(path) == "Revoke a secret"
    assert "The other secret goes on working." in one.text
    assert one.do("revoke_app_secret") == "Desk"
    assert "The secret was revoked." in one.text
    one.open(path)
    assert "does not work any more" in one.text


def test_an_app_that_is_sent_twice_is_made_once(desk: Open) -> None:
    one = desk()
    one.open(f"{PATH}/new/browser")
    sent = one.fields("create_app") | {"name": "Charts", "redirect_urls": CALLBACK}
    answers = [one.browser.send("POST", f"{PATH}/new/browser", data=sent) for _ in range(3)]
    assert {(answer.status_code, answer.headers["location"]) for answer in answers} == {
        (303, answers[0].headers["location"])
    }
    assert names(one.live) == ["Charts"]


def test_a_stale_form_changes_nothing_and_keeps_what_was_typed(desk: Open) -> None:
    one = desk()
    client_id = made(one.live)
    one.open(f"{PATH}/{client_id}")
    stale = one.fields("change_app") | {"name": "Mine"}
    one.open(f"{PATH}/{client_id}")
    one.do("change_app", name="Theirs")
    answer = one.browser.send("POST", f"{PATH}/{client_id}", data=stale)
    assert answer.status_code == 409
    assert "Somebody changed this since you opened it" in answer.text
    assert one.fields("change_app")["name"] == "Mine"
    assert names(one.live) == ["Theirs"]


def test_whatever_is_typed_is_shown_as_text(desk: Open) -> None:
    one = desk()
    one.open(f"{PATH}/new/browser")
    one.do("create_app", name="x" * 10_000, redirect_urls=f"{CALLBACK}\n{HOSTILE}", logout_urls=HOSTILE)
    assert one.status == 422
    assert "<script>alert" not in one.browser.page.text
    assert one.fields("create_app")["redirect_urls"] == f"{CALLBACK}\n{HOSTILE}"
    assert one.fields("create_app")["name"] == "x" * 10_000
    one.do("create_app", name=HOSTILE, redirect_urls="https://charts.example.com/?a='<b>&\"", logout_urls="")
    assert one.status == 200
    client_id = one.part("client-id")
    for path in (PATH, f"{PATH}/{client_id}", f"{PATH}/{client_id}/remove"):
        one.open(path)
        assert HOSTILE in one.text
        assert "<script>alert" not in one.browser.page.text
        assert "<b>" not in one.browser.page.text


def test_each_page_is_for_those_who_may(desk: Open) -> None:
    live = desk(Role.STAFF).live
    client_id = made(live, "regular_web")
    pages = [PATH, f"{PATH}/new/browser", f"{PATH}/{client_id}", f"{PATH}/{client_id}/remove"]
    pages.append(f"{PATH}/{client_id}/secrets/sec_nothing/revoke")
    for role in Role:
        one = desk(role) if role is not Role.STAFF else desk(Role.STAFF, Role.SUPPORT)
        may = role in {Role.ADMINISTRATOR, Role.DEVELOPER}
        for path in pages:
            one.open(path)
            assert one.status == (200 if may else 403), (role, path)
            assert (PATH in one.text.partition("<h1>")[0]) == may  # the tab
        if not may:
            answer = one.browser.send("POST", f"{PATH}/{client_id}/remove", data={"act": "remove_app"})
            assert answer.status_code == 403
    assert names(live) == ["Charts"]


def test_another_organizations_app_is_not_there(desk: Open) -> None:
    """M-10."""
    one = desk()
    theirs = made(one.live, organization_id=one.live.world.birch.organization_id)
    mine = made(one.live)
    one.open(f"{PATH}/{mine}/remove")
    sent = one.fields("remove_app")
    for path in ("", "/remove", "/secrets/sec_nothing/revoke"):
        one.open(f"{PATH}/{theirs}{path}")
        assert one.status == 404
        assert theirs not in one.text.replace(f"{PATH}/{theirs}{path}", "")
    for path in (f"{PATH}/{theirs}/remove", f"{PATH}/{mine}/remove?app_id={theirs}"):
        one.browser.send("POST", path, data=sent | {"app_id": theirs})
    birch = one.live.world.birch.organization_id
    assert one.live.server.database.read(lambda tx: apps.find(tx, birch, theirs)) is not None
    assert names(one.live) == []

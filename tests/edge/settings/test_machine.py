"""The machine client's pages: a secret shown once and nowhere again, its end, permissions, and a real exchange."""

import html
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyotp
import pytest

from rxauth.domain import clients, machine_clients, memberships, organizations, totp
from rxauth.domain.audit import Event
from rxauth.domain.client_secrets import Secret
from rxauth.domain.clients import Client
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser, form_with
from tests.domain.test_audit import entries
from tests.live import Live
from tests.people import add_person
from tests.signing_in import Cast
from tests.world import NOW

PAGE = "/settings/developers"
NEW = f"{PAGE}/new-secret"
SECRET = re.compile(r'<code id="client-secret" data-exact>(rxs_\w+)</code>')


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People of two clinics, and Dev, who develops for the first."""
    cast = Cast(sqlite_live)
    alder = sqlite_live.world.alder.organization_id

    def fill(tx: Transaction) -> None:
        dev, maya = add_person(tx, "dev@example.com"), add_person(tx, "maya@example.com")
        memberships.add(tx, alder, dev.id, [Role.DEVELOPER], NOW)
        memberships.add(tx, alder, maya.id, [Role.ADMINISTRATOR], NOW)

    sqlite_live.server.database.write(fill)
    yield cast
    cast.close()


def at(cast: Cast, path: str = PAGE, email: str = "dev@example.com") -> Browser:
    """Returns a browser in which somebody signed in to see a page."""
    browser = cast.browser()
    browser.open(path)
    cast.log_in(browser, email)
    return browser


def machine(cast: Cast) -> Client:
    """Returns Alder's machine client as it is stored."""
    alder = cast.live.world.alder.organization_id
    found = cast.live.server.database.read(lambda tx: machine_clients.find(tx, alder))
    assert found is not None
    return found


def first(cast: Cast) -> Secret:
    """Returns the secret that Alder's client began with."""
    found = machine(cast).secret(cast.live.world.alder.secret_id)
    assert found is not None
    return found


def second(cast: Cast) -> Secret:
    """Returns the one that was made after it; both are of one second."""
    return next(one for one in machine(cast).secrets if one.id != cast.live.world.alder.secret_id)


def exchange(cast: Cast, secret: str) -> httpx.Response:
    """Exchanges a secret of Alder's client."""
    return cast.live.exchange(cast.live.world.alder, client_secret=secret)


def made(browser: Browser, name: str = "Production", overlap: str = "3600", life: str = "90") -> str:
    """Makes a secret on its page; returns its text."""
    browser.open(NEW)
    browser.submit(form_with(browser, "secret_create"), name=name, overlap_seconds=overlap, lifetime_days=life)
    shown = SECRET.search(browser.page.text)
    assert shown is not None, browser.page.text
    return shown[1]


def test_a_new_secret_is_shown_once_with_the_command_that_uses_it_and_what_becomes_of_the_old_one(cast: Cast) -> None:
    alder = cast.live.world.alder
    browser = at(cast)
    assert alder.client_id in browser.page.text
    assert "It can never write prescriptions" in browser.page.text

    secret = made(browser, "Production <b>")

    text = html.unescape(browser.page.text)
    assert browser.page.headers["cache-control"] == "no-store"
    [body] = re.findall(r"--data '(\{\"client_id[^']+\})'", text)
    answer = cast.live.http.post("/oauth/token", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200
    [pair] = re.findall(r"--user '([^']+)'", text)
    form_body = {"grant_type": "client_credentials"}
    assert cast.live.http.post("/oauth/token", data=form_body, auth=tuple(pair.split(":"))).status_code == 200
    assert "works until" in text
    new = second(cast)
    assert (new.name, new.expires_at) == ("Production <b>", NOW + 90 * 86_400)
    assert first(cast).expires_at == NOW + 3_600
    browser.open(PAGE)
    assert "Production &lt;b&gt;" in browser.page.text
    assert [exchange(cast, one).status_code for one in (alder.secret, secret)] == [200, 200]


def test_a_secret_made_on_a_page_is_in_no_other_page_no_record_no_log_and_not_in_the_database(
    cast: Cast, capfd: pytest.CaptureFixture[str]
) -> None:
    """M-21: the secret is its own canary."""
    browser = at(cast)
    secret = made(browser)
    assert exchange(cast, secret).status_code == 200
    new = second(cast)

    paths = (PAGE, NEW, f"{PAGE}/try", f"{PAGE}/secrets/{new.id}", f"{PAGE}/secrets/{new.id}/revoke")
    pages = [browser.open(path).text for path in paths]
    browser.open(f"{PAGE}/try")
    pages.append(browser.submit(form_with(browser, "machine_try"), client_secret=secret).text)
    assert "access_token" in pages[-1]
    assert all(secret not in page for page in pages)
    file = Path(cast.live.world.settings.database_url.removeprefix("sqlite:///"))
    kept = b"".join(one.read_bytes() for one in file.parent.glob(f"{file.name}*"))
    assert new.id.encode() in kept
    assert secret.encode() not in kept
    assert secret not in str(entries(cast.live.world))
    logged = capfd.readouterr()
    assert secret not in logged.out + logged.err


def test_a_form_that_is_sent_twice_makes_one_secret(cast: Cast) -> None:
    browser = at(cast, NEW)
    fields = browser.forms()[form_with(browser, "secret_create")].fields | {"name": "Twice", "overlap_seconds": "60"}

    answer, again = (browser.send("POST", NEW, data=fields) for _ in range(2))

    assert SECRET.search(answer.text)
    assert (again.status_code, SECRET.search(again.text)) == (409, None)
    assert "shown once and not kept" in again.text
    assert len(machine(cast).secrets) == 2


def test_of_two_secrets_that_work_one_is_ended_before_a_third_is_made(cast: Cast) -> None:
    browser = at(cast)
    secret, old = made(browser), first(cast)
    browser.open(NEW)
    assert "Two secrets work already" in browser.page.text
    assert not [one for one in browser.forms() if one.fields.get("act") == "secret_create"]

    browser.open(f"{PAGE}/secrets/{old.id}/revoke")
    assert "goes on working" in browser.page.text
    browser.submit(form_with(browser, "secret_revoke"))

    assert browser.page.url.path == PAGE
    assert "The secret was revoked." in browser.page.text
    assert [exchange(cast, one).status_code for one in (cast.live.world.alder.secret, secret)] == [401, 200]
    browser.open(f"{PAGE}/secrets/{old.id}/revoke")
    assert browser.heading() == "This secret is revoked"
    browser.open(NEW)
    assert form_with(browser, "secret_create") >= 0


def test_a_secret_has_another_name_and_end_and_what_is_wrong_is_said_beside_its_field(cast: Cast) -> None:
    secret = first(cast)
    browser = at(cast, f"{PAGE}/secrets/{secret.id}")

    browser.submit(form_with(browser, "secret_rename"), name="Old & grey")
    assert "The secret has another name." in browser.page.text
    browser.submit(form_with(browser, "secret_rename"), name="x" * 10_000)
    assert browser.page.status_code == 422
    assert browser.forms()[form_with(browser, "secret_rename")].fields["name"] == "x" * 10_000
    browser.open(f"{PAGE}/secrets/{secret.id}")
    browser.submit(form_with(browser, "secret_expiry"), lifetime_days="30")
    assert "The secret has another end." in browser.page.text
    browser.submit(form_with(browser, "secret_expiry"), lifetime_days="many")
    assert browser.page.status_code == 422

    changed = first(cast)
    assert (changed.name, changed.expires_at) == ("Old & grey", NOW + 30 * 86_400)


def test_permissions_are_ticked_and_what_is_impossible_cannot_be(cast: Cast) -> None:
    path = f"{PAGE}/permissions"
    browser = at(cast, path, "maya@example.com")
    assert "A machine never holds write:prescription; only authorized providers do." in browser.page.text
    fields = browser.forms()[form_with(browser, "machine_permissions")].fields

    asked = fields | {"permissions": ["read:order", "write:prescription"]}
    answer = browser.send("POST", path, data=asked)
    assert answer.status_code == 403
    assert machine(cast).subject.permissions == set(MACHINE_DEFAULT)
    browser.open(path)
    fields = browser.forms()[form_with(browser, "machine_permissions")].fields
    answer = browser.send("POST", path, data=fields | {"permissions": ["read:order", "read:audit"]})

    assert answer.headers["location"] == f"{PAGE}?done=machine_permissions"
    assert machine(cast).subject.permissions == {"read:order", "read:audit"}
    stale = fields | {"permissions": ["read:order"], "once": "another-key-of-a-form"}
    assert browser.send("POST", path, data=stale).status_code == 409


def test_whoever_has_a_second_factor_proves_it_to_give_a_permission_and_not_to_revoke(cast: Cast) -> None:
    live = cast.live

    def add_factor(tx: Transaction) -> None:
        user = add_person(tx, "fay@example.com")
        memberships.add(tx, live.world.alder.organization_id, user.id, [Role.ADMINISTRATOR], NOW)
        key = live.server.sealing_key
        shown = pyotp.TOTP(totp.begin(tx, user.id, key, NOW).secret)
        assert totp.confirm(tx, user.id, shown.at(NOW), key, NOW)
        secrets.append(shown)

    secrets: list[pyotp.TOTP] = []
    live.server.database.write(add_factor)
    browser = at(cast, f"{PAGE}/permissions", "fay@example.com")
    live.clock.advance(60)
    browser.submit(code=secrets[0].at(live.clock.seconds()))
    assert browser.heading() == "What the machine client may do"
    live.clock.advance(600)
    fields = browser.forms()[form_with(browser, "machine_permissions")].fields

    fewer = browser.send("POST", f"{PAGE}/permissions", data=fields | {"permissions": ["read:order"]})
    assert fewer.headers["location"].startswith(PAGE)
    browser.open(f"{PAGE}/permissions")
    fields = browser.forms()[form_with(browser, "machine_permissions")].fields
    more = browser.send("POST", f"{PAGE}/permissions", data=fields | {"permissions": ["read:order", "read:patient"]})
    assert more.headers["location"].startswith("/sign-in")
    assert machine(cast).subject.permissions == {"read:order"}

    browser.open(f"{PAGE}/secrets/{first(cast).id}/revoke")
    browser.submit(form_with(browser, "secret_revoke"))
    assert first(cast).revoked_at == live.clock.seconds()


def test_the_exchange_is_tried_for_real_and_neither_secret_nor_token_is_shown_whole(cast: Cast) -> None:
    alder = cast.live.world.alder
    browser = at(cast, f"{PAGE}/try")

    good = browser.submit(form_with(browser, "machine_try"), client_secret=alder.secret, scope="read:order")
    text = html.unescape(good.text)
    assert '"expires_in": 86400' in text
    assert '"read:order"' in text
    assert f'"org_id": "{alder.organization_id}"' in text
    assert not re.search(r"ey[\w-]+\.[\w-]+\.[\w-]+", text)
    assert alder.secret not in text

    wrong = browser.submit(form_with(browser, "machine_try"), client_secret=alder.secret[:-1])
    assert "not copied whole" in html.unescape(wrong.text)
    impossible = browser.submit(
        form_with(browser, "machine_try"), client_secret=alder.secret, scope="write:prescription"
    )
    assert "invalid_scope" in impossible.text
    none = browser.submit(form_with(browser, "machine_try"), client_id="nobody", client_secret="")
    assert "invalid_client" in none.text
    assert len(entries(cast.live.world, Event.TOKEN_ISSUED)) == 1


@pytest.mark.parametrize("below", ["", "/revoke"])
def test_another_organizations_secret_is_as_absent_as_none(cast: Cast, below: str) -> None:
    """M-10."""
    birch = cast.live.world.birch
    browser = at(cast)
    answers = [browser.open(f"{PAGE}/secrets/{one}{below}") for one in (birch.secret_id, "nothing")]
    assert [one.status_code for one in answers] == [404, 404]
    assert answers[0].text == answers[1].text

    own = first(cast).id
    browser.open(f"{PAGE}/secrets/{own}/revoke")
    fields = browser.forms()[form_with(browser, "secret_revoke")].fields
    sent = [browser.send("POST", f"{PAGE}/secrets/{one}/revoke", data=fields) for one in (birch.secret_id, "nothing")]
    assert [one.status_code for one in sent] == [403, 403]
    assert cast.live.exchange(birch).status_code == 200


def test_nobody_else_opens_the_pages_or_sends_their_forms(cast: Cast) -> None:
    """M-13."""
    secret_id = first(cast).id
    browser = at(cast, PAGE, "ada@example.com")
    for path in ("", "/new-secret", f"/secrets/{secret_id}", f"/secrets/{secret_id}/revoke", "/permissions", "/try"):
        for answer in (browser.open(PAGE + path), browser.send("POST", PAGE + path, data={"act": "secret_revoke"})):
            assert answer.status_code == 403
            assert "Developer" in answer.text or answer.request.method == "POST"


def test_an_organization_without_a_machine_client_makes_it(cast: Cast) -> None:
    live = cast.live

    def fill(tx: Transaction) -> str:
        cedar = organizations.create(tx, "Cedar Clinic", NOW).id
        memberships.add(tx, cedar, add_person(tx, "cy@example.com").id, [Role.DEVELOPER], NOW)
        return cedar

    cedar = live.server.database.write(fill)
    browser = at(cast, PAGE, "cy@example.com")
    assert "Your backend has no client yet" in browser.page.text
    for path in ("/new-secret", "/permissions", "/try"):
        assert browser.open(PAGE + path).status_code == 404
    browser.open(PAGE)
    browser.submit(form_with(browser, "machine_create"), name="Cedar backend")

    assert "Cedar backend" in browser.page.text
    assert "There is none yet." in browser.page.text
    secret = made(browser)
    client = live.server.database.read(lambda tx: machine_clients.find(tx, cedar))
    assert client is not None
    body = {"grant_type": "client_credentials", "client_id": client.id, "client_secret": secret}
    assert live.http.post("/oauth/token", data=body).status_code == 200


def test_a_client_that_was_shut_out_says_so(cast: Cast) -> None:
    alder = cast.live.world.alder
    cast.live.server.database.write(lambda tx: clients.disable(tx, alder.client_id, NOW))

    assert "shut this client out" in at(cast).page.text

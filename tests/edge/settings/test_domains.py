"""The pages of e-mail domains and emergency access, as an administrator walks through them."""

from collections.abc import Iterator

import pytest

from rxauth.domain import connections, domains, emergency_access, organizations
from rxauth.edge.cookies import NAME
from rxauth.edge.text_records import TextRecords
from rxauth.policy.assurance import FirstFactor
from tests.browsing import Browser, form_with
from tests.domain.test_connections import WANTED
from tests.live import PATIENCE_S, Live
from tests.name_server import NameServer, name_server
from tests.security.test_forced_sign_on import totp_of
from tests.signing_in import Cast
from tests.token_holders import Holders
from tests.world import NOW

PAGE = "/settings/domains"


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """A name server, which is waited for on a machine that stands still."""
    monkeypatch.setattr("rxauth.edge.text_records.LOOK_S", float(PATIENCE_S))
    with name_server() as made:
        yield made


@pytest.fixture
def cast(sqlite_live: Live, dns: NameServer) -> Iterator[Cast]:
    """People of a server that asks that name server."""
    cast = Cast(sqlite_live)
    sqlite_live.edge.api.text_records = TextRecords([dns.address]).look
    yield cast
    cast.close()


def at(cast: Cast, path: str) -> Browser:
    """Returns a browser in which Ben, an administrator, opened a page."""
    session, handle = Holders(cast.live).session(cast.ben.id, ("pwd", "otp"))
    cast.live.server.database.write(
        lambda tx: cast_into(tx, session.id, cast.live.world.alder.organization_id, cast.live.clock.seconds())
    )
    browser = cast.browser()
    browser.cookies[NAME] = handle
    browser.open(path)
    return browser


def cast_into(tx, session_id: str, organization_id: str, now: int) -> None:  # type: ignore[no-untyped-def]
    """Has a session act for an organization."""
    from rxauth.domain import sessions

    sessions.choose_organization(tx, session_id, organization_id, now)


def submit(browser: Browser, act: str, **fields: str) -> str:
    """Sends a form of the page; returns the text of the next one."""
    return browser.submit(form=form_with(browser, act), **fields).text


def test_a_domain_is_added_verified_led_to_a_connection_and_removed(cast: Cast, dns: NameServer) -> None:
    alder, key = cast.live.world.alder.organization_id, cast.live.server.sealing_key
    connection = cast.live.server.database.write(lambda tx: connections.create(tx, alder, WANTED, key, NOW))
    browser = at(cast, f"{PAGE}/new")
    assert "such as clinic.example" in submit(browser, "add_domain", name="nothing")
    assert "nybody can get an address" in submit(browser, "add_domain", name="gmail.com")
    assert "Publish its record" in submit(browser, "add_domain", name="clinic.example")

    assert "no such text record" in submit(browser, "verify_domain")
    [domain] = cast.live.server.database.read(lambda tx: domains.all_of(tx, alder))
    dns.texts[domain.hosts[0]] = [domain.record]
    assert "The domain is verified." in submit(browser, "verify_domain")
    assert "sign in that way" in submit(browser, "lead_domain", connection_id=connection.id)
    browser.open(PAGE)
    assert "Alder&#39;s directory" in browser.page.text

    browser.open(f"{PAGE}/{domain.id}")
    assert "The domain was removed." in submit(browser, "remove_domain")
    assert cast.live.server.database.read(lambda tx: domains.all_of(tx, alder)) == []


def test_single_sign_on_is_asked_of_everybody_once_the_page_lacks_nothing(cast: Cast) -> None:
    database, alder = cast.live.server.database, cast.live.world.alder.organization_id
    browser = at(cast, "/settings/organization/sign-in")
    assert "First: add a connection" in browser.page.text
    database.write(lambda tx: totp_of(tx, cast.ben.id, cast.live))
    browser.open("/settings/organization/emergency-access")
    assert "Emergency access was changed." in submit(browser, "emergency_access", people=cast.ben.id)
    assert database.read(lambda tx: emergency_access.named(tx, alder)) == [cast.ben.id]

    def prepare(tx) -> None:  # type: ignore[no-untyped-def]
        made = connections.create(tx, alder, WANTED, cast.live.server.sealing_key, NOW)
        connections.note_proven(tx, made, NOW)
        domains.verify(tx, domains.add(tx, alder, "clinic.example", NOW), NOW)

    database.write(prepare)
    browser.open("/settings/organization/sign-in")
    assert "First: " not in browser.page.text
    submit(browser, "sign_in_rules", first_factors="connection")
    found = database.read(lambda tx: organizations.find(tx, alder))
    assert found is not None
    assert found.sole_first_factor is FirstFactor.CONNECTION
    browser.open("/settings/organization")
    assert "Use emergency access?" in browser.page.text  # Ben himself, at the next click

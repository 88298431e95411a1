"""The engine of the settings pages, shown on the organization's page: who gets in, what a form does, and once."""

import re
from collections.abc import Iterator

import pytest
from graphql import parse, validate

from rxauth.api import contract
from rxauth.domain import memberships, organizations, sessions
from rxauth.edge.settings.sections import permission_variables
from rxauth.edge.settings.table import NOTICES, SECTIONS
from rxauth.policy.permissions import BY_NAME
from rxauth.policy.roles import Role
from tests.browsing import Browser, form_with
from tests.live import Live
from tests.signing_in import Cast
from tests.world import NOW

PAGE = "/settings/organization/contact"


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs."""
    cast = Cast(sqlite_live)
    yield cast
    cast.close()


def at(cast: Cast, path: str = PAGE, email: str = "ada@example.com") -> Browser:
    """Returns a browser in which somebody signed in to see a settings page."""
    browser = cast.browser()
    browser.open(path)
    cast.log_in(browser, email)
    return browser


def alder_name(cast: Cast) -> str:
    """Returns what the organization is called now."""
    database, alder = cast.live.server.database, cast.live.world.alder.organization_id
    found = database.read(lambda tx: organizations.find(tx, alder))
    assert found is not None
    return found.name


def test_every_document_fits_the_schema_and_names_permissions_that_there_are() -> None:
    schema = contract.schema()
    for section in SECTIONS:
        for document in (section.query, *(act.document for act in section.acts.values())):
            assert validate(schema, parse(document)) == [], section.path
        assert set(section.opens) | set(permission_variables(section.query).values()) <= BY_NAME.keys()


def test_no_two_acts_share_a_name_and_each_says_what_it_did() -> None:
    names = [name for section in SECTIONS for name in section.acts]
    assert len(names) == len(NOTICES)
    assert all(act.notice or act.page for section in SECTIONS for act in section.acts.values())


def test_settings_lead_to_the_first_page_that_may_be_opened(cast: Cast) -> None:
    browser = at(cast, "/settings")
    assert browser.page.url.path == "/settings/team"


def test_somebody_of_two_organizations_chooses_and_can_choose_again(cast: Cast) -> None:
    browser = at(cast, PAGE, "ben@example.com")
    assert browser.heading() == "Choose an organization"
    browser.submit(press=cast.live.world.alder.organization_id)
    assert browser.heading() == "Name and contact"
    assert "Alder Clinic" in browser.page.text
    browser.open("/settings/switch")
    assert browser.heading() == "Choose an organization"
    browser.submit(press=cast.live.world.birch.organization_id)
    browser.open("/settings/organization")
    assert cast.live.world.birch.organization_id in browser.page.text


def test_somebody_without_an_organization_is_told_so(cast: Cast) -> None:
    browser = at(cast, PAGE, "cleo@example.com")
    assert (browser.page.status_code, browser.heading()) == (403, "You belong to no organization yet")


def test_an_act_is_done_and_the_next_page_says_so(cast: Cast) -> None:
    browser = at(cast)
    browser.submit(form=form_with(browser, "organization"), name="Alder & Elm <Clinic>")
    assert "The organization was changed." in browser.page.text
    assert "<bdi>Alder &amp; Elm &lt;Clinic&gt;</bdi>" in browser.page.text
    assert alder_name(cast) == "Alder & Elm <Clinic>"


def test_a_refused_value_is_named_beside_its_field_and_nothing_typed_is_lost(cast: Cast) -> None:
    browser = at(cast)
    browser.submit(form=form_with(browser, "organization"), name="Elm", npi="1245319598")
    assert browser.page.status_code == 422
    assert re.search(r'<a href="#npi">[^<]+</a>', browser.page.text)
    assert browser.forms()[form_with(browser, "organization")].fields["name"] == "Elm"
    browser.submit(form=form_with(browser, "organization"), name="E" * 10_000)
    assert browser.page.status_code == 422
    assert browser.forms()[form_with(browser, "organization")].fields["name"] == "E" * 10_000
    assert alder_name(cast) == "Alder Clinic"


def test_a_form_that_is_sent_twice_does_one_thing(cast: Cast) -> None:
    browser = at(cast)
    sent = browser.forms()[form_with(browser, "organization")].fields | {"name": "Elm"}
    answers = [browser.send("POST", PAGE, data=sent | {"name": name}) for name in ("Elm", "Elm", "Oak")]
    assert [one.status_code for one in answers] == [303, 303, 409]
    assert alder_name(cast) == "Elm"


def test_a_stale_form_is_shown_again_with_what_was_typed(cast: Cast) -> None:
    first, second = at(cast), at(cast)
    first.submit(form=form_with(first, "organization"), name="Elm")
    second.submit(form=form_with(second, "organization"), name="Oak")
    assert (second.page.status_code, alder_name(cast)) == (409, "Elm")
    assert "Somebody changed this" in second.page.text
    assert second.forms()[form_with(second, "organization")].fields["name"] == "Oak"
    second.submit(form=form_with(second, "organization"))
    assert alder_name(cast) == "Oak"


def test_csrf_a_form_of_another_page_or_browser_does_nothing(cast: Cast) -> None:
    browser, other = at(cast), at(cast)
    fields = browser.forms()[form_with(browser, "organization")].fields | {"name": "Elm"}
    assert other.send("POST", PAGE, data=fields).status_code == 403
    assert browser.send("POST", PAGE, data=fields | {"csrf": ""}).status_code == 403
    foreign = {"sec-fetch-site": "cross-site"}
    assert browser.send("POST", PAGE, data=fields, headers=foreign).status_code == 403
    assert alder_name(cast) == "Alder Clinic"


def test_who_loses_the_role_or_the_session_is_out_at_the_next_page(cast: Cast) -> None:
    browser = at(cast)
    fields = browser.forms()[form_with(browser, "organization")].fields | {"name": "Elm"}
    alder, ada = cast.live.world.alder.organization_id, cast.ada.id
    cast.live.server.database.write(lambda tx: memberships.set_roles(tx, alder, ada, [Role.SUPPORT], NOW))
    answer = browser.send("POST", PAGE, data=fields)
    assert (answer.status_code, alder_name(cast)) == (403, "Alder Clinic")
    assert "manage:organization" in answer.text
    cast.live.server.database.write(lambda tx: sessions.end_all(tx, ada, NOW))
    browser.open(PAGE)
    assert browser.heading().startswith("Log in")


def test_an_organization_that_asks_for_a_second_factor_asks_it_of_its_settings_too(cast: Cast) -> None:
    alder = cast.live.world.alder.organization_id
    cast.live.server.database.write(lambda tx: organizations.require_second_factor(tx, alder, NOW, required=True))
    browser = at(cast)
    assert browser.heading() == "Set up a second factor"


def test_the_server_s_own_address_leads_to_the_settings(cast: Cast) -> None:
    browser = cast.browser()
    browser.open("/")
    assert browser.heading().startswith("Log in to continue")

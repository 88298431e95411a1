"""The organization's name, logo and colour on the pages of a sign-in, set over the API and seen by a browser."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from rxauth.domain import invites, organizations, peoples_clients
from rxauth.domain.client_urls import Registered
from rxauth.domain.clients import SPA
from rxauth.domain.invites import Asked
from rxauth.domain.peoples_clients import PeoplesClient
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic
from tests.live import Live
from tests.people import link_written, outbox
from tests.pictures import JPEG, PNG, WEBP
from tests.signing_in import CALLBACK, Cast
from tests.world import NOW

BRANDING = "accentColor accentOnLight accentOnDark logo { path contentType image }"
UPDATE = f"""mutation($input: OrganizationSettingsInput!, $version: ID) {{
  updateOrganizationSettings(input: $input, version: $version) {{ {BRANDING} version }}
}}"""
HOSTILE = '<b onmouseover="alert(1)">Alder</b> & "Sons" \u202e' + "x" * 140


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


@pytest.fixture
def cast(lone_clinic: Clinic) -> Iterator[Cast]:
    """People and a client of theirs, in the same world."""
    cast = Cast(lone_clinic.live)
    yield cast
    cast.close()


def in_base64(content: bytes) -> str:
    """Returns bytes as the API takes them."""
    return base64.b64encode(content).decode()


def branded(clinic: Clinic, **changes: Any) -> Any:
    """Has the administrator change the branding; returns what is shown then."""
    return clinic.live.data(clinic.administrator.token, UPDATE, {"input": changes})["updateOrganizationSettings"]


def got(clinic: Clinic, path: str) -> httpx.Response:
    """Asks for a file as a browser does."""
    return clinic.live.http.get(path)


def kept(answer: httpx.Response) -> tuple[int, str, str, str]:
    """Returns the status, and what browsers are told to make of a file."""
    headers = answer.headers
    return answer.status_code, headers["content-type"], headers["x-content-type-options"], headers["cache-control"]


@pytest.mark.parametrize(
    ("content", "media_type"), [(PNG, "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")], ids=str
)
def test_a_logo_is_shown_over_the_api_and_at_a_url_of_its_own(clinic: Clinic, content: bytes, media_type: str) -> None:
    shown = branded(clinic, logo=in_base64(content))["logo"]
    assert shown["contentType"] == media_type
    answer = got(clinic, shown["path"])
    assert kept(answer) == (200, media_type, "nosniff", "public, max-age=31536000, immutable")
    assert in_base64(answer.content) == shown["image"]
    assert "sandbox" in answer.headers["content-security-policy"]
    assert branded(clinic, logo=in_base64(content))["logo"] == shown
    [entry] = clinic.recorded("organization.settings_changed")
    assert set(entry["details"]) == {"logo"}

    assert branded(clinic, logo=None)["logo"] is None
    assert got(clinic, shown["path"]).status_code == 404


def test_another_logo_has_another_url_and_the_old_one_is_gone(clinic: Clinic) -> None:
    first, second = (branded(clinic, logo=in_base64(one)) for one in (PNG, WEBP))
    assert first["version"] != second["version"]
    assert got(clinic, first["logo"]["path"]).status_code == 404
    assert got(clinic, second["logo"]["path"]).status_code == 200
    birch = clinic.live.world.birch.organization_id
    foreign = second["logo"]["path"].replace(clinic.holders.organization_id, birch)
    assert got(clinic, foreign).status_code == 404


NO_LOGO = {
    "no base64": "!!!",
    "a data URL": "data:image/png;base64," + in_base64(PNG),
    "line breaks": base64.encodebytes(PNG).decode(),
    "an SVG": in_base64(b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    "HTML that begins like a GIF": in_base64(b"GIF89a/*<script>*/=1"),
    "nothing": "",
    "70 kB": in_base64(PNG + bytes(70_000)),
    "a bomb of sides": in_base64(PNG[:16] + b"\x7f\xff\xff\xff\x7f\xff\xff\xff" + PNG[24:]),
}


@pytest.mark.parametrize("name", NO_LOGO)
def test_what_is_no_logo_is_refused_and_changes_nothing(lone_clinic: Clinic, name: str) -> None:
    before = branded(lone_clinic, logo=in_base64(PNG))
    sent = {"input": {"logo": NO_LOGO[name], "accentColor": "#14614f"}}
    error = the_error(lone_clinic.live.graphql(lone_clinic.administrator.token, UPDATE, sent))
    assert (error["extensions"]["code"], error["extensions"]["field"]) == ("BAD_USER_INPUT", "logo")
    assert branded(lone_clinic) == before


def test_ten_megabytes_are_not_even_read(lone_clinic: Clinic) -> None:
    sent = {"input": {"logo": "A" * 10_000_000}}
    assert lone_clinic.live.graphql(lone_clinic.administrator.token, UPDATE, sent).status_code == 413


@pytest.mark.parametrize(
    "color", ["14614f", "#14614f;}body{display:none", "red", "#FFF", "url(x)", "</style>", "#" * 9_999]
)
def test_what_is_no_colour_is_refused(lone_clinic: Clinic, color: str) -> None:
    answer = lone_clinic.live.graphql(lone_clinic.administrator.token, UPDATE, {"input": {"accentColor": color}})
    assert code(answer) == "BAD_USER_INPUT"
    assert the_error(answer)["extensions"]["field"] == "accentColor"


def test_a_colour_says_where_it_can_be_read_and_has_a_stylesheet(clinic: Clinic) -> None:
    shown = branded(clinic, accentColor="#7C1FA0")
    assert (shown["accentColor"], shown["accentOnLight"], shown["accentOnDark"]) == ("#7c1fa0", True, False)
    answer = got(clinic, "/branding/7c1fa0.css")
    assert kept(answer) == (200, "text/css; charset=utf-8", "nosniff", "public, max-age=31536000, immutable")
    assert "--accent: #7c1fa0;" in answer.text
    assert "dark" not in answer.text
    [entry] = clinic.recorded("organization.settings_changed")
    assert entry["details"] == {"accent_color": "#7c1fa0"}


@pytest.mark.parametrize(
    "name", ["808080.css", "7c1fa0", "7c1fa.css", "zzzzzz.css", "7c1fa0.css.css%3B", ".css", "a%0Ab.css"]
)
def test_no_other_stylesheet_is_there(lone_clinic: Clinic, name: str) -> None:
    answer = got(lone_clinic, f"/branding/{name}")
    assert answer.status_code == 404
    assert "immutable" not in answer.headers.get("cache-control", "")


@pytest.mark.parametrize("name", ["x.png", "../x.png", "%2e%2e", "' OR 1=1", "x" * 5_000])
def test_no_other_logo_is_there(lone_clinic: Clinic, name: str) -> None:
    branded(lone_clinic, logo=in_base64(PNG))
    assert got(lone_clinic, f"/branding/{lone_clinic.holders.organization_id}/{name}").status_code == 404


def test_the_login_page_shows_the_organization_that_was_asked_for_first(lone_clinic: Clinic, cast: Cast) -> None:
    shown = branded(lone_clinic, logo=in_base64(PNG), accentColor="#7c1fa0")
    browser = cast.browser()
    browser.open(cast.request(organization=lone_clinic.holders.organization_id))
    text = browser.page.text
    logo, name, heading = (text.index(part) for part in (shown["logo"]["path"], "<bdi>Alder Clinic</bdi>", "<h1>"))
    assert logo < name < heading
    assert re.findall(r'<link rel="stylesheet" href="([^"]+)"', text)[1:] == ["/branding/7c1fa0.css"]
    policy = browser.page.headers["content-security-policy"]
    assert ("style-src 'self'" in policy, "img-src 'self'" in policy, "unsafe" in policy) == (True, True, False)

    for asked in (None, "Alder Clinic", cast.live.world.birch.organization_id, "org_01J00000000000000000000000"):
        other = cast.browser()
        other.open(cast.request(organization=asked))
        assert "/branding/" not in other.page.text, asked


def test_a_client_of_one_organization_shows_it_on_every_page_of_the_way(lone_clinic: Clinic, cast: Cast) -> None:
    branded(lone_clinic, logo=in_base64(PNG), secondFactorRequired=True)
    own = PeoplesClient("Own App", SPA, Registered((CALLBACK,), ()))
    alder = lone_clinic.holders.organization_id
    client_id, _ = lone_clinic.live.server.database.write(
        lambda tx: peoples_clients.create_peoples_client(tx, alder, own, NOW)
    )
    browser = cast.browser()
    browser.open(cast.request(client_id=client_id))
    assert f"/branding/{alder}/" in browser.page.text
    cast.log_in(browser)
    assert browser.heading() == "Set up a second factor"
    assert f"/branding/{alder}/" in browser.page.text


def test_an_invite_looks_like_who_invites(lone_clinic: Clinic, cast: Cast) -> None:
    shown = branded(lone_clinic, logo=in_base64(PNG))
    database, world = lone_clinic.live.server.database, lone_clinic.live.world
    asked = Asked("new@example.com", frozenset({Role.STAFF}))
    alder, letters = lone_clinic.holders.organization_id, outbox(world)
    link = link_written(database, world, lambda tx: invites.create(tx, alder, asked, letters, NOW))
    browser = cast.browser()
    browser.open(f"/invite?token={link}")
    assert shown["logo"]["path"] in browser.page.text


def test_a_disabled_organization_is_not_shown(lone_clinic: Clinic, cast: Cast) -> None:
    alder, database = lone_clinic.holders.organization_id, lone_clinic.live.server.database
    branded(lone_clinic, logo=in_base64(PNG))
    database.write(lambda tx: organizations.disable(tx, alder, NOW))
    browser = cast.browser()
    browser.open(cast.request(client_id=cast.client_id, organization=alder))
    assert "/branding/" not in browser.page.text


def test_a_name_of_markup_stays_a_text(lone_clinic: Clinic, cast: Cast) -> None:
    alder, database = lone_clinic.holders.organization_id, lone_clinic.live.server.database
    database.write(lambda tx: organizations.change(tx, alder, name=HOSTILE))
    browser = cast.browser()
    browser.open(cast.request(organization=alder))
    assert "<b onmouseover" not in browser.page.text
    assert "&lt;b onmouseover=" in browser.page.text

"""The catalog and templates pages over HTTP: who sees, who changes, twice, stale, and markup in every field."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from rxauth.edge.cookies import NAME
from rxauth.policy.roles import Role
from tests.browsing import Browser
from tests.edge.settings.test_providers import MARKUP, problem, send
from tests.live import Live
from tests.token_holders import Holders
from tests.world import ISSUER

CATALOG, TEMPLATES = "/settings/catalog", "/settings/templates"
KEEPERS = {Role.ADMINISTRATOR, Role.STAFF, Role.PRESCRIBER, Role.MEDICAL_OPERATIONS}
WHOLE = "{ catalog { id treatments { id name } templates { id name isPrivate dispenseQuantity instructions } } }"


class Scene:
    """A clinic's people, each in a browser of their own."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.holders = Holders(live)
        self.browsers: list[Browser] = []

    def at(self, path: str, role: Role = Role.STAFF, user_id: str | None = None) -> Browser:
        """Returns a browser in which somebody opened a page."""
        if user_id is None:
            user_id = self.holders.provider() if role is Role.PRESCRIBER else self.holders.person(role)
        browser = Browser(self.live.url, ISSUER)
        self.browsers.append(browser)
        browser.cookies[NAME] = self.holders.session(user_id)[1]
        browser.open(path)
        return browser

    def catalog(self) -> Any:
        """Returns the catalog as the machine sees it."""
        return self.live.data(self.live.token(self.live.world.alder), WHOLE)["catalog"]

    def medication(self) -> Any:
        """Returns a medication that is not in the catalog."""
        token = self.live.token(self.live.world.alder)
        found = self.live.data(token, '{ medications(filter: {drug: {name: "a"}}, first: 100) { id name } }')[
            "medications"
        ]
        held = {one["id"] for one in self.catalog()["treatments"]}
        return next(one for one in found if one["id"] not in held)


@pytest.fixture
def scene(sqlite_live: Live) -> Iterator[Scene]:
    """A clinic."""
    scene = Scene(sqlite_live)
    yield scene
    for browser in scene.browsers:
        browser.close()


def make(browser: Browser, treatment_id: str, **fields: str) -> None:
    """Makes a template on its page."""
    browser.open(f"{TEMPLATES}/new/{treatment_id}")
    send(browser, "template-create", **{"who": "all"} | fields)


def test_a_medication_is_found_added_once_and_removed(scene: Scene) -> None:
    one, browser = scene.medication(), scene.at(CATALOG)
    search = f"{CATALOG}?{urlencode({'name': one['name']})}"
    browser.open(search)
    form = next(each for each in browser.forms() if each.fields.get("act") == "catalog-add")
    answers = [browser.send("POST", CATALOG, data=form.fields | {"treatment": one["id"]}) for _ in range(2)]
    assert [each.status_code for each in answers] == [303, 303]
    assert answers[0].headers["location"].startswith(f"{CATALOG}?name=")
    assert one["id"] in {each["id"] for each in scene.catalog()["treatments"]}
    browser.open(search)
    assert "In the catalog" in browser.page.text
    send(browser, "catalog-remove", press=one["id"])
    assert "It is no longer in the catalog." in browser.page.text
    assert one["id"] not in {each["id"] for each in scene.catalog()["treatments"]}


def test_a_template_is_made_changed_and_deleted(scene: Scene) -> None:
    one, browser = scene.medication(), scene.at(f"{TEMPLATES}/choose")
    make(browser, one["id"], name="Strep", dispense_quantity="2,5", fills_allowed="1", instructions="One\r\ndaily")
    assert "The template was made." in browser.page.text
    made = next(each for each in scene.catalog()["templates"] if each["name"] == "Strep")
    assert (made["dispenseQuantity"], made["instructions"]) == (2.5, "One\ndaily")
    page = f"{TEMPLATES}/{made['id']}"
    browser.open(page)
    assert browser.forms()[0].fields["dispense_quantity"] == "2.5"
    other = scene.at(page, Role.ADMINISTRATOR)
    send(browser, "template-update", name="Strep throat", dispense_quantity="")
    assert "The template was changed." in browser.page.text
    send(other, "template-update", name="Another")
    assert (other.page.status_code, other.forms()[0].fields["name"]) == (409, "Another")
    changed = next(each for each in scene.catalog()["templates"] if each["id"] == made["id"])
    assert (changed["name"], changed["dispenseQuantity"]) == ("Strep throat", None)
    browser.open(f"{page}/delete")
    send(browser, "template-delete")
    assert "The template was deleted." in browser.page.text
    assert made["id"] not in {each["id"] for each in scene.catalog()["templates"]}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"dispense_quantity": "many"}, "dispense_quantity"),
        ({"dispense_quantity": "0"}, "dispense_quantity"),
        ({"fills_allowed": "1000000"}, "fills_allowed"),
        ({"days_supply": "-1"}, "days_supply"),
        ({"name": "n" * 10_000}, "name"),
        ({"instructions": "i" * 10_000}, "instructions"),
    ],
)
def test_what_is_wrong_is_named_beside_its_field(scene: Scene, changes: dict[str, str], field: str) -> None:
    browser = scene.at(TEMPLATES)
    make(browser, scene.medication()["id"], **{"name": "Strep"} | changes)
    assert (browser.page.status_code, problem(browser)) == (422, field)
    assert browser.forms()[0].fields["name"] == changes.get("name", "Strep")


def test_every_member_sees_and_those_who_keep_them_change(scene: Scene) -> None:
    one = scene.medication()
    keeper = scene.at(TEMPLATES)
    make(keeper, one["id"], name="Everybody's")
    made = next(each for each in scene.catalog()["templates"] if each["name"] == "Everybody's")
    whole = scene.catalog()
    for role in Role:
        browser = scene.at(CATALOG, role)
        assert browser.page.status_code == 200
        assert ('value="catalog-remove"' in browser.page.text) is (role in KEEPERS and bool(whole["treatments"]))
        fields = {"act": "catalog-add", "catalog": whole["id"], "treatment": one["id"]}
        if role not in KEEPERS:
            csrf = {"csrf": "none"}
            assert browser.send("POST", CATALOG, data=fields | csrf).status_code == 403
        browser.open(TEMPLATES)
        assert "Everybody&#39;s" in browser.page.text
        for path in (f"{TEMPLATES}/choose", f"{TEMPLATES}/new/{one['id']}", f"{TEMPLATES}/{made['id']}"):
            browser.open(path)
            assert (browser.page.status_code == 200) is (role in KEEPERS), (role, path)
    assert scene.catalog() == whole


def test_a_template_of_ones_own_is_nobody_elses(scene: Scene) -> None:
    user_id = scene.holders.person(Role.STAFF)
    browser = scene.at(TEMPLATES, user_id=user_id)
    make(browser, scene.medication()["id"], name="Mine alone", who="me")
    assert "Mine alone" in browser.page.text
    path = next(part for part in browser.page.text.split('"') if part.startswith(f"{TEMPLATES}/tmp_"))
    other = scene.at(TEMPLATES)
    assert "Mine alone" not in other.page.text
    for page in (path, f"{path}/delete"):
        other.open(page)
        assert other.page.status_code == 404
    birch = Holders(scene.live, scene.live.world.birch.organization_id)
    stranger = birch.person(Role.ADMINISTRATOR, organization_id=birch.organization_id)
    for page in (path, f"{TEMPLATES}/new/med_nothing"):
        assert scene.at(page, user_id=stranger).page.status_code == 404


def test_markup_in_every_field_is_text(scene: Scene) -> None:
    browser = scene.at(TEMPLATES)
    make(browser, scene.medication()["id"], name=MARKUP, instructions=MARKUP, notes=MARKUP, dispense_unit=MARKUP)
    made = next(each for each in scene.catalog()["templates"] if each["name"] == MARKUP)
    for path in (TEMPLATES, f"{TEMPLATES}/{made['id']}", f"{TEMPLATES}/{made['id']}/delete", f"{CATALOG}?name=%3Cb%3E"):
        browser.open(path)
        assert browser.page.status_code == 200
        assert "<b>" not in browser.page.text

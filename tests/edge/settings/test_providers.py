"""The providers pages over HTTP: each act by who may and who may not, twice, stale, and with markup in every field."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pyotp
import pytest

from rxauth.crypto import passwords as hashes
from rxauth.domain import passwords, providers, totp
from rxauth.domain.providers import Provider
from rxauth.edge.cookies import NAME
from rxauth.edge.settings.providers import SECTIONS
from rxauth.policy.authority import State
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.live import Live
from tests.people import CHEAP, PASSWORD
from tests.providers import NPI
from tests.token_holders import Holders
from tests.world import ISSUER, NOW

PATH = "/settings/providers"
FACTS = {
    "npi": NPI,
    "npi_source": "the register's website",
    "licence_state_1": "NY",
    "licence_number_1": "123456",
    "licence_until_1": "2026-12-31",
    "licence_status_1": "ACTIVE",
    "licence_source_1": "the board's website",
    "licence_reference_1": "lookup 17",
}
MARKUP = "<b>\"'&</b>"


@dataclass
class Scene:
    """A clinic with somebody who proposes, two who approve, and somebody who is to prescribe."""

    live: Live

    def __post_init__(self) -> None:
        """Adds the people."""
        self.holders = Holders(self.live)
        self.staff = self.holders.person(Role.STAFF)
        self.first = self.holders.person(Role.ADMINISTRATOR)
        self.second = self.holders.person(Role.ADMINISTRATOR)
        self.doctor = self.holders.person(Role.SUPPORT)
        self._browsers: list[Browser] = []

    def at(self, path: str, user_id: str, methods: tuple[str, ...] = ("pwd", "otp")) -> Browser:
        """Returns a browser in which somebody signed in and opened a page."""
        browser = Browser(self.live.url, ISSUER)
        self._browsers.append(browser)
        browser.cookies[NAME] = self.holders.session(user_id, methods)[1]
        browser.open(path)
        return browser

    def of_doctor(self, name: str, user_id: str) -> Browser:
        """Returns a browser at one of the doctor's pages."""
        return self.at(f"{PATH}/{self.doctor}/{name}".rstrip("/"), user_id)

    def found(self) -> Provider:
        """Returns the doctor's authority as it is stored."""
        alder = self.live.world.alder.organization_id
        found = self.live.server.database.read(lambda tx: providers.find(tx, alder, self.doctor))
        assert found is not None
        return found

    def propose(self, user_id: str | None = None, **changes: str) -> Browser:
        """Has somebody propose the doctor, on the page."""
        browser = self.of_doctor("propose", user_id or self.staff)
        send(browser, "provider-propose", **FACTS | changes)
        return browser

    def approve(self) -> Browser:
        """Has the second administrator approve, on the page."""
        browser = self.of_doctor("proposal", self.second)
        send(browser, "provider-approve")
        assert self.found().state is State.APPROVED, browser.page.text
        return browser

    def close(self) -> None:
        """Closes every browser."""
        for browser in self._browsers:
            browser.close()


@pytest.fixture
def scene(sqlite_live: Live) -> Iterator[Scene]:
    """The people of a clinic."""
    scene = Scene(sqlite_live)
    yield scene
    scene.close()


def send(browser: Browser, act: str, press: str = "", **fields: str) -> None:
    """Fills in the form of the page that does something, and sends it."""
    forms = browser.forms()
    number = next(place for place, one in enumerate(forms) if one.fields.get("act") == act)
    browser.submit(form=number, press=press, **fields)


def problem(browser: Browser) -> str:
    """Returns the field that the page's summary leads to."""
    found = re.search(r'role="alert".*?<a href="#(\w+)">', browser.page.text, re.DOTALL)
    return "" if found is None else found[1]


def test_one_proposes_another_approves_and_one_alone_suspends_until_two_restore_it(scene: Scene) -> None:
    browser = scene.at(f"{PATH}/propose?name=person4", scene.staff)
    assert f'href="{PATH}/{scene.doctor}/propose"' in browser.page.text
    browser = scene.propose()
    assert "Somebody else has to approve it within 7 days." in browser.page.text
    assert browser.page.url.path == f"{PATH}/{scene.doctor}"
    listed = scene.at(PATH, scene.second)
    assert "Waiting for a second person" in listed.page.text
    assert "Approve or reject" in listed.page.text

    assert "It was approved, and holds from now on." in scene.approve().page.text
    assert "31 December 2026" in scene.at(PATH, scene.staff).page.text

    browser = scene.of_doctor("suspend", scene.staff)
    assert "Giving it back takes two people." in browser.page.text
    send(browser, "provider-suspend")
    assert (browser.page.status_code, problem(browser)) == (422, "reason")
    send(browser, "provider-suspend", reason="BOARD_ACTION")
    assert "The authority was suspended." in browser.page.text
    assert "A board acted on the licence" in browser.page.text
    assert scene.found().state is State.SUSPENDED

    browser = scene.of_doctor("restore", scene.staff)
    send(browser, "provider-restore")
    assert scene.found().state is State.SUSPENDED
    scene.approve()


def test_whoever_proposed_it_is_told_why_they_cannot_approve(scene: Scene) -> None:
    browser = scene.propose(scene.first)
    page = scene.of_doctor("proposal", scene.first)
    assert "You cannot approve this. Whoever proposed it cannot approve it" in page.page.text
    assert all(one.fields.get("act") != "provider-approve" for one in page.forms())
    # The form of somebody else, sent by whoever proposed it.
    fields = page.forms()[0].fields | {"act": "provider-approve"}
    answer = page.send("POST", str(page.page.url.path), data=fields)
    assert answer.status_code == 403
    assert "Whoever proposed it cannot approve it: that takes a second person." in answer.text
    assert scene.found().state is State.PROPOSED
    assert browser.page.status_code == 200


def test_an_approval_asks_for_a_second_factor_of_the_last_minutes(scene: Scene) -> None:
    scene.propose()
    for methods, seconds in ((("pwd",), 0), (("pwd", "otp"), 301)):
        browser = scene.at(f"{PATH}/{scene.doctor}/proposal", scene.second, methods)
        scene.live.clock.advance(seconds)
        assert browser.page.status_code == 200
        send(browser, "provider-approve")
        assert browser.page.url.path.startswith("/sign-in/")
        assert scene.found().state is State.PROPOSED


def test_an_approval_that_is_sent_twice_is_one(scene: Scene) -> None:
    scene.propose()
    browser = scene.of_doctor("proposal", scene.second)
    fields = next(one.fields for one in browser.forms() if one.fields.get("act") == "provider-approve")
    path = str(browser.page.url.path)
    answers = [browser.send("POST", path, data=fields) for _ in range(2)]
    assert [one.status_code for one in answers] == [303, 303]
    history = scene.of_doctor("", scene.staff).page.text
    assert history.count("<span>Approved</span>") == 1


def test_a_proposal_that_was_replaced_meanwhile_is_looked_at_again(scene: Scene) -> None:
    scene.propose()
    browser = scene.of_doctor("proposal", scene.second)
    send(scene.of_doctor("proposal", scene.first), "provider-reject", reason="MISTAKEN")
    scene.propose(licence_number_1="654321")

    send(browser, "provider-approve")

    assert browser.page.status_code == 409
    assert "This is not what waits for approval now: look at it again." in browser.page.text
    assert "654321" in browser.page.text
    assert scene.found().state is State.PROPOSED
    send(browser, "provider-approve")
    assert scene.found().state is State.APPROVED


def test_further_rows_keep_what_was_typed_and_empty_ones_do_not_count(scene: Scene) -> None:
    browser = scene.of_doctor("propose", scene.staff)
    send(browser, "provider-propose", press="provider-more-licences", **FACTS)
    send(browser, "provider-propose", press="provider-more-licences", licence_state_1="NY", licence_status_1="ACTIVE")
    send(browser, "provider-propose", press="provider-more-registrations", licence_state_1="NY")
    form = next(one for one in browser.forms() if one.fields.get("act") == "provider-propose")
    assert (form.fields["licences"], form.fields["registrations"]) == ("3", "1")
    assert (form.fields["licence_number_1"], form.fields["npi"]) == ("123456", NPI)
    again = {"licence_state_1": "NY", "licence_status_1": "ACTIVE"}

    send(browser, "provider-propose", licence_number_3="NJ-9", licence_state_3="NJ", **again)
    assert (browser.page.status_code, problem(browser)) == (422, "licence_until_3")
    third = {"licence_state_3": "NJ", "licence_until_3": "1850-01-01", "licence_status_3": "ACTIVE"}
    send(browser, "provider-propose", **third, **again)
    assert problem(browser) == "licence_until_3"
    assert ">A licence ends in one of the years" in browser.page.text
    dea = {"registration_number_1": "AP5836728", "registration_until_1": "2027-01-31", "registration_state_1": "NY"}
    send(browser, "provider-propose", **third | {"licence_until_3": "2027-01-31"}, **again, **dea)
    assert problem(browser) == "registration_schedules_1"
    dea |= {"registration_schedules_1": "II", "registration_status_1": "ACTIVE"}
    send(browser, "provider-propose", **third | {"licence_until_3": "2027-01-31"}, **again, **dea)
    assert problem(browser) == "registration_number_1"
    dea |= {"registration_number_1": "AP5836727"}
    send(browser, "provider-propose", **third | {"licence_until_3": "2027-01-31"}, **again, **dea)

    proposal = scene.found().proposal
    assert proposal is not None
    assert [(one.licence.state, one.licence.number) for one in proposal.facts.licences] == [
        ("NY", "123456"),
        ("NJ", "NJ-9"),
    ]
    assert [one.number for one in proposal.facts.registrations] == ["AP5836727"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"npi": "1234567890"}, "npi"),
        ({"npi": ""}, "npi"),
        ({"licence_state_1": ""}, "licence_state_1"),
        ({"licence_state_1": "ZZ"}, "licence_state_1"),
        ({"licence_number_1": ""}, "licence_number_1"),
        ({"licence_number_1": "9" * 10_000}, "licence_number_1"),
        ({"licence_until_1": "2026-02-30"}, "licence_until_1"),
        ({"licence_source_1": ""}, "licence_source_1"),
        ({"until": "soon"}, "until"),
    ],
)
def test_what_is_wrong_is_named_beside_its_field(scene: Scene, changes: dict[str, str], field: str) -> None:
    browser = scene.propose(**changes)
    assert (browser.page.status_code, problem(browser)) == (422, field)
    assert browser.forms()[0].fields["licence_reference_1"] == "lookup 17"


def test_other_facts_begin_with_those_in_force_and_hold_once_they_are_approved(scene: Scene) -> None:
    scene.propose(until="2027-06-30")
    scene.approve()
    browser = scene.of_doctor("change", scene.staff)
    fields = browser.forms()[0].fields
    assert (fields["licence_number_1"], fields["until"]) == ("123456", "2027-06-30")
    send(browser, "provider-change", licence_state_1="CT", licence_status_1="ACTIVE", until="")
    facts = scene.found().facts
    assert facts is not None
    assert [one.licence.state for one in facts.licences] == ["NY"]
    scene.approve()
    facts = scene.found().facts
    assert facts is not None
    assert ([one.licence.state for one in facts.licences], facts.effective_until) == (["CT"], None)


def test_a_licence_is_limited_and_an_authority_revoked_by_one_person(scene: Scene) -> None:
    scene.propose()
    scene.approve()
    browser = scene.of_doctor("limit", scene.staff)
    send(browser, "provider-limit", licence="NY 123456", status="ACTIVE")
    assert problem(browser) == "status"
    send(browser, "provider-limit", licence="NY 999", status="PROBATION")
    assert browser.page.status_code == 404
    send(browser, "provider-limit", licence="NY 123456", status="PROBATION")
    assert "Cannot prescribe now. Licence NY 123456 is probation." in browser.page.text
    browser = scene.of_doctor("revoke", scene.staff)
    send(browser, "provider-revoke", reason="LEFT")
    assert scene.found().state is State.REVOKED
    assert "Only an authority that is in force" in scene.of_doctor("suspend", scene.staff).page.text


def test_each_role_opens_what_its_permissions_open_and_does_nothing_else(scene: Scene) -> None:
    scene.propose()
    scene.approve()
    for role in Role:
        user_id = scene.holders.provider(roles=(role,)) if role is Role.PRESCRIBER else scene.holders.person(role)
        held = {
            Role.ADMINISTRATOR: {"propose", "approve", "suspend"},
            Role.STAFF: {"propose", "suspend"},
            Role.PRESCRIBER: {"approve", "suspend"},
        }.get(role, set())
        browser = scene.at(PATH, user_id)
        for section in SECTIONS:
            path = section.path.replace("{user_id}", scene.doctor)
            may_open = any(one.partition(":")[0] in held for one in section.opens)
            browser.open(path)
            if not may_open:
                assert browser.page.status_code == 403, (role, path)
                fields = {"act": next(iter(section.acts), ""), "reason": "OTHER"}
                assert browser.send("POST", path, data=fields).status_code == 403
            elif path.endswith("propose") and scene.doctor in path:
                assert browser.page.status_code == 404  # already a provider
            else:
                assert browser.page.status_code == 200, (role, path)
    assert scene.found().state is State.APPROVED


def test_another_organizations_provider_is_nobodys(scene: Scene) -> None:
    scene.propose()
    scene.approve()
    birch = Holders(scene.live, scene.live.world.birch.organization_id)
    stranger = birch.person(Role.ADMINISTRATOR, organization_id=birch.organization_id)
    browser = scene.at(PATH, stranger)
    assert scene.doctor not in browser.page.text
    for section in SECTIONS:
        for user_id in (scene.doctor, "usr_01M844DZG0VGAJQXTTXH88WYZH", "x" * 1_000):
            if "{user_id}" in section.path:
                browser.open(section.path.replace("{user_id}", user_id))
                assert browser.page.status_code == 404, section.path
                assert NPI not in browser.page.text


def test_markup_in_every_field_is_text(scene: Scene) -> None:
    typed = {
        "licence_number_1": MARKUP,
        "licence_source_1": MARKUP,
        "licence_reference_1": MARKUP,
        "npi_source": MARKUP,
    }
    scene.propose(**typed)
    scene.approve()
    for name in ("", "change", "limit", "suspend", "proposal"):
        page = scene.of_doctor(name, scene.first).page
        assert page.status_code == 200
        assert "<b>" not in page.text
    assert "&lt;b&gt;" in scene.of_doctor("", scene.first).page.text
    assert "<b>" not in scene.at(f"{PATH}?state=%3Cb%3E&after=%3Cb%3E", scene.first).page.text
    assert "<b>" not in scene.at(f"{PATH}/propose?name=%3Cb%3E", scene.first).page.text


def test_who_proved_two_factors_long_ago_proves_them_again_and_finds_what_was_typed(scene: Scene) -> None:
    app = pyotp.TOTP(scene.holders.write(lambda tx: _set_up(tx, scene)))
    browser = scene.of_doctor("propose", scene.staff)
    scene.live.clock.advance(301)

    send(browser, "provider-propose", **FACTS, licences="1")

    assert browser.page.url.path.startswith("/sign-in/")
    browser.submit(email="person1@example.com", password=PASSWORD)
    browser.submit(code=app.at(NOW + 301))
    assert "What you sent waits here" in browser.page.text
    form = next(one for one in browser.forms() if one.fields.get("act") == "provider-propose")
    assert form.fields["licence_number_1"] == "123456"
    assert '<option value="NY" selected>' in browser.page.text
    assert NPI not in str(browser.page.url)
    other = scene.at(f"{browser.page.url.path}?{browser.page.url.query.decode()}", scene.staff)
    assert all(one.fields.get("licence_number_1") != "123456" for one in other.forms())

    send(browser, "provider-propose", licence_state_1="NY", licence_status_1="ACTIVE")
    assert scene.found().state is State.PROPOSED


def _set_up(tx: Transaction, scene: Scene) -> str:
    """Gives the staff a password and an authenticator app; returns its secret."""
    sealing_key, user_id = scene.live.server.sealing_key, scene.staff
    passwords.store(tx, user_id, hashes.new_hash(PASSWORD, CHEAP), NOW)
    begun = totp.begin(tx, user_id, sealing_key, NOW)
    assert totp.confirm(tx, user_id, pyotp.TOTP(begun.secret).at(NOW), sealing_key, NOW)
    return begun.secret

"""The team's settings pages: people found, invited, given roles, reset and removed; what is refused, and where."""

from collections.abc import Iterator

import pytest

from rxauth.domain import factors, memberships, sessions, users
from rxauth.domain.names import Name
from rxauth.edge.cookies import NAME
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.api.management.test_factor_resets import give_app
from tests.browsing import Browser, form_with
from tests.live import Live
from tests.people import letters
from tests.signing_in import Cast
from tests.token_holders import Holders

PAGE = "/settings/team"
INVITE = f"{PAGE}/invite"
HOSTILE = '<script>alert(1)</script>"&'
BOB = "bob@example.com"


class Team:
    """The people of Alder Clinic, and browsers of those who look after them."""

    def __init__(self, live: Live) -> None:
        self.cast = Cast(live)
        self.live = live
        self.holders = Holders(live)
        self.alder = live.world.alder.organization_id
        self.admin = self.holders.person(Role.ADMINISTRATOR)
        self.nurse = self.holders.person(Role.MEDICAL_OPERATIONS)

    def at(self, path: str = PAGE, who: str | None = None, methods: tuple[str, ...] = ("pwd", "otp")) -> Browser:
        """Returns a browser in which somebody, or else the administrator, opened a page."""
        session, handle = self.holders.session(who or self.admin, methods)
        now = self.live.clock.seconds()
        self.holders.write(lambda tx: sessions.choose_organization(tx, session.id, self.alder, now))
        browser = self.cast.browser()
        browser.cookies[NAME] = handle
        browser.open(path)
        return browser

    def member(self, user_id: str, below: str = "") -> str:
        """Returns the path of a member's page, or of one below it."""
        return f"{PAGE}/{user_id}{below}"

    def roles(self, user_id: str) -> set[Role]:
        """Returns a member's roles; empty: no member."""
        found = self.live.server.database.read(lambda tx: memberships.roles_of(tx, self.alder, [user_id]))
        return set(found.get(user_id, ()))

    def rename(self, user_id: str, first: str, last: str) -> None:
        """Gives somebody another name."""
        now = self.live.clock.seconds()
        self.holders.write(lambda tx: users.change_profile(tx, user_id, now, name=Name(first, last)))

    def equip(self, user_id: str) -> None:
        """Gives somebody an app, as the pages would."""
        self.holders.write(lambda tx: give_app(tx, user_id, self.live.clock.seconds()))

    def has_second(self, user_id: str) -> bool:
        """Tells whether somebody has a second factor."""
        return self.live.server.database.read(lambda tx: factors.has_second(tx, user_id))


@pytest.fixture
def team(sqlite_live: Live) -> Iterator[Team]:
    """The team of a clinic."""
    made = Team(sqlite_live)
    yield made
    made.cast.close()


def acts(browser: Browser) -> set[str]:
    """Returns what the forms of the page do."""
    return {one.fields["act"] for one in browser.forms() if "act" in one.fields}


def send(browser: Browser, act: str, **fields: str | list[str]) -> int:
    """Sends a form of the page, and follows where it leads; returns the status of the answer."""
    one = browser.forms()[form_with(browser, act)]
    answer = browser.send("POST", one.action, data=one.fields | {"act": act} | fields)
    if answer.status_code == 303:
        browser.open(answer.headers["location"])
    return browser.page.status_code


def test_people_are_listed_searched_and_filtered(team: Team) -> None:
    team.rename(team.nurse, "Zoë", "Quill")
    browser = team.at()
    assert browser.heading() == "Team"
    assert "Zoë Quill" in browser.page.text
    assert "Medical Operations</span>" in browser.page.text

    browser.open(f"{PAGE}?search=qui")
    assert team.member(team.nurse) in browser.page.text
    assert team.member(team.admin) not in browser.page.text
    browser.open(f"{PAGE}?search=qui&role=rol_staff")
    assert "Nobody like that works here" in browser.page.text
    browser.open(f"{PAGE}?role=nothing&after=usr_{'Z' * 26}")
    assert (browser.page.status_code, team.member(team.nurse) in browser.page.text) == (200, True)
    browser.open(f"{PAGE}?search={'x' * 201}")
    assert '<a href="#search">' in browser.page.text
    browser.open(f"{PAGE}?after=usr_0")
    assert "That was everybody." in browser.page.text


def test_who_only_sees_people_sees_names_and_addresses_alone(team: Team) -> None:
    browser = team.at(PAGE, team.nurse)
    assert browser.page.status_code == 200
    assert "Ada Marsh" in browser.page.text
    assert acts(browser) == set()
    for word in ("Second factor", "badge", "Invites", "Invite somebody"):
        assert word not in browser.page.text
    browser.open(team.member(team.admin))
    assert (browser.page.status_code, acts(browser)) == (200, set())
    for path in (INVITE, *(team.member(team.admin, below) for below in ("/profile", "/second-factors", "/remove"))):
        browser.open(path)
        assert browser.page.status_code == 403
    browser = team.at(PAGE, team.holders.person(Role.SUPPORT))
    assert (browser.page.status_code, "read:profile" in browser.page.text) == (403, True)


def test_somebody_is_invited_and_the_invite_is_sent_again_and_withdrawn(team: Team) -> None:
    browser = team.at(INVITE)
    assert send(browser, "invite", email="nobody", roles=["rol_staff"]) == 422
    assert '<a href="#email">' in browser.page.text
    assert 'value="rol_staff" checked' in browser.page.text.replace("\n", " ")
    assert send(browser, "invite", email=BOB, roles=[]) == 422
    assert '<a href="#roles">' in browser.page.text
    assert browser.forms()[form_with(browser, "invite")].fields["email"] == BOB

    assert send(browser, "invite", email=BOB, roles=["rol_staff", "rol_prescriber"]) == 200
    assert (browser.heading(), "The invite is on its way." in browser.page.text) == ("Team", True)
    assert BOB in browser.page.text
    send(browser, "resend_invite")
    assert "The invite was sent again" in browser.page.text
    assert len(letters(team.live.server.database, team.live.world, BOB)) == 2
    send(browser, "withdraw_invite")
    assert "The invite was withdrawn" in browser.page.text
    assert BOB not in browser.page.text


def test_staff_sees_which_roles_are_not_theirs_to_give_and_is_refused(team: Team) -> None:
    staff = team.holders.person(Role.STAFF)
    browser = team.at(INVITE, staff)
    assert browser.page.text.count("disabled") == 4
    assert "You cannot give it: Administrator may" in browser.page.text
    assert send(browser, "invite", email=BOB, roles=["rol_administrator"]) == 403
    assert "Administrator may" in browser.page.text

    assert send(team.at(INVITE), "invite", email=BOB, roles=["rol_administrator"]) == 200
    browser = team.at(PAGE, staff)
    assert "Gives more than you may" in browser.page.text
    browser = team.at(team.member(team.nurse), staff)
    assert "member_sessions" not in acts(browser)
    # What is ticked and disabled stays.
    both = team.holders.person(Role.DEVELOPER, Role.SUPPORT)
    browser = team.at(team.member(both), staff)
    send(browser, "member_roles", role_ids=["rol_developer", "rol_staff"])
    assert team.roles(both) == {Role.DEVELOPER, Role.STAFF}
    assert send(browser, "member_roles", role_ids=["rol_staff"]) == 403
    assert team.roles(both) == {Role.DEVELOPER, Role.STAFF}


def test_roles_are_changed_and_a_stale_page_says_so(team: Team) -> None:
    first, second = team.at(team.member(team.nurse)), team.at(team.member(team.nurse))
    assert send(first, "member_roles", role_ids=["rol_support", "rol_developer"]) == 200
    assert "The roles were changed." in first.page.text
    assert team.roles(team.nurse) == {Role.SUPPORT, Role.DEVELOPER}
    assert send(second, "member_roles", role_ids=["rol_staff"]) == 409
    assert "Somebody changed this" in second.page.text
    assert team.roles(team.nurse) == {Role.SUPPORT, Role.DEVELOPER}
    assert send(first, "member_roles", role_ids=[]) == 422
    assert '<a href="#role_ids">' in first.page.text
    assert "comes with the authority to prescribe" in first.page.text


def test_the_last_administrator_is_told_why_they_stay(team: Team) -> None:
    ben = team.cast.ben.id
    now = team.live.clock.seconds()
    team.holders.write(lambda tx: memberships.remove(tx, team.alder, ben, now))
    browser = team.at(team.member(team.admin))
    assert "only administrator" in browser.page.text
    assert send(browser, "member_roles", role_ids=["rol_staff"]) == 409
    assert "make somebody else one first" in browser.page.text
    browser.open(team.member(team.admin, "/remove"))
    assert acts(browser) == set()
    assert "You cannot do this" in browser.page.text


def test_somebody_is_signed_out_and_removed(team: Team) -> None:
    nurse = team.at(PAGE, team.nurse)
    browser = team.at(team.member(team.nurse))
    assert "in 1 browser;" in browser.page.text
    send(browser, "member_sessions")
    assert "signed out of this organization" in browser.page.text
    nurse.open(PAGE)
    assert nurse.heading().startswith("Log in")

    browser.open(team.member(team.nurse, "/remove"))
    assert "They lose Medical Operations, at once" in " ".join(browser.page.text.split())
    assert send(browser, "remove_member") == 200
    assert (browser.heading(), team.roles(team.nurse)) == ("Team", set())
    assert "They were removed" in browser.page.text
    browser.open(team.member(team.nurse))
    assert browser.page.status_code == 404


def test_second_factors_are_reset_by_who_proved_two(team: Team) -> None:
    team.equip(team.nurse)
    path = team.member(team.nurse, "/second-factors")
    once = team.at(path, methods=("pwd",))
    assert once.heading() == "Set up a second factor"
    browser = team.at(path)
    assert "the authenticator app" in browser.page.text
    assert send(browser, "reset_factors") == 200
    assert "The second factors were reset." in browser.page.text
    assert not team.has_second(team.nurse)


def test_of_a_prescriber_one_asks_and_another_approves(team: Team) -> None:
    doctor, other = team.holders.person(Role.PRESCRIBER), team.holders.person(Role.ADMINISTRATOR)
    team.equip(doctor)
    path = team.member(doctor, "/second-factors")
    browser = team.at(path)
    assert send(browser, "ask_factor_reset") == 200
    assert "It waits for a second person" in browser.page.text
    browser.open(path)
    assert acts(browser) == set()
    assert "takes a second person" in browser.page.text
    second = team.at(path, other)
    assert second.heading() == "Approve the reset?"
    assert send(second, "approve_factor_reset") == 200
    assert not team.has_second(doctor)

    team.equip(doctor)
    browser.open(path)
    send(browser, "ask_factor_reset")
    send(browser, "withdraw_factor_reset")
    assert "The reset was taken back." in browser.page.text
    assert team.has_second(doctor)


def test_a_profile_is_changed_and_what_is_wrong_is_said_beside_its_field(team: Team) -> None:
    browser = team.at(team.member(team.nurse, "/profile"))
    for place, fields in {
        "first": {"first": ""},
        "npi": {"npi": "1245319598"},
        "phone": {"phone": "12"},
        "city": {"street1": "1 Main Street"},
    }.items():
        assert send(browser, "member_profile", middle="Q.", **fields) == 422
        assert f'<a href="#{place}">' in browser.page.text
        assert browser.forms()[form_with(browser, "member_profile")].fields["middle"] == "Q."
        browser.open(team.member(team.nurse, "/profile"))
    address = {"street1": "1 Main Street", "city": "Albany", "state": "NY", "postal_code": "12207"}
    assert send(browser, "member_profile", first=HOSTILE, phone="(212) 555-0100", **address) == 200
    assert "The profile was changed." in browser.page.text
    assert "1 Main Street, Albany, NY 12207, US" in browser.page.text
    assert "<script>alert" not in browser.page.text
    for path in (PAGE, *(team.member(team.nurse, below) for below in ("", "/profile", "/second-factors", "/remove"))):
        browser.open(path)
        assert browser.page.status_code == 200
        assert "<script>alert" not in browser.page.text


def test_m_10_the_pages_of_another_organization_s_people_are_not_there(team: Team) -> None:
    elsewhere = team.holders.person(Role.STAFF, organization_id=team.live.world.birch.organization_id)
    browser = team.at()
    for user_id in (elsewhere, "usr_01ARZ3NDEKTSV4RRFFQ69G5FAV"):
        for below in ("", "/profile", "/second-factors", "/remove"):
            browser.open(team.member(user_id, below))
            assert browser.page.status_code == 404
    browser.open(team.member(team.nurse, "/remove"))
    one = browser.forms()[form_with(browser, "remove_member")]
    answer = browser.send("POST", one.action, data=one.fields | {"user_id": elsewhere})
    assert answer.status_code == 303
    assert team.roles(team.nurse) == set()

    def there(tx: Transaction) -> set[Role]:
        return set(memberships.roles_of(tx, team.live.world.birch.organization_id, [elsewhere])[elsewhere])

    assert team.live.server.database.read(there) == {Role.STAFF}

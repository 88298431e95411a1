"""A session that an organization's identity provider vouched for: it opens that organization, and nothing else."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pyotp
import pytest

from rxauth.domain import consents, invites, memberships, operators, organizations, sessions, users
from rxauth.domain.invites import Asked
from rxauth.domain.sessions import Proof
from rxauth.domain.users import User
from rxauth.policy.roles import Role
from tests.browsing import Browser
from tests.live import Live
from tests.people import PASSWORD, add_person, link_written, outbox
from tests.signing_in import CALLBACK, Cast, answered, pkce
from tests.world import NOW


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs."""
    cast = Cast(sqlite_live)
    yield cast
    cast.close()


def vouched(cast: Cast, *methods: str, person: User | None = None) -> Browser:
    """Returns a browser in which Ben, who works for two organizations, came from the provider of the second."""
    browser = cast.browser()
    birch = cast.live.world.birch.organization_id
    proof = Proof((person or cast.ben).id, methods or ("fed",), "192.0.2.1", "A browser", confined_to=birch)
    _, handle = cast.live.server.database.write(lambda tx: sessions.start(tx, proof, cast.live.clock.seconds()))
    browser.open("/account")
    [name] = browser.cookies
    browser.cookies[name] = handle
    return browser


def test_one_provider_does_not_open_the_person_s_other_organizations(cast: Cast) -> None:
    browser = vouched(cast)
    alder, birch = cast.live.world.alder.organization_id, cast.live.world.birch.organization_id
    assert "code" in answered(browser.open(cast.request())), "nothing is to be chosen"
    assert "code" in answered(browser.open(cast.request(organization=birch)))
    refused = answered(browser.open(cast.request(organization=alder)))
    assert refused["error"] == "access_denied"
    page = browser.open("/settings")
    assert "birch" in page.text.casefold()
    assert "alder clinic" not in page.text.casefold()


def test_a_membership_that_ended_leaves_nothing_and_no_token_without_an_organization(cast: Cast) -> None:
    browser = vouched(cast)
    birch = cast.live.world.birch.organization_id
    cast.live.server.database.write(lambda tx: memberships.remove(tx, birch, cast.ben.id, cast.live.clock.seconds()))
    refused = answered(browser.open(cast.request()))
    assert refused["error"] == "access_denied"


def test_a_password_opens_the_others_in_a_session_of_its_own(cast: Cast) -> None:
    browser = vouched(cast)
    [before] = browser.cookies.values()
    browser.open(cast.request(prompt="login"))
    cast.log_in(browser, "ben@example.com")
    assert browser.heading() == "Choose an organization"
    assert "code" in answered(browser.submit(press=cast.live.world.alder.organization_id))
    live = cast.live.server.database.read(lambda tx: sessions.of_user(tx, cast.ben.id))
    assert [one.confined_to for one in live] == [None], "the one from before has ended"
    assert before not in browser.cookies.values()


def test_a_token_of_what_it_opens_is_renewed(cast: Cast) -> None:
    browser = vouched(cast)
    form = {"client_id": cast.client_id, "redirect_uri": CALLBACK, "grant_type": "refresh_token"}
    asked = form | {"refresh_token": tokens_of(cast, browser)["refresh_token"]}
    assert browser.http.post(browser.url + "/oauth/token", data=asked).status_code == 200


def test_how_the_person_signs_in_is_not_changed(cast: Cast) -> None:
    browser = vouched(cast, "fed", "mfa")
    for act, fields in (
        ("password", {"current_password": PASSWORD, "password": "a lorry of mauve tin wharves"}),
        ("add_totp", {}),
        ("passkey", {"passkey": "{}"}),
        ("recovery_codes", {}),
    ):
        page = sent(browser, "/account/security", act, **fields)
        assert (page.status_code, "log in with your own password" in page.text) == (422, True), act
    page = sent(browser, "/account", "email", new_email="mallory@example.com")
    assert (page.status_code, "log in with your own password" in page.text) == (422, True)
    page = sent(browser, "/account", "profile", first_name="Mallory", last_name="Marsh")
    assert (page.status_code, "your other organizations rely on" in page.text) == (422, True)


def test_a_token_of_it_does_not_change_what_other_organizations_rely_on_either(cast: Cast) -> None:
    live, birch = cast.live, cast.live.world.birch.organization_id
    live.server.database.write(lambda tx: memberships.add_roles(tx, birch, cast.ben.id, [Role.ADMINISTRATOR], NOW))
    mallory = {"name": {"first": "Mallory", "last": "Marsh"}}
    own = "mutation($input: ProfileInput!) { updateProfile(input: $input) { id } }"
    any_member = "mutation($id: ID!, $input: MemberInput!) { updateMember(userId: $id, input: $input) { id } }"

    def reason(token: str, document: str, **values: object) -> object:
        answer = live.graphql(token, document, {"input": mallory, **values}).json()
        return answer["errors"][0]["extensions"].get("reason") if "errors" in answer else None

    token = token_of(cast, vouched(cast))
    assert reason(token, own) == "confined_session"
    assert reason(token, any_member, id=cast.ben.id) == "confined_session"
    kept = live.server.database.read(lambda tx: users.find(tx, cast.ben.id))
    assert kept == cast.ben

    dora = live.server.database.write(lambda tx: add_person(tx, "dora@example.com", None))
    live.server.database.write(lambda tx: memberships.add(tx, birch, dora.id, [Role.STAFF], NOW))
    assert reason(token_of(cast, vouched(cast, person=dora)), own) is None, "nobody else relies on hers"


def test_it_says_nothing_of_the_person_s_other_organizations_and_takes_no_consent_of_theirs_back(cast: Cast) -> None:
    live, alder = cast.live, cast.live.world.alder.organization_id
    birch = live.world.birch.organization_id
    live.server.database.write(lambda tx: organizations.require_second_factor(tx, alder, NOW, required=True))
    live.server.database.write(
        lambda tx: consents.give(tx, cast.ben.id, cast.third_party_id, frozenset({"read:patient"}), NOW)
    )
    browser = vouched(cast)
    page = browser.open("/account/security")
    assert ("Alder Clinic" in page.text, "Birch" in page.text) == (False, True), "Ben prescribes in the other"
    page = sent(browser, "/account/apps", "revoke", client_id=cast.third_party_id)
    assert (page.status_code, "your other organizations rely on" in page.text) == (422, True)

    token = token_of(cast, browser)
    assert live.data(token, "{ organizations { id } }") == {"organizations": [{"id": birch}]}
    document = "mutation($id: ID!) { revokeMyConsent(clientId: $id) }"
    refused = live.graphql(token, document, {"id": cast.third_party_id}).json()["errors"][0]
    assert refused["extensions"]["reason"] == "confined_session"
    assert live.server.database.read(lambda tx: consents.given(tx, cast.ben.id, cast.third_party_id))


def test_it_neither_sees_nor_ends_the_sessions_of_others(cast: Cast) -> None:
    cast.signed_in("ben@example.com", organization=cast.live.world.alder.organization_id)
    vouched(cast)
    browser = vouched(cast)
    page = browser.open("/account/sessions")
    assert len(set(re.findall(r'value="(ses_\w+)"', page.text))) == 1, "the other one of this organization"
    sent(browser, "/account/sessions", "end_others")
    live = cast.live.server.database.read(lambda tx: sessions.of_user(tx, cast.ben.id))
    assert sorted(one.confined_to or "" for one in live) == ["", cast.live.world.birch.organization_id]


def test_it_does_not_open_the_console_however_surely_its_person_is_an_operator(cast: Cast) -> None:
    letters = outbox(cast.live.world)
    cast.live.server.database.write(lambda tx: operators.add(tx, "ben@example.com", letters, NOW))
    browser = vouched(cast, "fed", "mfa")
    browser.open("/admin")
    assert browser.heading() == "Log in to continue to your account"


def test_it_accepts_no_invite_of_another_organization(cast: Cast) -> None:
    live, browser = cast.live, vouched(cast)
    invited = Asked("ben@example.com", frozenset({Role.SUPPORT}))
    other = live.server.database.write(lambda tx: organizations.create(tx, "Cedar Clinic", NOW).id)
    letters = outbox(live.world)
    link = link_written(
        live.server.database, live.world, lambda tx: invites.create(tx, other, invited, letters, live.clock.seconds())
    )
    browser.open(f"/invite?token={link}")
    browser.submit()
    assert browser.heading() == "Log in to continue to your account"
    mine = live.server.database.read(lambda tx: memberships.of_person(tx, cast.ben.id))
    assert other not in {one.organization_id for one in mine}


def test_nobody_adds_a_way_in_to_an_account_that_is_more_than_the_organization_s(cast: Cast) -> None:
    require_second_factor(cast)
    browser = vouched(cast)
    browser.open(cast.request())
    assert browser.heading().startswith("Log in"), "Ben has a password, and works for two organizations"
    answer = cast.log_in(browser, "ada@example.com")
    assert answer.status_code == 422, "nobody else's password will do"
    cast.log_in(browser, "ben@example.com")
    assert browser.heading() == "Choose an organization"
    browser.submit(press=cast.live.world.birch.organization_id)
    assert browser.heading() == "Set up a second factor"


def test_who_has_nothing_of_their_own_sets_up_an_app_and_no_passkey(cast: Cast) -> None:
    live, birch = cast.live, cast.live.world.birch.organization_id
    dora = live.server.database.write(lambda tx: add_person(tx, "dora@example.com", None))
    live.server.database.write(lambda tx: memberships.add(tx, birch, dora.id, [Role.STAFF], NOW))
    require_second_factor(cast)
    browser = vouched(cast, person=dora)
    page = browser.open(cast.request())
    assert (browser.heading(), "Add a passkey" in page.text) == ("Set up a second factor", False)
    assert browser.submit(act="passkey", passkey="{}").status_code == 422
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', page.text)
    assert found is not None
    code = pyotp.TOTP(found[1].replace(" ", "")).at(live.clock.seconds())
    browser.submit(code=code)
    assert "code" in answered(browser.submit()), "after the recovery codes"
    [mine] = live.server.database.read(lambda tx: sessions.of_user(tx, dora.id))
    assert (mine.confined_to, mine.methods) == (birch, ("fed", "otp"))


def tokens_of(cast: Cast, browser: Browser, **changes: str) -> Any:
    """Returns what a client gets for whoever is signed in."""
    pair = pkce()
    code = answered(browser.open(cast.request(challenge=pair.challenge, **changes)))["code"]
    form = {"client_id": cast.client_id, "redirect_uri": CALLBACK, "grant_type": "authorization_code"}
    return browser.http.post(
        browser.url + "/oauth/token", data=form | {"code": code, "code_verifier": pair.verifier}
    ).json()


def token_of(cast: Cast, browser: Browser) -> str:
    """Returns a token that may change profiles."""
    return str(tokens_of(cast, browser, scope="openid edit:profile edit:profile_self")["access_token"])


def require_second_factor(cast: Cast) -> None:
    """Has Birch ask for a second factor."""
    birch = cast.live.world.birch.organization_id
    cast.live.server.database.write(lambda tx: organizations.require_second_factor(tx, birch, NOW, required=True))


def sent(browser: Browser, path: str, act: str, **fields: str) -> httpx.Response:
    """Sends a form of a page as it would be if nothing hid its parts."""
    browser.open(path)
    return browser.submit(0, None, None, act=act, **fields)

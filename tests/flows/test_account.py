"""People keep their own accounts, and follow the links in their letters, over HTTP."""

import re
from collections.abc import Iterator

import pyotp
import pytest

from rxauth.domain import invites, sessions, users
from rxauth.domain.invites import Asked
from rxauth.domain.users import User
from rxauth.policy.roles import Role
from tests.browsing import Browser, form_with
from tests.live import Live
from tests.people import PASSWORD, letters, outbox, token_of
from tests.signing_in import Cast, answered
from tests.world import NOW

NEW_PASSWORD = "copper wharf anvil lorry"


@pytest.fixture
def cast(sqlite_live: Live) -> Iterator[Cast]:
    """People and a client of theirs."""
    cast = Cast(sqlite_live)
    yield cast
    cast.close()


def at_account(cast: Cast, tab: str = "", email: str = "ada@example.com") -> Browser:
    """Returns a browser in which somebody signed in to see the account."""
    browser = cast.browser()
    browser.open(f"/account{tab}")
    assert browser.heading() == "Log in to continue to your account"
    cast.log_in(browser, email)
    return browser


def test_a_person_changes_its_name(cast: Cast) -> None:
    browser = at_account(cast)
    browser.submit(form=form_with(browser, "profile"), first_name="Adeline", last_name="Marsh", phone="")
    assert "Your profile was saved." in browser.page.text
    assert browser.forms()[form_with(browser, "profile")].fields["first_name"] == "Adeline"


ADDRESS = {"street1": "1 Main Street", "city": "Albany", "state": "NY", "postal_code": "12207"}


def ada(cast: Cast) -> User:
    """Returns Ada as she is now."""
    found = cast.live.server.database.read(lambda tx: users.find(tx, cast.ada.id))
    assert found is not None
    return found


def test_a_person_keeps_their_numbers_and_address(cast: Cast) -> None:
    browser = at_account(cast)
    given = {"title": "Dr.", "middle_name": "Jo", "npi": "1245319599", "phone": "(212) 555-0100", "fax": "2125550101"}
    browser.submit(form=form_with(browser, "profile"), **given, **ADDRESS)
    assert "Your profile was saved." in browser.page.text
    one = ada(cast)
    assert (one.name.full, one.npi, one.phone) == ("Dr. Ada Jo Marsh", "1245319599", "+12125550100")
    assert one.address is not None
    assert (one.address.street1, one.address.street2, one.address.country) == ("1 Main Street", None, "US")
    browser.submit(form=form_with(browser, "profile"), fax="", npi="", **dict.fromkeys(ADDRESS, ""))
    one = ada(cast)
    assert (one.fax, one.npi, one.address, one.phone) == (None, None, None, "+12125550100")


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"first_name": " "}, "first_name"),
        ({"last_name": "x" * 8_000}, "last_name"),
        ({"npi": "1245319598"}, "npi"),
        ({"phone": "12"}, "phone"),
        ({"fax": "<b>"}, "fax"),
        (ADDRESS | {"city": ""}, "city"),
        (ADDRESS | {"postal_code": ""}, "postal_code"),
    ],
    ids=str,
)
def test_what_is_wrong_in_a_profile_is_named_and_stays_typed(cast: Cast, fields: dict[str, str], place: str) -> None:
    browser = at_account(cast)
    before = ada(cast)
    browser.submit(form=form_with(browser, "profile"), title="Dr.", **fields)
    assert browser.page.status_code == 422
    assert f'<a href="#{place}">' in browser.page.text
    kept = browser.forms()[form_with(browser, "profile")].fields
    assert {name: kept[name] for name in ("title", *fields)} == {"title": "Dr."} | fields
    assert ada(cast) == before


def test_what_somebody_else_changed_meanwhile_is_not_undone(cast: Cast) -> None:
    browser = at_account(cast)
    cast.live.server.database.write(lambda tx: users.change_profile(tx, cast.ada.id, NOW, fax="+12125550199"))
    browser.submit(form=form_with(browser, "profile"), phone="+12125550100")
    assert (ada(cast).fax, ada(cast).phone) == ("+12125550199", "+12125550100")


def test_a_new_password_ends_every_other_session(cast: Cast) -> None:
    """S-12, S-16."""
    elsewhere, browser = cast.signed_in(), at_account(cast, "/security")
    form = form_with(browser, "password")
    browser.submit(form=form, current_password="not this one", password=NEW_PASSWORD)
    assert browser.page.status_code == 422
    browser.submit(form=form, current_password=PASSWORD, password="short")
    assert "at least 15 characters" in browser.page.text
    browser.submit(form=form, current_password=PASSWORD, password=NEW_PASSWORD)
    assert "Your password was changed." in browser.page.text
    assert answered(elsewhere.open(cast.request(prompt="none")))["error"] == "login_required"
    assert "code" in answered(browser.open(cast.request(prompt="none")))
    told = letters(cast.live.server.database, cast.live.world, "ada@example.com")
    assert [one.subject for one in told] == ["Your password was changed"]


def test_somebody_adds_an_app_and_must_prove_it_to_remove_it(cast: Cast) -> None:
    """S-08: changing factors asks for a fresh proof, with the factors there are."""
    browser = at_account(cast, "/security")
    browser.submit(form=form_with(browser, "add_totp"))
    key = re.search(r'<code id="secret">([A-Z2-7 ]+)</code>', browser.page.text)
    assert key is not None
    app = pyotp.TOTP(key[1].replace(" ", ""))
    browser.submit(form=form_with(browser, "totp"), code=app.at(NOW))
    assert browser.heading() == "Keep your recovery codes"
    browser.open("/account/security")
    browser.submit(form=form_with(browser, "remove_totp"))
    assert browser.heading() == "Confirm that it is you"
    cast.live.clock.advance(30)
    browser.submit(code=app.at(NOW + 30))
    assert browser.heading() == "Security"
    browser.submit(form=form_with(browser, "remove_totp"))
    assert "The second factor was removed." in browser.page.text


def test_an_old_proof_does_not_change_factors(cast: Cast) -> None:
    """S-08."""
    browser = at_account(cast, "/security")
    cast.live.clock.advance(700)
    browser.open("/account/security")
    browser.submit(form=form_with(browser, "add_totp"))
    assert browser.heading() == "Log in to continue to your account"


def test_a_person_sees_and_ends_its_own_sessions_only(cast: Cast) -> None:
    """S-17."""
    elsewhere, browser = cast.signed_in(), at_account(cast, "/sessions")
    others = cast.live.server.database.read(lambda tx: sessions.of_user(tx, cast.ben.id))
    assert others == []
    ben = cast.signed_in("ben@example.com", organization="Birch Clinic")
    [session] = cast.live.server.database.read(lambda tx: sessions.of_user(tx, cast.ben.id))
    form = form_with(browser, "end")
    browser.submit(form=form, session_id=session.id)
    assert "code" in answered(ben.open(cast.request(prompt="none", organization="Birch Clinic")))
    browser.submit(form=form_with(browser, "end_others"))
    assert answered(elsewhere.open(cast.request(prompt="none")))["error"] == "login_required"
    assert browser.open("/account/sessions").status_code == 200


@pytest.mark.parametrize("attack", ["no token", "another browser's token", "cross-site"])
def test_a_foreign_form_changes_nothing(cast: Cast, attack: str) -> None:
    """A-21, A-22."""
    browser, other = at_account(cast), at_account(cast)
    form = browser.forms()[form_with(browser, "profile")]
    fields = form.fields | {"first_name": "Mallory"}
    headers = {}
    if attack == "no token":
        del fields["csrf"]
    elif attack == "another browser's token":
        fields["csrf"] = other.forms()[form_with(other, "profile")].fields["csrf"]
    else:
        headers["sec-fetch-site"] = "cross-site"
    assert browser.send("POST", "/account", data=fields, headers=headers).status_code == 403
    assert "Mallory" not in browser.open("/account").text


def test_a_forgotten_password_is_replaced_once_and_the_next_login_asks_for_everything(cast: Cast) -> None:
    """S-09."""
    browser = cast.browser()
    for email in ("ada@example.com", "nobody@example.com"):
        browser.open("/reset")
        answer = browser.submit(email=email)
        assert (answer.status_code, browser.heading()) == (200, "Check your email")
    [letter] = letters(cast.live.server.database, cast.live.world)
    link = f"/reset?token={token_of(letter)}"
    browser.open(link)
    browser.submit(password="password password")
    assert browser.page.status_code == 422
    browser.submit(password=NEW_PASSWORD)
    assert browser.heading() == "Your password was changed"
    assert browser.open(link).status_code == 410
    browser.open(cast.request())
    assert browser.heading().startswith("Log in")
    assert "code" in answered(cast.log_in(browser, password=NEW_PASSWORD))


def test_a_new_address_counts_once_its_link_is_confirmed(cast: Cast) -> None:
    browser = at_account(cast)
    browser.submit(form=form_with(browser, "email"), new_email="ada@new.example")
    [letter] = letters(cast.live.server.database, cast.live.world, "ada@new.example")
    browser.open(f"/email?token={token_of(letter)}")
    browser.submit()
    assert "ada@new.example" in browser.page.text
    elsewhere = cast.browser()
    elsewhere.open(cast.request())
    assert "code" in answered(cast.log_in(elsewhere, "ada@new.example"))


def invited(cast: Cast, email: str) -> str:
    """Invites somebody, and returns the path of the link in the letter."""
    asked = Asked(email, frozenset({Role.STAFF}), None)
    owner, world = cast.live.world.birch.organization_id, cast.live.world
    cast.live.server.database.write(lambda tx: invites.create(tx, owner, asked, outbox(world), NOW))
    return f"/invite?token={token_of(letters(cast.live.server.database, world, email)[-1])}"


def test_somebody_new_accepts_an_invite_and_signs_in(cast: Cast) -> None:
    browser, link = cast.browser(), invited(cast, "dora@example.com")
    browser.open(link)
    assert browser.heading() == "Join Birch Clinic"
    browser.submit(first_name="Dora", last_name="Vale", password="birch clinic dora")
    assert browser.page.status_code == 422
    browser.submit(first_name="Dora", last_name="Vale", password=NEW_PASSWORD)
    assert browser.heading() == "You have joined Birch Clinic"
    assert browser.open(link).status_code == 410
    browser.open(cast.request())
    assert "code" in answered(cast.log_in(browser, "dora@example.com", NEW_PASSWORD))


def test_an_invitation_in_the_request_is_accepted_on_the_way(cast: Cast) -> None:
    browser, link = cast.browser(), invited(cast, "dora@example.com")
    asked = {"invitation": link.partition("=")[2], "organization": cast.live.world.birch.organization_id}
    assert answered(browser.open(cast.request(prompt="none", **asked)))["error"] == "interaction_required"
    browser.open(cast.request(**asked))
    assert browser.heading() == "Join Birch Clinic"
    browser.submit(first_name="Dora", last_name="Vale", password=NEW_PASSWORD)
    assert browser.heading() == "Log in to continue to Alder App"
    assert "code" in answered(cast.log_in(browser, "dora@example.com", NEW_PASSWORD))
    told = answered(browser.open(cast.request(**asked)))
    assert (told["error"], "not found or already used" in told["error_description"]) == ("access_denied", True)


def test_an_invite_of_somebody_known_needs_that_person_s_sign_in(cast: Cast) -> None:
    """M-22."""
    link, wrong = invited(cast, "ada@example.com"), at_account(cast, email="ben@example.com")
    wrong.open(link)
    wrong.submit()
    assert "You are signed in as ben@example.com." in wrong.page.text
    stranger = cast.browser()
    stranger.open(link)
    stranger.submit()
    assert stranger.heading().startswith("Log in")
    browser = cast.signed_in()
    browser.open(link)
    browser.submit()
    assert browser.heading() == "You have joined Birch Clinic"
    assert "code" in answered(browser.open(cast.request(organization="Birch Clinic")))

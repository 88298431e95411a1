"""Single sign-on that everybody must use, and the ways somebody may try around it."""

import json
from collections.abc import Iterator

import pyotp
import pytest

from rxauth.domain import connections, domain_acts, emergency_access, forced_sign_on, joining, memberships, totp
from rxauth.domain.administrators import LastWithEmergencyAccessError
from rxauth.domain.entries import Refused, Vouched
from rxauth.domain.errors import InvalidError
from rxauth.domain.forced_sign_on import NotReadyError
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.live import Live
from tests.people import outbox, subjects
from tests.security.forging import READ
from tests.signing_in import Cast, answered
from tests.single_sign_on import BY, SingleSignOn
from tests.token_holders import Holders, refused
from tests.world import NOW


class Forced(Cast):
    """Ben, an administrator of Alder Clinic with an app, has emergency access; Ada, of its staff, has not."""

    def __init__(self, live: Live) -> None:
        super().__init__(live)
        self.sso = SingleSignOn(live)
        self.secret = live.server.database.write(self._totp)
        self.sso.give_emergency_access(self.ben.id)
        self.sso.ask_of_everybody()

    def _totp(self, tx: Transaction) -> str:
        key = self.live.server.sealing_key
        begun = totp.begin(tx, self.ben.id, key, NOW)
        totp.confirm(tx, self.ben.id, pyotp.TOTP(begun.secret).at(NOW), key, NOW)
        self.live.clock.advance(60)  # each step counts once
        return begun.secret

    def code(self) -> str:
        """Returns what Ben's app shows now."""
        return pyotp.TOTP(self.secret).at(self.live.clock.seconds())

    def ben_at_the_door(self, **changes: str | None) -> Browser:
        """Returns a browser in which Ben proved a password and a second factor."""
        browser = self.browser()
        browser.open(self.request(**{"organization": self.sso.organization_id} | changes))
        browser.open(f"{browser.forms()[0].action}?way=password")
        self.log_in(browser, "ben@example.com")
        browser.submit(act="totp", code=self.code())
        return browser


@pytest.fixture
def forced(sqlite_live: Live) -> Iterator[Forced]:
    """Alder Clinic, where everybody must use single sign-on."""
    made = Forced(sqlite_live)
    yield made
    made.close()


def test_live_sessions_of_other_kinds_stop_opening_it_at_once_and_its_own_do_not(live: Live) -> None:
    holders, sso = Holders(live), SingleSignOn(live)
    person = holders.person()
    by_password = holders.tokens(person)
    came, _ = sso.session(person)
    by_provider = holders.redeemed(holders.code(came))
    administrator = holders.person(Role.ADMINISTRATOR)
    live.server.database.write(lambda tx: totp_of(tx, administrator, live))
    sso.give_emergency_access(administrator)

    sso.ask_of_everybody()

    answer = live.graphql(by_password["access_token"], READ)
    assert answer.status_code == 401
    assert "identity provider" in answer.text
    refused(holders.refresh(by_password["refresh_token"]))
    assert live.graphql(by_provider["access_token"], READ).status_code == 200
    assert holders.refresh(by_provider["refresh_token"]).status_code == 200


def totp_of(tx: Transaction, user_id: str, live: Live) -> None:
    """Gives somebody an authenticator app."""
    begun = totp.begin(tx, user_id, live.server.sealing_key, NOW)
    totp.confirm(tx, user_id, pyotp.TOTP(begun.secret).at(NOW), live.server.sealing_key, NOW)


def test_a_password_does_not_open_it(forced: Forced) -> None:
    browser = forced.browser()
    browser.open(forced.request())
    browser.open(f"{browser.forms()[0].action}?way=password")
    forced.log_in(browser)
    assert browser.page.status_code == 200
    assert "asks you to sign in with" in browser.page.text
    assert "code=" not in str(browser.page.url)


@pytest.mark.parametrize("methods", [("pwd",), ("pwd", "otp"), ("pop", "user"), ("pwd", "rc")], ids=" ".join)
def test_no_session_made_here_opens_it_silently(forced: Forced, methods: tuple[str, ...]) -> None:
    """Not even that of somebody with emergency access, who did not say that it is one."""
    holders = Holders(forced.live)
    for user in (forced.ada, forced.ben):
        _, handle = holders.session(user.id, methods)
        browser = forced.browser()
        browser.cookies["__Host-rxauth"] = handle
        asked = forced.request(prompt="none", organization=forced.sso.organization_id)
        assert answered(browser.open(asked))["error"] in {"login_required", "interaction_required"}


def test_no_code_of_a_session_made_here_gets_a_token(forced: Forced) -> None:
    """Whatever began the session: a password, one that was reset a moment ago, or an invite that was accepted."""
    holders = Holders(forced.live)
    session, _ = holders.session(holders.person(Role.STAFF), ("pwd", "otp"))
    code = holders.code(session)
    assert holders.post(code.request()).status_code == 400


def test_emergency_access_is_said_recorded_and_told_to_every_administrator(forced: Forced) -> None:
    browser = forced.ben_at_the_door()
    assert browser.heading() == "Use emergency access?"
    assert subjects(forced.live.server.database, forced.live.world, "ben@example.com") == []

    browser.submit(act="emergency")

    assert "code" in answered(browser.page)
    told = subjects(forced.live.server.database, forced.live.world, "ben@example.com")
    assert told == ["Emergency access to Alder Clinic"]
    assert sorted(events(forced)) == ["emergency_access.given", "emergency_access.used"]

    browser.open(forced.request(organization=forced.sso.organization_id))  # the same session, and one use
    assert "code" in answered(browser.page)
    assert events(forced).count("emergency_access.used") == 1


def events(forced: Forced) -> list[str]:
    """Lists what was recorded of emergency access."""
    found = forced.live.server.database.read(audited)
    return [one for one in found if one.startswith("emergency_access")]


def audited(tx: Transaction) -> list[str]:
    """Lists the events that wait to be numbered."""
    rows = tx.connection.exec_driver_sql("SELECT entry FROM audit_outbox ORDER BY id").all()
    return [json.loads(row[0])["event"] for row in rows]


def test_emergency_access_that_was_taken_ends_at_the_next_click(forced: Forced) -> None:
    holders, database, where = Holders(forced.live), forced.live.server.database, forced.sso.organization_id
    session, _ = holders.session(forced.ben.id, ("pwd", "otp"))
    now_us = forced.live.clock.microseconds()
    database.write(lambda tx: emergency_access.use(tx, session, where, outbox(forced.live.world), now_us))
    got = holders.redeemed(holders.code(session))
    assert forced.live.graphql(got["access_token"], READ).status_code == 200

    other = holders.person(Role.ADMINISTRATOR)
    with pytest.raises(LastWithEmergencyAccessError):
        database.write(lambda tx: memberships.set_roles(tx, where, forced.ben.id, [Role.STAFF], NOW))
    database.write(lambda tx: totp_of(tx, other, forced.live))
    forced.sso.give_emergency_access(other)

    assert forced.live.graphql(got["access_token"], READ).status_code == 401
    refused(holders.refresh(got["refresh_token"]))


def test_emergency_access_opens_no_other_organization(forced: Forced) -> None:
    """A session that was opened for Alder Clinic is an ordinary one in Birch Clinic, which asks for nothing."""
    holders = Holders(forced.live, forced.live.world.birch.organization_id)
    session, _ = holders.session(forced.ben.id, ("pwd", "otp"))
    got = holders.redeemed(holders.code(session))
    assert forced.live.graphql(got["access_token"], READ).status_code == 200


def test_emergency_access_is_for_administrators_with_a_second_factor_and_for_three_at_most(forced: Forced) -> None:
    sso, holders = forced.sso, Holders(forced.live)
    weak = holders.person(Role.ADMINISTRATOR)
    many = [holders.person(Role.ADMINISTRATOR) for _ in range(4)]
    for wanted in ([forced.ada.id], [forced.ben.id, weak], many, ["usr_of_nobody"]):
        with pytest.raises(InvalidError):
            sso.give_emergency_access(*wanted)
    sso.give_emergency_access(forced.ben.id)


def test_single_sign_on_is_asked_of_nobody_before_everything_is_there(live: Live) -> None:
    holders, sso = Holders(live), SingleSignOn(live)
    database = live.server.database
    administrator = holders.person(Role.ADMINISTRATOR)
    database.write(lambda tx: totp_of(tx, administrator, live))

    def code() -> str:
        with pytest.raises(NotReadyError) as refusal:
            sso.ask_of_everybody()
        return refusal.value.code

    assert code() == "emergency_access_needed"
    sso.give_emergency_access(administrator)
    database.write(lambda tx: connections.note_proven(tx, sso.connection, None))
    assert code() == "connection_untried"
    database.write(lambda tx: connections.switch(tx, sso.connection, NOW, on=False))
    assert code() == "connection_needed"
    database.write(lambda tx: connections.switch(tx, sso.connection, NOW, on=True))
    database.write(lambda tx: connections.note_proven(tx, sso.connection, NOW))
    database.write(lambda tx: domain_acts.remove(tx, sso.domain, BY, NOW * 1_000_000))
    assert code() == "domain_needed"


def test_the_last_connection_and_the_last_domain_stay_while_everybody_must_use_them(forced: Forced) -> None:
    database, sso = forced.live.server.database, forced.sso
    with pytest.raises(NotReadyError) as refusal:
        database.write(lambda tx: domain_acts.remove(tx, sso.domain, BY, NOW * 1_000_000))
    assert refusal.value.code == "single_sign_on_forced"
    with pytest.raises(NotReadyError):
        database.read(
            lambda tx: forced_sign_on.require_without(tx, sso.organization_id, connection_id=sso.connection.id)
        )
    sso.ask_of_everybody(None)
    database.write(lambda tx: domain_acts.remove(tx, sso.domain, BY, NOW * 1_000_000))


def test_a_domain_that_is_given_up_signs_out_whoever_came_through_the_provider(live: Live) -> None:
    holders, sso = Holders(live), SingleSignOn(live)
    person = holders.person()
    came, _ = sso.session(person)
    got = holders.redeemed(holders.code(came))
    own = holders.tokens(person)
    ended = live.server.database.write(lambda tx: domain_acts.remove(tx, sso.domain, BY, NOW * 1_000_000))
    assert [one.session_id for one in ended] == [came.id]
    assert live.graphql(got["access_token"], READ).status_code == 401
    refused(holders.refresh(got["refresh_token"]))
    assert live.graphql(own["access_token"], READ).status_code == 200


def test_a_connection_that_is_switched_off_while_somebody_comes_through_it_lets_nobody_in(live: Live) -> None:
    """What was read of it before the provider was asked is old by then."""
    sso, database = SingleSignOn(live), live.server.database
    database.write(lambda tx: connections.switch(tx, sso.connection, NOW, on=False))
    found = database.write(lambda tx: joining.join(tx, Vouched(sso.connection, sso.identity("uma")), NOW))
    assert isinstance(found, Refused)
    assert found.code == "connection_disabled"

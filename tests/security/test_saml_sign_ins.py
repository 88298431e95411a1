"""Attacks on the way of a browser to a SAML provider and back: replay, and whose browser brings whose assertion."""

from typing import Any
from urllib.parse import quote_plus

import pytest

from rxauth.domain import connections, sessions, upstream_messages, users
from rxauth.domain.connection_settings import Joining, Mapping, SamlSettings
from rxauth.domain.connections import Wanted
from rxauth.storage.database import Transaction
from tests.browsing import Browser
from tests.federation.saml.conftest import Clinic, clinic, provider
from tests.federation.saml.upstream import NAME
from tests.signing_in import answered

__all__ = ["clinic", "provider"]


@pytest.fixture(params=["sqlite"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def on_its_way(clinic: Clinic) -> tuple[Browser, dict[str, str]]:
    """Returns a browser, and the form with which the provider sends it back."""
    clinic.upstream.present("uma")
    browser, url = clinic.leave()
    return browser, clinic.upstream.answer(url)


def heading(clinic: Clinic, answer: Any) -> str:
    text = str(answer.text)
    return text[text.index("<h1>") + 4 : text.index("</h1>")]


def nobody_came(clinic: Clinic) -> bool:
    return clinic.read(lambda tx: users.find_by_email(tx, "uma@alder.example")) is None


def test_what_the_attacks_alter_signs_in(clinic: Clinic) -> None:
    browser, form = on_its_way(clinic)
    answer = browser.open(clinic.post(form).headers["location"])
    assert "code" in answered(answer)


def test_an_assertion_is_posted_a_second_time(clinic: Clinic) -> None:
    browser, form = on_its_way(clinic)
    first = clinic.post(form)
    assert heading(clinic, clinic.post(form)) == "This sign-in is over"
    assert "code" in answered(browser.open(first.headers["location"]))
    assert heading(clinic, clinic.post(form)) == "This sign-in is over"
    assert heading(clinic, browser.open(first.headers["location"])) == "This sign-in is over"


def test_an_assertion_is_posted_for_another_request(clinic: Clinic) -> None:
    _, form = on_its_way(clinic)
    _, other = on_its_way(clinic)
    answer = clinic.post({**form, "RelayState": other["RelayState"]})
    assert (answer.status_code, heading(clinic, answer)) == (403, "You could not be signed in")
    assert "request" not in answer.text.lower().replace("request id", "").replace("request-id", "")
    assert nobody_came(clinic)


def test_an_assertion_that_was_taken_is_not_taken_for_another_request_of_the_same_id(clinic: Clinic) -> None:
    now = clinic.live.clock.seconds()

    def take(tx: Transaction) -> bool:
        return upstream_messages.take(tx, clinic.alder, clinic.connection.id, "_assertion", now)

    assert [clinic.write(take), clinic.write(take)] == [True, False]


def test_a_foreign_page_has_a_victim_s_browser_post_the_attacker_s_assertion(clinic: Clinic) -> None:
    attacker, form = on_its_way(clinic)
    there = clinic.post(form).headers["location"]
    for victim in (clinic.cast.browser(), clinic.leave()[0]):
        assert heading(clinic, victim.open(there)) == "This sign-in is over"
    assert nobody_came(clinic)
    assert "code" in answered(attacker.open(there))


def test_what_was_kept_for_a_browser_is_gone_after_five_minutes(clinic: Clinic) -> None:
    browser, form = on_its_way(clinic)
    there = clinic.post(form).headers["location"]
    clinic.live.clock.advance(300)
    assert heading(clinic, browser.open(there)) == "This sign-in is over"
    assert nobody_came(clinic)


@pytest.mark.parametrize("change", [{"RelayState": ""}, {"RelayState": "x" * 43}, {"SAMLResponse": ""}])
def test_a_form_that_answers_nothing(clinic: Clinic, change: dict[str, str]) -> None:
    _, form = on_its_way(clinic)
    answer = clinic.post({**form, **change})
    assert answer.status_code in {400, 403}
    assert nobody_came(clinic)


def test_a_field_that_is_there_twice(clinic: Clinic) -> None:
    _, form = on_its_way(clinic)
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in (*form.items(), *form.items()))
    answer = clinic.live.http.post(
        f"/sso/{NAME}/acs", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code in {400, 403}


def test_an_answer_to_one_connection_arrives_at_another(clinic: Clinic) -> None:
    settings = clinic.connection.settings
    assert isinstance(settings, SamlSettings)
    clinic.write(lambda tx: _second(tx, clinic, settings))
    browser, form = on_its_way(clinic)
    assert heading(clinic, clinic.post(form, name="alder-second")) == "This sign-in is over"
    there = clinic.post(form).headers["location"]
    assert heading(clinic, browser.open(there.replace(NAME, "alder-second"))) == "This sign-in is over"
    assert "code" in answered(browser.open(there))


def _second(tx: Transaction, clinic: Clinic, settings: SamlSettings) -> None:
    wanted = Wanted("alder-second", "Another", Joining.JUST_IN_TIME, settings, Mapping())
    connections.create(tx, clinic.alder, wanted, clinic.live.server.sealing_key, clinic.live.clock.seconds())


def test_a_provider_that_begins_by_itself_signs_nobody_in(clinic: Clinic) -> None:
    clinic.upstream.present("uma")
    answer = clinic.post(clinic.upstream.tile())
    assert (answer.status_code, heading(clinic, answer)) == (403, "You could not be signed in")
    clinic.change(settings={"idp_initiated": True})
    answer = clinic.post(clinic.upstream.tile())
    assert (answer.headers["location"], "set-cookie" in answer.headers) == (f"/sso/{NAME}", False)
    assert nobody_came(clinic)


def test_somebody_refuses_at_the_provider(clinic: Clinic) -> None:
    clinic.upstream.present(None)
    _, url = clinic.leave()
    answer = clinic.post(clinic.upstream.answer(url))
    assert (answer.status_code, heading(clinic, answer)) == (403, "You could not be signed in")


def test_a_switched_off_connection_takes_nothing(clinic: Clinic) -> None:
    browser, form = on_its_way(clinic)
    there = clinic.post(form).headers["location"]
    now = clinic.live.clock.seconds()
    clinic.write(lambda tx: connections.switch(tx, clinic.connection, now, on=False))
    assert heading(clinic, browser.open(there)) == "This sign-in is over"
    assert heading(clinic, clinic.post(clinic.upstream.tile())) == "This sign-in is over"


def test_the_session_opens_the_connection_s_organization_only(clinic: Clinic) -> None:
    browser, form = on_its_way(clinic)
    browser.open(clinic.post(form).headers["location"])
    person = clinic.read(lambda tx: users.find_by_email(tx, "uma@alder.example"))
    mine = clinic.read(lambda tx: sessions.of_user(tx, person.id))
    assert [one.confined_to for one in mine] == [clinic.alder]

"""What a provider, or whoever is between it and the browser, could try; each test is named after it."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from rxauth.crypto.jws import new_signing_key
from rxauth.domain import connections, domains, memberships, sessions, users
from rxauth.domain.connection_settings import ClientAuthentication, OpenIdSettings
from rxauth.domain.connections import Connection, Wanted
from rxauth.edge.openid_providers import KEYS_AGAIN_S
from rxauth.federation.openid.id_token import LEEWAY_S
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.federation.openid import upstream as upstreams
from tests.federation.openid.conftest import BOTH, Attack, Clinic
from tests.federation.openid.upstream import signing_key
from tests.live import PATIENCE_S
from tests.people import PASSWORD, add_person
from tests.signing_in import answered
from tests.world import NOW


def test_what_an_honest_provider_would_say_is_taken(attack: Attack) -> None:
    """Without this, nothing below would prove anything."""
    browser, url = attack.leave()
    assert "code" in answered(browser.open(url))
    assert attack.is_anybody_in()


WIRED: dict[str, tuple[dict[str, Any], str]] = {
    "issued_by_another_provider": ({"iss": "https://login.honest.example"}, "issuer_differs"),
    "for_another_application": ({"aud": "another"}, "audience_differs"),
    "expired": ({"exp": 1}, "id_token_expired"),
    "of_another_sign_in": ({"nonce": "another"}, "nonce_differs"),
    "with_another_access_token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash_differs"),
    "signed_by_nobody": ({"alg": "none"}, "algorithm_refused"),
}


@pytest.mark.parametrize("name", WIRED)
def test_an_id_token_opens_nothing_that_is(attack: Attack, name: str) -> None:
    """Every other way to forge one is in test_id_tokens.py."""
    changes, reason = WIRED[name]
    if "alg" in changes:
        attack.forger.header = changes
    else:
        attack.forger.claims = changes
    assert attack.refused(*attack.leave()) == reason
    assert not attack.is_anybody_in()


def test_metadata_of_another_issuer(attack: Attack) -> None:
    attack.forger.metadata = {"issuer": "https://login.honest.example"}
    browser = attack.clinic.cast.browser()
    answer = browser.open(attack.clinic.cast.request(connection="alder-sso"))
    assert (answer.status_code, attack.reason()) == (403, "issuer_differs")


def test_a_key_that_the_provider_does_not_publish_signs_nothing(attack: Attack) -> None:
    attack.forger.signing = new_signing_key("ES256")
    assert attack.refused(*attack.leave()) == "signature_refused"


@BOTH
def test_state_replay(attack: Attack) -> None:
    browser, url = attack.leave()
    browser.open(url)
    attack.forger.asked.clear()
    assert browser.open(url).status_code == 400
    assert attack.forger.asked == []


def test_state_is_used_up_by_an_answer_that_failed(attack: Attack) -> None:
    attack.forger.claims = {"nonce": "another"}
    browser, url = attack.leave()
    attack.refused(browser, url)
    attack.forger.claims = {}
    assert browser.open(url).status_code == 400


def test_state_that_is_forged_or_missing(attack: Attack) -> None:
    browser, url = attack.leave()
    for other in (url.replace("state=", "state=A"), url.partition("&state")[0], url + "&state=another"):
        assert browser.open(other).status_code == 400
    assert attack.forger.asked == []


def test_state_that_is_too_old(attack: Attack) -> None:
    browser, url = attack.leave()
    attack.clinic.live.clock.advance(1_800)
    assert browser.open(url).status_code == 400
    assert attack.forger.asked == []


def test_login_csrf_by_a_state_of_the_attacker_s_browser(attack: Attack) -> None:
    """A-22: the attacker has a victim's browser open the last URL of the attacker's own sign-in."""
    mine, url = attack.leave()
    victim = attack.clinic.cast.signed_in("ada@example.com")
    before = dict(victim.cookies)
    assert victim.open(url).status_code == 400
    assert attack.clinic.cast.browser().open(url).status_code == 400
    assert (victim.cookies, attack.forger.asked) == (before, [])
    assert "code" in answered(mine.open(url)), "and the attempt did not use it up"


def test_code_injection_is_stopped_by_the_verifier_and_the_nonce_of_each_sign_in(attack: Attack) -> None:
    """RFC 9700 §4.5: a stolen code is brought to the attacker's own sign-in, which has a verifier of its own."""
    _, stolen = attack.leave()
    nonce = attack.forger.nonce
    browser, url = attack.leave()
    attack.forger.nonce = nonce  # the provider made the ID token for the victim's sign-in
    assert attack.refused(browser, url) == "nonce_differs"
    sent = attack.forger.asked[-1]["code_verifier"]
    attack.forger.reset()
    browser, url = attack.leave()
    browser.open(url)
    assert attack.forger.asked[-1]["code_verifier"] != sent
    assert stolen


def second_connection(clinic: Clinic, issuer: str, client_id: str = "rxauth-birch") -> Connection:
    """Adds the connection of another organization."""
    birch = clinic.live.world.birch.organization_id

    def work(tx: Transaction) -> Connection:
        settings = OpenIdSettings(issuer, client_id, ClientAuthentication.SECRET_BASIC)
        rules = (clinic.connection.joining, settings, clinic.connection.mapping)
        wanted = Wanted("birch-sso", "Birch", *rules, secret=upstreams.SECRET)
        made = connections.create(tx, birch, wanted, clinic.live.server.sealing_key, NOW)
        domains.verify(tx, domains.add(tx, birch, "birch.example", NOW), NOW)
        return made

    made: Connection = clinic.write(work)
    return made


def test_mix_up_of_an_honest_provider_s_code_with_a_dishonest_provider_s_state(attack: Attack) -> None:
    """RFC 9700 §4.4: the dishonest provider sends the browser on to the honest one, with its own state."""
    clinic = attack.clinic
    clinic.upstream.present("uma")
    second_connection(clinic, clinic.upstream.issuer)
    victim, url = clinic.leave()
    state = dict(parse_qsl(urlsplit(url).query))["state"]
    at_birch = f"/sso/birch-sso/callback?code=an-honest-code&state={state}&iss={clinic.upstream.issuer}"
    assert victim.open(at_birch).status_code == 400
    assert attack.forger.asked == [], "the code went nowhere"


def test_mix_up_is_seen_by_the_name_that_a_provider_gives_itself(attack: Attack) -> None:
    """RFC 9207 §2.4."""
    attack.forger.metadata = {"authorization_response_iss_parameter_supported": True}
    for said in ("&iss=https://login.honest.example", ""):
        browser, url = attack.leave()
        assert attack.refused(browser, url + said) == "issuer_differs"
    assert attack.forger.asked == []
    browser, url = attack.leave()
    assert "code" in answered(browser.open(f"{url}&iss={attack.forger.issuer}"))


def test_idp_confusion_by_the_same_subject_at_another_connection(clinic: Clinic) -> None:
    """A subject means somebody only together with the connection that it came by."""
    clinic.sign_in("uma")
    uma = clinic.read(lambda tx: users.find_by_email(tx, "uma@alder.example"))
    second_connection(clinic, clinic.upstream.issuer)
    browser = clinic.cast.browser()
    clinic.upstream.present("uma", email="uma@birch.example")
    url = browser.open(clinic.cast.request(connection="birch-sso")).headers["location"]
    answer = clinic.come_back(browser, url)
    assert answer.status_code == 403, "no group of Birch's stands for a role"
    mine = clinic.read(lambda tx: sessions.of_user(tx, uma.id))
    assert [one.confined_to for one in mine] == [clinic.alder]


def test_the_address_of_another_organization_s_member_asserted_by_an_evil_provider(attack: Attack) -> None:
    ben = attack.clinic.cast.ben
    attack.forger.claims = {"email": ben.email}
    assert attack.refused(*attack.leave()) == "domain_not_verified"


def test_the_address_of_somebody_who_works_elsewhere_too_opens_nothing_without_their_password(attack: Attack) -> None:
    clinic, birch = attack.clinic, attack.clinic.live.world.birch.organization_id
    victim = clinic.write(lambda tx: add_person(tx, "mallory@alder.example"))
    clinic.write(lambda tx: memberships.add(tx, birch, victim.id, [Role.ADMINISTRATOR], NOW))
    browser, url = attack.leave()
    browser.open(url)
    assert browser.heading().startswith("Log in")
    assert clinic.cast.log_in(browser, "ada@example.com").status_code == 422, "another account's password links nothing"
    assert clinic.cast.log_in(browser, victim.email, "a guess of Mallory's").status_code == 422
    assert clinic.read(lambda tx: sessions.of_user(tx, victim.id)) == []
    assert "code" in answered(clinic.cast.log_in(browser, victim.email, PASSWORD))
    [mine] = clinic.read(lambda tx: sessions.of_user(tx, victim.id))
    assert (mine.confined_to, mine.methods) == (clinic.alder, ("fed", "pwd"))


def test_a_second_subject_with_the_address_of_somebody_who_came_before(attack: Attack) -> None:
    """Addresses are given to others when somebody leaves: the account is not."""
    browser, url = attack.leave()
    browser.open(url)
    attack.forger.claims = {"sub": "the successor"}
    browser, url = attack.leave()
    browser.open(url)
    assert browser.heading().startswith("Log in")


def test_an_address_that_was_changed_at_the_provider_to_somebody_else_s(attack: Attack) -> None:
    clinic = attack.clinic
    browser, url = attack.leave()
    browser.open(url)
    boss = clinic.write(lambda tx: add_person(tx, "boss@alder.example"))
    attack.forger.claims = {"email": "boss@alder.example"}
    browser, url = attack.leave()
    assert "code" in answered(browser.open(url))
    assert clinic.read(lambda tx: sessions.of_user(tx, boss.id)) == []


def test_an_address_that_is_not_verified(attack: Attack) -> None:
    attack.forger.claims = {"email_verified": False}
    assert attack.refused(*attack.leave()) == "email_not_verified"


def test_userinfo_about_somebody_else(attack: Attack) -> None:
    attack.forger.claims = {"email": None, "email_verified": None}
    attack.forger.userinfo = {"sub": "somebody else", "email": "boss@alder.example", "email_verified": True}
    assert attack.refused(*attack.leave()) == "subject_differs"


def test_a_group_with_the_name_of_everybody_or_of_a_role_gives_nothing_more(attack: Attack) -> None:
    attack.forger.claims = {"groups": ["*", "Prescriber", "rol_administrator", "IT"]}
    browser, url = attack.leave()
    browser.open(url)
    person = attack.clinic.read(lambda tx: users.find_by_email(tx, "mallory@alder.example"))
    [mine] = attack.clinic.read(lambda tx: memberships.of_person(tx, person.id))
    assert mine.roles == {Role.STAFF}


def test_the_last_administrator_is_not_taken_away_by_a_provider(attack: Attack) -> None:
    clinic = attack.clinic
    browser, url = attack.leave()
    browser.open(url)
    person = clinic.read(lambda tx: users.find_by_email(tx, "mallory@alder.example"))
    clinic.write(
        lambda tx: memberships.set_roles(tx, clinic.alder, person.id, [Role.ADMINISTRATOR, Role.DEVELOPER], NOW)
    )
    clinic.write(lambda tx: memberships.remove(tx, clinic.alder, clinic.cast.ben.id, NOW))
    browser, url = attack.leave()
    assert "code" in answered(browser.open(url))
    [mine] = clinic.read(lambda tx: memberships.of_person(tx, person.id))
    assert mine.roles == {Role.ADMINISTRATOR, Role.STAFF}


def test_upstream_key_rotation(clinic: Clinic) -> None:
    """The next key is found when it first signs, and one that was taken back signs nothing any more."""
    clinic.sign_in("uma")
    clinic.live.clock.advance(KEYS_AGAIN_S)
    clinic.upstream.sign_with(signing_key())
    _, answer = clinic.sign_in("uma")
    assert "code" in answered(answer)


def test_made_up_key_names_have_nobody_asked_again_and_again(attack: Attack) -> None:
    attack.forger.signing = new_signing_key("ES256")
    for _ in range(3):
        browser, url = attack.leave()
        assert browser.open(url).status_code == 403
    assert attack.forger.gets.count("/keys") == 1
    attack.clinic.live.clock.advance(KEYS_AGAIN_S)
    browser, url = attack.leave()
    assert browser.open(url).status_code == 403
    assert attack.forger.gets.count("/keys") == 2


def test_upstream_down(attack: Attack) -> None:
    browser, url = attack.leave()
    attack.forger.status = 503
    answer = browser.open(url)
    assert (answer.status_code, browser.heading()) == (502, "The sign-in service does not answer")
    assert attack.reason() == "provider_failed"
    attack.forger.status = 200
    [again] = re.findall(r'href="(/sign-in/\w+)"', answer.text)
    answer = browser.open(again)
    assert answer.headers["location"].startswith(attack.forger.issuer), "the person can try again"
    assert "code" in answered(browser.open(attack.forger.answer(answer.headers["location"])))


def test_upstream_slow(attack: Attack, monkeypatch: pytest.MonkeyPatch) -> None:
    browser, url = attack.leave()
    monkeypatch.setattr("rxauth.edge.sso.openid.PATIENCE_S", 0.2)
    attack.forger.after_s = PATIENCE_S
    answer = browser.open(url)
    attack.forger.go_on.set()
    assert (answer.status_code, attack.reason()) == (504, "provider_slow")


def test_a_provider_that_refuses_and_says_something_rude(attack: Attack) -> None:
    browser, url = attack.clinic.leave()
    back = attack.forger.answer(url, code=None, error="<script>", error_description="call%20555-0100")
    answer = browser.open(back)
    assert (answer.status_code, "<script>" in answer.text, "555-0100" in answer.text) == (403, False, False)


def test_clocks_may_be_a_minute_apart(attack: Attack) -> None:
    now = attack.clinic.live.clock.seconds()
    attack.forger.claims = {"exp": now - LEEWAY_S + 20, "iat": now - 600}
    browser, url = attack.leave()
    assert "code" in answered(browser.open(url))


def test_a_provider_that_names_itself_nowhere_is_refused_by_no_name_of_another(attack: Attack) -> None:
    browser, url = attack.leave()
    assert attack.refused(browser, f"{url}&iss=https://login.honest.example") == "issuer_differs"

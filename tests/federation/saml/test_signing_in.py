"""Sign-ins with a SAML provider that nobody here wrote, over HTTP."""

from urllib.parse import urlsplit

import pytest

from rxauth.domain import memberships, users
from rxauth.edge.sso import saml
from rxauth.federation.saml import bindings
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.federation.saml.conftest import Clinic
from tests.federation.saml.upstream import NAME, URLS
from tests.signing_in import answered
from tests.world import StandingClock


def roles(clinic: Clinic, email: str = "uma@alder.example") -> set[Role]:
    """Returns the roles in Alder of whoever has an address; none: it is no member."""

    def work(tx: Transaction) -> set[Role]:
        person = users.find_by_email(tx, email)
        mine = [] if person is None else memberships.of_person(tx, person.id)
        return {role for one in mine for role in one.roles if one.organization_id == clinic.alder}

    found: set[Role] = clinic.read(work)
    return found


def test_somebody_new_joins_and_signs_in_with_the_organization_s_provider(clinic: Clinic) -> None:
    _, answer = clinic.sign_in("uma", attributes={"groups": ["it", "others"]})
    assert "code" in answered(answer)
    assert roles(clinic) == {Role.STAFF, Role.DEVELOPER}
    _, answer = clinic.sign_in("uma", attributes={"groups": ["others"], "email": "boss@elsewhere.example"})
    assert "code" in answered(answer)
    assert roles(clinic) == {Role.STAFF}


def test_an_encrypted_assertion_signs_in(clinic: Clinic) -> None:
    clinic.upstream.trust(saml.keys_of(clinic.live.server, clinic.connection).published[0].certificate, encrypts=True)
    _, answer = clinic.sign_in("uma")
    assert "code" in answered(answer)


def test_a_signed_response_signs_in(clinic: Clinic) -> None:
    _, answer = clinic.sign_in("uma", options={"signResponse": True, "signAssertion": False})
    assert "code" in answered(answer)


def test_a_provider_that_takes_forms_only_is_posted_one(clinic: Clinic) -> None:
    clinic.change(settings={"sso_binding": "post"})
    clinic.upstream.present("uma")
    browser = clinic.cast.browser()
    page = browser.open(clinic.cast.request(connection=NAME))
    assert page.status_code == 200
    assert f"form-action {clinic.upstream.base}" in page.headers["content-security-policy"]


def test_our_metadata_say_where_this_server_is(clinic: Clinic) -> None:
    answer = clinic.live.http.get(f"/sso/{NAME}/metadata")
    assert answer.headers["content-type"] == "application/samlmetadata+xml"
    assert all(url in answer.text for url in (URLS.entity_id, URLS.assertion_consumer, URLS.single_logout))
    assert clinic.live.http.get("/sso/nobody/metadata").status_code == 404


def test_who_begins_at_the_provider_is_sent_back_to_it_with_a_request_of_ours(clinic: Clinic) -> None:
    clinic.change(settings={"idp_initiated": True})
    clinic.upstream.present("uma")
    answer = clinic.post(clinic.upstream.tile())
    assert (answer.status_code, answer.headers["location"]) == (303, f"/sso/{NAME}")
    assert "set-cookie" not in answer.headers
    browser = clinic.cast.browser()
    answer = browser.open(f"/sso/{NAME}")
    assert answer.headers["location"].startswith(f"{clinic.upstream.base}/sso?SAMLRequest=")
    answer = clinic.post(clinic.upstream.answer(answer.headers["location"]))
    answer = browser.open(answer.headers["location"])
    assert (answer.status_code, answer.url.path.startswith("/settings")) == (200, True)
    assert roles(clinic) == {Role.STAFF}


def is_forced(clinic: Clinic, **asked: str) -> bool:
    """Tells whether the provider is asked to authenticate anew."""
    _, url = clinic.leave(**asked)
    ours = [one.certificate for one in saml.keys_of(clinic.live.server, clinic.connection).published]
    return bindings.from_query(urlsplit(url).query, ours).root.get("ForceAuthn") == "true"


def test_a_client_that_wants_a_new_proof_has_the_provider_asked_for_one_and_gets_it(clinic: Clinic) -> None:
    assert not is_forced(clinic)
    assert is_forced(clinic, prompt="login")
    assert is_forced(clinic, max_age="60")
    _, answer = clinic.sign_in("uma", prompt="login")
    assert "code" in answered(answer)


@pytest.mark.parametrize("engine", ["sqlite"])
def test_a_provider_that_answers_with_an_older_proof_than_was_asked_for_is_refused(clinic: Clinic) -> None:
    assert isinstance(clinic.live.clock, StandingClock)
    clinic.live.clock.advance(600)  # so that what the provider proves now was proven ten minutes ago
    for max_age, prompt in (("60", None), (None, "login")):
        _, answer = clinic.sign_in("uma", max_age=max_age, prompt=prompt)
        assert (answer.status_code, "You could not be signed in" in answer.text) == (403, True)
    for max_age in ("3600", None):
        _, answer = clinic.sign_in("uma", max_age=max_age)
        assert "code" in answered(answer)

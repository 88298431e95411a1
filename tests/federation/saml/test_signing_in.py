"""Sign-ins with a SAML provider that nobody here wrote, over HTTP."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from rxauth.domain import memberships, users
from rxauth.edge.sso import saml
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.federation import shut_out
from tests.federation.saml.conftest import Clinic
from tests.federation.saml.upstream import NAME, URLS
from tests.signing_in import answered


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


def test_a_client_that_wants_a_new_proof_gets_one(clinic: Clinic) -> None:
    clinic.upstream.present("uma")
    _, url = clinic.leave(prompt="login")
    assert dict(parse_qsl(urlsplit(url).query))["Signature"]
    _, answer = clinic.sign_in("uma", prompt="login")
    assert "code" in answered(answer)


@pytest.mark.parametrize("engine", ["postgresql"])
def test_who_is_deactivated_is_refused_until_it_is_active_again(clinic: Clinic) -> None:
    shut_out.who_is_deactivated_is_refused_until_it_is_active_again(clinic)

"""Single logout with a SAML provider that nobody here wrote, whichever of the two it begins at."""

from typing import Any
from urllib.parse import urlsplit

from rxauth.domain import sessions, users
from tests.browsing import Browser
from tests.federation.saml.conftest import Clinic
from tests.federation.saml.upstream import NAME
from tests.signing_in import APP, answered


def open_sessions(clinic: Clinic) -> int:
    """Returns how many sessions Uma has."""

    def work(tx: Any) -> int:
        person = users.find_by_email(tx, "uma@alder.example")
        assert person is not None
        return len(sessions.of_user(tx, person.id))

    found: int = clinic.read(work)
    return found


def signed_in(clinic: Clinic) -> Browser:
    browser, answer = clinic.sign_in("uma")
    assert "code" in answered(answer)
    assert open_sessions(clinic) == 1
    return browser


def test_signing_out_here_signs_out_there_and_comes_back_to_the_client(clinic: Clinic) -> None:
    browser = signed_in(clinic)
    answer = browser.open(f"/v2/logout?federated&client_id={clinic.cast.client_id}&returnTo={APP}/bye")
    assert answer.headers["location"].startswith(f"{clinic.upstream.base}/logout?SAMLRequest="), answer.text
    assert open_sessions(clinic) == 0
    there = clinic.upstream.http.get(answer.headers["location"])
    assert there.headers["location"].startswith(clinic.live.server.issuer), there.text
    answer = browser.open(there.headers["location"])
    assert (answer.status_code, answer.headers["location"]) == (303, f"{APP}/bye")


def test_signing_out_there_signs_out_here_and_says_so(clinic: Clinic) -> None:
    browser = signed_in(clinic)
    asked = clinic.upstream.http.get(f"{clinic.upstream.base}/logout").headers["location"]
    answer = browser.open(asked)
    assert answer.headers["location"].startswith(f"{clinic.upstream.base}/logout?SAMLResponse=")
    assert clinic.upstream.http.get(answer.headers["location"]).text == "OK"
    assert open_sessions(clinic) == 0
    assert browser.open(asked).status_code == 400


def test_a_logout_that_nobody_signed_ends_nothing(clinic: Clinic) -> None:
    signed_in(clinic)
    asked = clinic.upstream.http.get(f"{clinic.upstream.base}/logout").headers["location"]
    query = urlsplit(asked).query
    for forged in (query[: query.index("&SigAlg")], query.replace("RelayState=", "RelayState=x"), ""):
        assert clinic.live.http.get(f"/sso/{NAME}/slo?{forged}").status_code == 400
    assert open_sessions(clinic) == 1

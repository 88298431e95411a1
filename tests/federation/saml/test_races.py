"""Sign-ins with a SAML provider at the same moment: each assertion, and what is kept of it, counts once."""

from sqlalchemy import bindparam, update

from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_requests
from rxauth.storage.tenancy import sql
from tests.federation.at_once import at_once
from tests.federation.saml.conftest import Clinic
from tests.signing_in import CALLBACK
from tests.world import NOW

ANSWERS = sql(
    update(upstream_requests).where(upstream_requests.c.organization_id == bindparam("owner")).values(created_at=NOW)
)


def test_an_assertion_that_is_posted_twice_at_once_and_fetched_twice_at_once_signs_in_once(clinic: Clinic) -> None:
    def hold(tx: Transaction) -> None:
        tx.run(ANSWERS, owner=clinic.alder)

    clinic.upstream.present("uma")
    browser, url = clinic.leave()
    form = clinic.upstream.answer(url)

    posted = at_once(clinic.live, hold, *(lambda: clinic.post(form) for _ in range(2)))
    assert sorted(one.status_code for one in posted) == [303, 403]

    [there] = [one.headers["location"] for one in posted if one.is_redirect]
    fetched = at_once(clinic.live, hold, *(lambda: browser.send("GET", there) for _ in range(2)))
    assert sorted(one.status_code for one in fetched) == [303, 400]
    assert any(one.headers.get("location", "").startswith(f"{CALLBACK}?code=") for one in fetched)

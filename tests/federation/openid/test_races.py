"""Sign-ins with an OpenID provider at the same moment: who comes twice is one person, and each answer counts once."""

import pytest
from sqlalchemy import bindparam, select, update

from rxauth.domain import connections, memberships, users
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_identities, upstream_requests
from rxauth.storage.tenancy import sql
from tests.browsing import Browser
from tests.conftest import ENGINES
from tests.federation.at_once import at_once
from tests.federation.openid.conftest import Clinic
from tests.people import add_person
from tests.signing_in import CALLBACK
from tests.world import ISSUER, NOW

EMAIL = "uma@alder.example"
LINKS = sql(
    select(upstream_identities.c.subject, upstream_identities.c.user_id).where(
        upstream_identities.c.organization_id == bindparam("organization_id")
    )
)
ANSWERS = sql(
    update(upstream_requests).where(upstream_requests.c.organization_id == bindparam("owner")).values(used_at=NOW)
)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each of the two engines in turn."""
    return str(request.param)


def on_the_way_back(clinic: Clinic, subject: str) -> tuple[Browser, str]:
    """Returns a browser that somebody at the provider is about to come back with."""
    clinic.upstream.present(subject, email=EMAIL)
    browser, url = clinic.leave()
    return browser, clinic.upstream.answer(url, ISSUER)


def both_come(clinic: Clinic, hold, *subjects: str) -> list[bool]:  # type: ignore[no-untyped-def]
    """Has two browsers come back at the same moment; returns which of them were signed in, those that were last."""
    pair = [on_the_way_back(clinic, one) for one in subjects]
    answers = at_once(clinic.live, hold, *(lambda browser=browser, url=url: browser.open(url) for browser, url in pair))
    return sorted(answer.headers.get("location", "").startswith(f"{CALLBACK}?code=") for answer in answers)


def come_before(clinic: Clinic) -> None:
    """Has somebody have come through the connection."""
    clinic.write(lambda tx: connections.note_proven(tx, clinic.connection, NOW))


def links(clinic: Clinic) -> list[tuple[str, str]]:
    """Lists which identities are linked to whom."""
    rows = clinic.read(lambda tx: tx.all(LINKS, organization_id=clinic.alder))
    return [(row.subject, row.user_id) for row in rows]


def members(clinic: Clinic) -> list[str]:
    """Lists the members with the address."""
    found = clinic.read(lambda tx: users.of_organization(tx, clinic.alder, 100))
    return [one.id for one in found if one.email == EMAIL]


def make_uma(tx: Transaction) -> None:
    """Does what a first sign-in is about to do."""
    add_person(tx, EMAIL, None)


@pytest.mark.parametrize("is_new", [False, True])
def test_two_first_sign_ins_of_one_person_make_one_account_one_membership_and_one_link(
    clinic: Clinic, *, is_new: bool
) -> None:
    """Through a new connection too, of which the first notes that it works."""
    if not is_new:
        come_before(clinic)
    assert both_come(clinic, make_uma, "uma", "uma") == [True, True]
    [uma] = members(clinic)
    assert links(clinic) == [("uma", uma)]


def test_of_two_that_the_provider_gives_one_address_the_second_gets_nobody_s_account(clinic: Clinic) -> None:
    come_before(clinic)
    assert both_come(clinic, make_uma, "uma", "another uma") == [False, True]
    [uma] = members(clinic)
    assert [user_id for _, user_id in links(clinic)] == [uma]


@pytest.mark.parametrize("second", ["uma", "another uma"])
def test_an_account_that_waits_for_its_person_is_the_first_one_s(clinic: Clinic, second: str) -> None:
    """As SCIM makes them: the first who comes with the address needs no proof."""

    def waits(tx: Transaction) -> str:
        made = add_person(tx, EMAIL, None)
        memberships.add(tx, clinic.alder, made.id, [Role.SUPPORT], NOW)
        return made.id

    come_before(clinic)
    uma = clinic.write(waits)
    signed_in = both_come(clinic, lambda tx: users.lock(tx, uma), "uma", second)
    assert signed_in == [second == "uma", True]
    assert [user_id for _, user_id in links(clinic)] == [uma]


def test_an_answer_that_comes_twice_is_used_once(clinic: Clinic) -> None:
    browser, url = on_the_way_back(clinic, "uma")

    def hold(tx: Transaction) -> None:
        tx.run(ANSWERS, owner=clinic.alder)

    answers = at_once(clinic.live, hold, *(lambda: browser.send("GET", url) for _ in range(2)))
    assert sorted(one.status_code for one in answers) == [303, 400]
    [uma] = members(clinic)
    assert links(clinic) == [("uma", uma)]

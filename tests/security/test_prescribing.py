"""Prescriptions that nobody may write: each attempt is refused, says why, leaves a record and no prescription."""

import datetime
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

import httpx
import msgspec
import pytest
from sqlalchemy import bindparam, update

from rxauth.api.execute import Api
from rxauth.domain import clients, memberships, sessions, token_families
from rxauth.domain.audit import Event
from rxauth.oauth.claims import AccessClaims
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.roles import Role
from rxauth.storage.database import Database, Origin, Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tenancy import sql
from tests import providers
from tests.api.answers import MODERN, the_error
from tests.domain.test_audit import entries
from tests.live import PATIENCE_S, Live, decode
from tests.prescribing import CREATE, CREATE_ALL, Practice, states, suspend
from tests.security.test_client_secrets import waits
from tests.world import NOW

Result = TypeVar("Result")
DAY_AFTER = 1_795_496_400  # 2026-11-24 00:00:00 in New York
_SET = sql(
    update(organizations)
    .where(organizations.c.id == bindparam("the_id"))
    .values(home_state=bindparam("state"), signing_max_age_s=bindparam("max_age"))
)


@pytest.fixture
def practice(live: Live) -> Practice:
    """A provider at work on each engine."""
    return Practice(live)


@pytest.fixture
def quick(sqlite_live: Live) -> Practice:
    """A provider at work, for what does not depend on the engine."""
    return Practice(sqlite_live)


def settings(practice: Practice, state: str | None = None, max_age: int | None = None) -> None:
    """Sets what the organization asks of prescriptions."""
    values = {"the_id": practice.organization_id, "state": state, "max_age": max_age}
    practice.live.server.database.write(lambda tx: tx.run(_SET, **values))


def refused(practice: Practice, answer: httpx.Response, reason: str, before: dict[str, str]) -> dict[str, Any]:
    """Checks that nothing was written, and that the answer and one new record say so; returns the error."""
    error = the_error(answer)
    assert error["extensions"]["reason"] == reason
    assert states(practice.live.server.database, practice.organization_id) == before
    [entry] = entries(practice.live.world, Event.PRESCRIPTION_REFUSED)
    assert (entry["outcome"], entry["reason"], entry["target"]) == ("failure", reason, None)
    assert practice.treatment not in str(entry)
    assert practice.patients["NY"] not in str(entry)
    return error


def stored(practice: Practice) -> dict[str, str]:
    """Returns the states of all prescriptions of the clinic."""
    return states(practice.live.server.database, practice.organization_id)


# Who tries, with which changes to a good request: G-19.
def a_machine(practice: Practice) -> str:
    """A backend."""
    return practice.live.token(practice.live.world.alder)


def a_nurse(practice: Practice) -> str:
    """Somebody without the permission."""
    return practice.token_of(practice.holders.person(Role.MEDICAL_OPERATIONS))


def a_pending_prescriber(practice: Practice) -> str:
    """Somebody with the role, and no authority."""
    return practice.token_of(practice.holders.person(*Role))


def another_organizations_provider(practice: Practice) -> str:
    """Somebody whose authority is another organization's, and who is a member here."""
    user_id = practice.holders.person(Role.PRESCRIBER)
    birch = practice.live.world.birch.organization_id

    def work(tx: Transaction) -> None:
        memberships.add(tx, birch, user_id, [Role.PRESCRIBER], NOW)
        providers.authorize(tx, birch, user_id)

    practice.live.server.database.write(work)
    return practice.token_of(user_id)


def a_suspended_provider(practice: Practice) -> str:
    """Somebody whose token was issued before the suspension."""
    practice.suspend()
    return practice.token


def a_provider_whose_licence_lapsed(practice: Practice) -> str:
    """Somebody whose token was issued on the licence's last day."""
    user_id = practice.holders.provider(Licence("NY", "777", LicenceStatus.ACTIVE, datetime.date(2026, 11, 23)))
    practice.live.clock.advance(DAY_AFTER - NOW - 1)
    token = practice.token_of(user_id)
    assert practice.create(token).status_code == 200
    practice.live.clock.advance(1)
    return token


ATTEMPTS: dict[str, tuple[Callable[[Practice], str], str, str]] = {
    "a machine": (a_machine, "machine", "a machine never holds write:prescription"),
    "a nurse": (a_nurse, "role_missing", "none of this person's roles has it"),
    "the role alone": (a_pending_prescriber, "not_a_provider", "not an authorized provider of the organization"),
    "another organization's provider": (another_organizations_provider, "not_a_provider", "not an authorized provider"),
    "a suspended provider": (a_suspended_provider, "authority_suspended", "authority is suspended: requested"),
}


@pytest.mark.parametrize("case", ATTEMPTS)
def test_who_may_not_write_a_prescription_is_told_why_and_leaves_a_record_and_no_prescription(
    practice: Practice, case: str
) -> None:
    """G-19."""
    attempt, reason, why = ATTEMPTS[case]
    token, before = attempt(practice), stored(practice)

    error = refused(practice, practice.create(token), reason, before)

    assert error["extensions"] == {
        "code": "FORBIDDEN",
        "requiredPermission": "write:prescription",
        "reason": reason,
    }
    assert why in error["message"]


def test_a_licence_must_cover_the_state_that_the_patient_is_in(practice: Practice) -> None:
    """G-19, in the words of each media type."""
    before = stored(practice)

    error = refused(practice, practice.create(patientId=practice.patients["CA"]), "licence_missing", before)

    assert error["extensions"]["code"] == "FORBIDDEN"
    assert error["message"] == "this provider has no licence in CA"
    modern = practice.live.graphql(
        practice.token, CREATE, practice.draft(patientId=practice.patients["CA"]), accept=MODERN
    )
    assert modern.status_code == 403
    assert 'error="insufficient_scope"' in modern.headers["www-authenticate"]


def test_a_licence_that_lapses_refuses_the_very_next_prescription_and_the_answer_says_so(practice: Practice) -> None:
    token = a_provider_whose_licence_lapsed(practice)
    before = stored(practice)

    error = refused(practice, practice.create(token), "licence_lapsed", before)

    assert "licence NY 777 expired on 2026-11-23" in error["message"]


def test_a_patient_of_another_organization_is_not_there(quick: Practice) -> None:
    """G-19: the attempt is a record all the same."""
    reader = quick.live.token(quick.live.world.birch)
    theirs = quick.live.data(reader, "{ patients(first: 1) { id } }")["patients"][0]["id"]

    error = refused(quick, quick.create(patientId=theirs), "patient_absent", stored(quick))

    assert error["extensions"]["code"] == "NOT_FOUND"


def test_a_patient_whose_state_nobody_knows_is_refused_unless_the_organization_names_its_own(quick: Practice) -> None:
    error = refused(quick, quick.create(patientId=quick.patients[None]), "patient_state_unknown", stored(quick))
    assert error["extensions"]["code"] == "PATIENT_STATE_UNKNOWN"

    settings(quick, state="NY")
    assert quick.written(patientId=quick.patients[None])["state"] == "ACTIVE"
    settings(quick, state="CA")
    answer = quick.create(patientId=quick.patients[None])
    assert the_error(answer)["message"] == "this provider has no licence in CA"


def test_an_address_abroad_is_in_no_state_whatever_the_organizations_own_is(quick: Practice) -> None:
    settings(quick, state="NY")
    move = """mutation($id: ID!, $address: AddressInput) { updatePatient(id: $id, address: $address) { id } }"""
    abroad = {"street1": "1 King St", "city": "Toronto", "state": "ON", "postalCode": "M5H", "country": "CA"}
    token = quick.live.token(quick.live.world.alder)
    quick.live.data(token, move, {"id": quick.patients["NY"], "address": abroad})

    assert the_error(quick.create())["extensions"]["code"] == "PATIENT_STATE_UNKNOWN"


def test_a_controlled_substance_is_refused_to_everybody(quick: Practice) -> None:
    error = refused(quick, quick.create(treatmentId=quick.controlled), "controlled_substance", stored(quick))

    assert error["extensions"]["code"] == "CONTROLLED_SUBSTANCE"
    assert "controlled substance" in error["message"]


def test_each_refused_prescription_is_a_record_of_its_own_however_many_there_are(quick: Practice) -> None:
    """Decision 26: refusals of other requests are counted, these are not."""
    nurse = a_nurse(quick)
    for _ in range(3):
        quick.create(nurse)
    drafts = [quick.draft(patientId=quick.patients[state]) for state in ("CA", "NY", "TX", "IL")]
    quick.live.graphql(quick.token, CREATE_ALL, {"prescriptions": drafts})

    reasons = [str(entry["reason"]) for entry in entries(quick.live.world, Event.PRESCRIPTION_REFUSED)]
    assert sorted(reasons) == ["licence_missing"] * 3 + ["role_missing"] * 3


def test_an_organization_may_ask_for_two_factors_proven_lately_to_sign(quick: Practice) -> None:
    """Decision 17."""
    settings(quick, max_age=300)
    error = the_error(quick.create())
    assert error["extensions"] == {"code": "INSUFFICIENT_USER_AUTHENTICATION", "acr_values": "aal2", "max_age": 300}

    session, _ = quick.holders.session(quick.provider_id, ("pwd", "otp"))
    token = quick.holders.redeemed(quick.holders.code(session))["access_token"]
    assert quick.written(token)["state"] == "ACTIVE"
    quick.live.clock.advance(301)
    assert the_error(quick.create(token))["extensions"]["code"] == "INSUFFICIENT_USER_AUTHENTICATION"


class HeldDatabase(Database):
    """A database whose next write is held open, with all its locks, until it is let go."""

    def __init__(self, url: str, held: Callable[[], None]) -> None:
        super().__init__(url)
        self._held = held

    def write(
        self, work: Callable[[Transaction], Result], origin: Origin | None = None, *, organization_id: str | None = None
    ) -> Result:
        """Writes, and holds before the commit."""

        def holding(transaction: Transaction) -> Result:
            result = work(transaction)
            self._held()
            return result

        return super().write(holding, origin, organization_id=organization_id)


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    """One thread beside the test's own."""
    with ThreadPoolExecutor(1) as one:
        yield one


def until_it_waits(practice: Practice, other: Future[Any]) -> None:
    """Returns when something waits for the test's own transaction; it must not be done before."""
    deadline = time.monotonic() + PATIENCE_S
    while not waits(practice.live.world):
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(0.1)
    assert not other.done()


def test_a_prescription_that_comes_while_a_suspension_commits_waits_for_it_and_is_refused(
    practice: Practice, thread: ThreadPoolExecutor
) -> None:
    """G-20, held open by hand: another process suspends, and this one has not heard of it."""
    assert practice.written()["state"] == "ACTIVE"
    before = stored(practice)

    def work(transaction: Transaction) -> Future[httpx.Response]:
        suspend(transaction, practice)
        asked = thread.submit(practice.create)
        until_it_waits(practice, asked)
        return asked

    with closing(practice.live.world.open()) as elsewhere:
        answer = elsewhere.write(work).result(timeout=PATIENCE_S)

    refused(practice, answer, "authority_suspended", before)


def test_a_suspension_that_comes_while_a_prescription_commits_waits_for_it(
    practice: Practice, thread: ThreadPoolExecutor
) -> None:
    """G-20, the other order: what was signed before is kept, and nothing after."""
    live, suspending = practice.live, []

    with closing(live.world.open()) as elsewhere:

        def held() -> None:
            suspending.append(thread.submit(practice.suspend, elsewhere))
            until_it_waits(practice, suspending[0])

        api = live.edge.api
        with closing(HeldDatabase(live.world.settings.database_url, held)) as holding:
            live.edge.api = Api(api.schema, holding, live.clock)
            written = practice.written()
            live.edge.api = api
        suspending[0].result(timeout=PATIENCE_S)

    assert stored(practice)[written["id"]] == "ACTIVE"
    assert the_error(practice.create())["extensions"]["reason"] == "authority_suspended"


def test_a_role_taken_in_another_process_refuses_the_very_next_prescription(practice: Practice) -> None:
    practice.written()
    before = stored(practice)
    with closing(practice.live.world.open()) as elsewhere:
        elsewhere.write(
            lambda tx: memberships.set_roles(tx, practice.organization_id, practice.provider_id, [Role.STAFF], NOW)
        )

    refused(practice, practice.create(), "role_missing", before)


# What a token rests on, ended by another process, whose change this one has not heard of yet.
ENDS: dict[str, Callable[[Transaction, Practice, AccessClaims], object]] = {
    "the session": lambda tx, practice, claims: sessions.end(tx, claims.sid or "", practice.provider_id, NOW),
    "the authorization": lambda tx, _practice, claims: token_families.revoke(tx, claims.family_id or "", NOW),
    "the client": lambda tx, _practice, claims: clients.disable(tx, claims.client_id, NOW),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_what_ended_in_another_process_ends_the_next_prescription(
    practice: Practice, end: Callable[[Transaction, Practice, AccessClaims], object]
) -> None:
    practice.live.server.feed.stop()
    practice.written()  # from now on, client and session are remembered
    before = stored(practice)
    claims = msgspec.convert(decode(practice.token)[1], AccessClaims)
    with closing(practice.live.world.open()) as elsewhere:
        elsewhere.write(lambda tx: end(tx, practice, claims))

    refused(practice, practice.create(), "token_ended", before)

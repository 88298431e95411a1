"""A person's own sessions and consents over the API: theirs alone, and never for an application of somebody else."""

from typing import Any

import msgspec
import pytest

from rxauth.domain import audit_log, consents
from rxauth.policy.roles import Role
from tests.api.answers import code
from tests.api.management.people import Clinic
from tests.api.management.sign_ins import number, token
from tests.live import Live
from tests.security.forging import READ

SESSIONS = "query($first: Int, $after: ID) { mySessions(first: $first, after: $after) { id device network isCurrent } }"
CONSENTS = "{ myConsents { clientId name permissions agreedAt } }"
END = "mutation($id: ID!) { endMySession(id: $id) }"
END_OTHERS = "mutation { endMyOtherSessions }"
REVOKE = "mutation($id: ID!) { revokeMyConsent(clientId: $id) }"


@pytest.fixture
def clinic(live: Live) -> Clinic:
    """A clinic on each engine."""
    return Clinic(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Clinic:
    """A clinic on one engine, for what does not depend on it."""
    return Clinic(sqlite_live)


def sessions_of(clinic: Clinic, bearer: str, **page: Any) -> Any:
    """Returns a person's sessions as they see them."""
    return clinic.live.data(bearer, SESSIONS, page)["mySessions"]


def recorded(clinic: Clinic, event: str) -> list[tuple[str, str]]:
    """Returns who did what to what; such acts are of no organization, so none of them reads it."""
    number(clinic.live)
    found = clinic.live.server.database.read(lambda tx: list(audit_log.entries(tx, 0, 1_000)))
    records = [msgspec.json.decode(one.entry)["record"] for one in found]
    return [(one["actor"]["id"], one["target"]) for one in records if one["event"] == event]


def test_a_person_sees_and_ends_their_own_sessions(clinic: Clinic) -> None:
    live, staff = clinic.live, clinic.staff
    live.clock.advance(1)
    elsewhere = clinic.again(staff)
    [newest, first] = sessions_of(clinic, staff.token)
    assert (newest["isCurrent"], first["isCurrent"]) == (False, True)
    assert (first["device"], first["network"]) == ("A browser", "192.0.2.1")
    assert sessions_of(clinic, staff.token, first=1) == [newest]
    assert sessions_of(clinic, staff.token, after=newest["id"]) == [first]

    assert live.data(staff.token, END, {"id": newest["id"]}) == {"endMySession": True}
    assert live.graphql(elsewhere.token, READ).status_code == 401
    assert sessions_of(clinic, staff.token) == [first]
    assert code(live.graphql(staff.token, END, {"id": newest["id"]})) == "NOT_FOUND"
    assert recorded(clinic, "person.signed_out") == [(staff.id, newest["id"])]


def test_all_other_sessions_are_ended_and_the_one_that_asks_stays(clinic: Clinic) -> None:
    live, staff = clinic.live, clinic.staff
    others = [clinic.again(staff), clinic.again(staff)]
    [administrators] = sessions_of(clinic, clinic.administrator.token)

    assert live.data(staff.token, END_OTHERS) == {"endMyOtherSessions": 2}
    assert [live.graphql(one.token, READ).status_code for one in others] == [401, 401]
    assert [one["isCurrent"] for one in sessions_of(clinic, staff.token)] == [True]
    assert live.data(staff.token, END_OTHERS) == {"endMyOtherSessions": 0}
    assert sessions_of(clinic, clinic.administrator.token) == [administrators]
    assert [user_id for user_id, _ in recorded(clinic, "person.signed_out")] == [staff.id, staff.id]


def test_a_session_that_is_too_old_is_not_shown(lone_clinic: Clinic) -> None:
    lone_clinic.live.clock.advance(3_000)
    now = lone_clinic.again(lone_clinic.staff)
    assert len(sessions_of(lone_clinic, now.token)) == 2
    lone_clinic.live.clock.advance(600)
    assert [one["isCurrent"] for one in sessions_of(lone_clinic, now.token)] == [True]


def test_nobody_ends_a_session_of_somebody_else(lone_clinic: Clinic) -> None:
    """M-10."""
    [theirs] = sessions_of(lone_clinic, lone_clinic.administrator.token)
    answer = lone_clinic.live.graphql(lone_clinic.staff.token, END, {"id": theirs["id"]})
    assert code(answer) == "NOT_FOUND"
    assert sessions_of(lone_clinic, lone_clinic.administrator.token) == [theirs]


def test_a_person_takes_a_consent_back_and_its_tokens_are_refused(clinic: Clinic) -> None:
    holders, live = clinic.holders, clinic.live
    foreign = holders.app("Foreign <b>App</b>", third_party=True)
    staff, now = clinic.staff, live.clock.seconds()
    names = frozenset({"openid", "read:patient"})
    holders.write(lambda tx: consents.give(tx, staff.id, foreign.client_id, names, now))
    session, _ = holders.session(staff.id)
    got = holders.redeemed(holders.code(session, foreign, scope="openid read:patient"))

    [shown] = live.data(staff.token, CONSENTS)["myConsents"]
    assert (shown["clientId"], shown["name"]) == (foreign.client_id, "Foreign <b>App</b>")
    assert shown["permissions"] == ["read:patient"]
    assert live.data(staff.token, REVOKE, {"id": foreign.client_id}) == {"revokeMyConsent": True}
    assert live.graphql(got["access_token"], READ).status_code == 401
    assert live.data(staff.token, CONSENTS) == {"myConsents": []}
    assert code(live.graphql(staff.token, REVOKE, {"id": foreign.client_id})) == "NOT_FOUND"
    assert recorded(clinic, "consent.taken_back") == [(staff.id, foreign.client_id)]


def test_an_application_of_somebody_else_sees_and_ends_nothing_of_it(lone_clinic: Clinic) -> None:
    holders, staff = lone_clinic.holders, lone_clinic.staff
    foreign = holders.app("Foreign App", third_party=True)
    session, _ = holders.session(staff.id)
    bearer = str(holders.redeemed(holders.code(session, foreign, scope="openid read:patient"))["access_token"])
    asked = [(SESSIONS, {}), (CONSENTS, {}), (END, {"id": session.id}), (END_OTHERS, {}), (REVOKE, {"id": "x"})]
    for document, variables in asked:
        assert code(lone_clinic.live.graphql(bearer, document, variables)) == "FORBIDDEN", document
    assert len(sessions_of(lone_clinic, staff.token)) == 2


def test_a_person_without_an_organization_has_an_account_and_a_machine_has_none(lone_clinic: Clinic) -> None:
    holders = lone_clinic.holders
    session, _ = holders.session(lone_clinic.somebody(Role.STAFF).id, ("pwd",))
    nowhere = str(holders.redeemed(holders.code(session, organization_id=None))["access_token"])
    assert len(sessions_of(lone_clinic, nowhere)) == 2
    machine = lone_clinic.machine()
    for document in (SESSIONS, CONSENTS, END_OTHERS):
        assert code(lone_clinic.live.graphql(machine, document)) == "FORBIDDEN"


def test_ending_the_session_that_asks_ends_its_token_too(lone_clinic: Clinic) -> None:
    weak = token(lone_clinic.holders, lone_clinic.staff.id, ("pwd",))
    [own] = [one for one in sessions_of(lone_clinic, weak) if one["isCurrent"]]
    assert lone_clinic.live.data(weak, END, {"id": own["id"]}) == {"endMySession": True}
    assert lone_clinic.live.graphql(weak, SESSIONS).status_code == 401

"""Resets of second factors over the API: one administrator, two for a prescriber, and never one's own."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from rxauth.domain import factor_resets, factors, member_acts, memberships, totp, users
from rxauth.domain.errors import AbsentError
from rxauth.domain.member_acts import GIVE_ROLES, MemberRefusedError
from rxauth.policy.authority import Doer
from rxauth.policy.factor_reset import LIFETIME_S
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import totp_factors
from rxauth.storage.tenancy import insert_row
from tests.api.answers import code, the_error
from tests.api.management.people import Clinic, Somebody
from tests.api.management.sign_ins import token
from tests.live import Live
from tests.people import one_after_the_other, outbox, subjects
from tests.world import NOW

SHOWN = "id secondFactors { app passkeys recoveryCodesLeft } resetTakesTwo resetRefusal"
SHOWN += " secondFactorReset { id askedBy askedByName askedAt lapsesAt approvalRefusal }"
RESET = f"mutation($user: ID!) {{ resetSecondFactors(userId: $user) {{ {SHOWN} }} }}"
APPROVE = f"mutation($user: ID!, $id: ID!) {{ approveSecondFactorReset(userId: $user, resetId: $id) {{ {SHOWN} }} }}"
WITHDRAW = APPROVE.replace("approveSecond", "withdrawSecond")
MEMBER = f"query($user: ID!) {{ member(userId: $user) {{ {SHOWN} }} }}"
DONE, ASKED = "Your second factors were reset", "Somebody asked to reset your second factors"
_INSERT_TOTP = insert_row(totp_factors)


def give_app(tx: Transaction, user_id: str, now: int) -> None:
    """Gives somebody an app and recovery codes."""
    tx.run(
        _INSERT_TOTP,
        user_id=user_id,
        sealed_secret=b"sealed",
        confirmed_at=now,
        sealed_pending=None,
        pending_at=now,
        last_step=-1,
    )
    factors.make_recovery_codes(tx, user_id, now)


class Losing(Clinic):
    """A clinic with two administrators and a prescriber who lost their phone."""

    def __init__(self, live: Live) -> None:
        super().__init__(live)
        self.second = self.somebody(Role.ADMINISTRATOR)
        self.lost = self.somebody(Role.PRESCRIBER)
        for one in (self.lost, self.doctor, self.administrator):
            self.equip(one.id)

    def equip(self, user_id: str) -> None:
        """Gives somebody an app and recovery codes."""
        self.holders.write(lambda tx: give_app(tx, user_id, self.live.clock.seconds()))

    def send(self, who: Somebody | str, document: str, about: Somebody | str, **variables: Any) -> httpx.Response:
        """Sends a mutation about somebody's second factors."""
        bearer, user = who if isinstance(who, str) else who.token, about if isinstance(about, str) else about.id
        return self.live.graphql(bearer, document, {"user": user} | variables)

    def asked_for(self, who: Somebody | None = None) -> str:
        """Has an administrator ask for the prescriber's; returns the identifier."""
        answer = self.send(who or self.administrator, RESET, self.lost).json()
        assert "errors" not in answer, answer
        return str(answer["data"]["resetSecondFactors"]["secondFactorReset"]["id"])

    def has_second(self, about: Somebody) -> bool:
        """Tells whether somebody has a second factor."""
        return self.live.server.database.read(lambda tx: factors.has_second(tx, about.id))

    def letters(self, about: Somebody) -> list[str]:
        """Returns the subjects of the letters to somebody."""
        found = self.live.server.database.read(lambda tx: users.find(tx, about.id))
        assert found is not None
        return subjects(self.live.server.database, self.live.world, found.email)

    def member(self, who: Somebody, about: Somebody) -> Any:
        """Returns a member as somebody sees them."""
        return self.live.data(who.token, MEMBER, {"user": about.id})["member"]


@pytest.fixture
def clinic(live: Live) -> Losing:
    """A clinic on each engine."""
    return Losing(live)


@pytest.fixture
def lone_clinic(sqlite_live: Live) -> Losing:
    """A clinic on one engine, for what does not depend on it."""
    return Losing(sqlite_live)


def test_one_administrator_takes_the_factors_of_who_does_not_prescribe(clinic: Losing) -> None:
    before = clinic.member(clinic.administrator, clinic.doctor)
    assert (before["resetTakesTwo"], before["resetRefusal"], before["secondFactors"]["app"]) == (False, None, True)

    answer = clinic.send(clinic.administrator, RESET, clinic.doctor).json()

    after = answer["data"]["resetSecondFactors"]
    assert after["secondFactors"] == {"app": False, "passkeys": 0, "recoveryCodesLeft": 0}
    assert "no second factor" in after["resetRefusal"]
    assert clinic.live.graphql(clinic.doctor.token, "{ me { id } }").status_code == 401
    assert clinic.letters(clinic.doctor) == [DONE]
    [entry] = clinic.recorded("factor.reset")
    assert (entry["actorId"], entry["target"]) == (clinic.administrator.id, clinic.doctor.id)
    assert entry["details"] == {"totp": "1", "passkeys": "0", "recovery_codes": "10"}
    again = clinic.send(clinic.administrator, RESET, clinic.doctor)
    assert (code(again), the_error(again)["extensions"]["reason"]) == ("CONFLICT", "no_factors")


def test_of_a_prescriber_one_asks_and_another_approves(clinic: Losing) -> None:
    reset_id = clinic.asked_for()
    assert clinic.has_second(clinic.lost)
    assert clinic.letters(clinic.lost) == [ASKED]
    waiting = clinic.member(clinic.second, clinic.lost)["secondFactorReset"]
    assert (waiting["id"], waiting["askedBy"]) == (reset_id, clinic.administrator.id)
    assert (waiting["askedByName"], waiting["approvalRefusal"]) == ("Ada Marsh", None)
    own = clinic.member(clinic.administrator, clinic.lost)["secondFactorReset"]["approvalRefusal"]
    assert "second person" in own

    answer = clinic.send(clinic.administrator, APPROVE, clinic.lost, id=reset_id)
    assert the_error(answer)["extensions"]["reason"] == "same_person"
    done = clinic.send(clinic.second, APPROVE, clinic.lost, id=reset_id).json()["data"]["approveSecondFactorReset"]

    assert done["secondFactorReset"] is None
    assert not clinic.has_second(clinic.lost)
    assert clinic.letters(clinic.lost) == sorted([ASKED, DONE])
    [asked], [reset] = clinic.recorded("factor.reset_asked"), clinic.recorded("factor.reset")
    assert asked["details"] == {"proposal_id": reset_id}
    assert (reset["actorId"], reset["details"]["first_by"]) == (clinic.second.id, clinic.administrator.id)
    assert [one["reason"] for one in clinic.recorded("member.refused")] == ["same_person"]
    again = clinic.send(clinic.second, APPROVE, clinic.lost, id=reset_id)
    assert the_error(again)["extensions"]["reason"] == "no_factors"


def test_whoever_lost_what_proves_who_signs_prescribes_once_two_people_say_so(clinic: Losing) -> None:
    """21 CFR 1311.125(d)."""
    clinic.approve(clinic.propose())

    reset_id = clinic.send(clinic.administrator, RESET, clinic.doctor).json()["data"]["resetSecondFactors"]
    clinic.send(clinic.second, APPROVE, clinic.doctor, id=reset_id["secondFactorReset"]["id"])

    authority = clinic.authority()
    assert (authority["state"], authority["reason"]) == ("SUSPENDED", "FACTOR_LOST")
    [entry] = clinic.recorded("provider.suspended")
    assert entry["actorKind"] == "consequence"


def test_two_factors_must_have_been_proven_a_moment_ago(clinic: Losing) -> None:
    once = token(clinic.holders, clinic.administrator.id, ("pwd",))
    for document, about in ((RESET, clinic.doctor), (RESET, clinic.lost)):
        assert code(clinic.send(once, document, about)) == "INSUFFICIENT_USER_AUTHENTICATION"
    reset_id = clinic.asked_for()
    clinic.live.clock.advance(301)
    answer = clinic.send(clinic.second, APPROVE, clinic.lost, id=reset_id)
    assert code(answer) == "INSUFFICIENT_USER_AUTHENTICATION"
    fresh = clinic.again(clinic.second)
    assert "errors" not in clinic.send(fresh, APPROVE, clinic.lost, id=reset_id).json()


def test_nobody_takes_their_own_or_those_of_whom_they_may_not_touch(lone_clinic: Losing) -> None:
    for who, about, reason in (
        (lone_clinic.administrator, lone_clinic.administrator, "own_factors"),
        (lone_clinic.staff, lone_clinic.administrator, "role_exceeds"),
        (lone_clinic.staff, lone_clinic.lost, "role_exceeds"),
    ):
        answer = lone_clinic.send(who, RESET, about)
        assert (code(answer), the_error(answer)["extensions"]["reason"]) == ("FORBIDDEN", reason)
        assert lone_clinic.has_second(about)
    for token_ in (lone_clinic.lost.token, lone_clinic.machine()):
        answer = lone_clinic.send(token_, RESET, lone_clinic.doctor)
        assert the_error(answer)["extensions"]["requiredPermission"] == "manage:user_roles"


def test_an_account_that_others_rely_on_is_reset_by_the_operator_alone(clinic: Losing) -> None:
    birch, now = clinic.live.world.birch.organization_id, clinic.live.clock.seconds()
    reset_id = clinic.asked_for()
    for one in (clinic.doctor, clinic.lost):
        clinic.holders.write(lambda tx, one=one: memberships.add(tx, birch, one.id, [Role.STAFF], now))
        assert the_error(clinic.send(clinic.administrator, RESET, one))["extensions"]["reason"] == "works_elsewhere"
    answer = clinic.send(clinic.second, APPROVE, clinic.lost, id=reset_id)
    assert the_error(answer)["extensions"]["reason"] == "works_elsewhere"

    ended = clinic.holders.write(
        lambda tx: factor_resets.by_operator(tx, clinic.lost.id, outbox(clinic.live.world), now)
    )
    assert ended
    assert not clinic.has_second(clinic.lost)
    assert DONE in clinic.letters(clinic.lost)
    with pytest.raises(AbsentError):
        clinic.holders.write(lambda tx: factor_resets.by_operator(tx, clinic.lost.id, outbox(clinic.live.world), now))


def test_what_was_asked_lapses_is_taken_back_and_is_asked_anew(clinic: Losing) -> None:
    old = clinic.asked_for()
    new = clinic.asked_for(clinic.second)
    assert the_error(clinic.send(clinic.second, APPROVE, clinic.lost, id=new))["extensions"]["reason"] == "same_person"
    stale = clinic.send(clinic.administrator, APPROVE, clinic.lost, id=old)
    assert (code(stale), the_error(stale)["extensions"]["reason"]) == ("CONFLICT", "nothing_asked")

    taken_back = clinic.send(clinic.administrator, WITHDRAW, clinic.lost, id=new).json()
    assert taken_back["data"]["withdrawSecondFactorReset"]["secondFactorReset"] is None
    for document in (APPROVE, WITHDRAW):
        assert code(clinic.send(clinic.administrator, document, clinic.lost, id=new)) == "CONFLICT"
    assert [one["details"] for one in clinic.recorded("factor.reset_withdrawn")] == [{"proposal_id": new}]

    late = clinic.asked_for()
    clinic.live.clock.advance(LIFETIME_S)
    again = clinic.again(clinic.second)
    assert clinic.member(again, clinic.lost)["secondFactorReset"] is None
    assert code(clinic.send(again, APPROVE, clinic.lost, id=late)) == "CONFLICT"
    assert clinic.has_second(clinic.lost)


def test_an_asker_who_lost_the_permission_asked_for_nothing(clinic: Losing) -> None:
    reset_id = clinic.asked_for()
    of, now = clinic.holders.organization_id, clinic.live.clock.seconds()
    clinic.holders.write(lambda tx: memberships.set_roles(tx, of, clinic.administrator.id, [Role.SUPPORT], now))

    answer = clinic.send(clinic.second, APPROVE, clinic.lost, id=reset_id)

    assert the_error(answer)["extensions"]["reason"] == "proposer_lost_permission"
    assert clinic.has_second(clinic.lost)


def test_m_10_somebody_of_another_organization_is_as_if_they_were_not(lone_clinic: Losing) -> None:
    birch, reset_id = lone_clinic.live.world.birch.organization_id, lone_clinic.asked_for()
    elsewhere = lone_clinic.somebody(Role.ADMINISTRATOR, organization_id=birch)
    for document, more in ((RESET, {}), (APPROVE, {"id": reset_id}), (WITHDRAW, {"id": reset_id})):
        assert code(lone_clinic.send(elsewhere, document, lone_clinic.lost, **more)) == "NOT_FOUND"
    # Of one member, with the identifier of what was asked about another.
    lone_clinic.holders.write(
        lambda tx: memberships.add_roles(
            tx, lone_clinic.holders.organization_id, lone_clinic.doctor.id, [Role.PRESCRIBER], NOW
        )
    )
    other = lone_clinic.send(lone_clinic.second, APPROVE, lone_clinic.doctor, id=reset_id)
    assert the_error(other)["extensions"]["reason"] == "nothing_asked"
    assert lone_clinic.has_second(lone_clinic.doctor)
    assert lone_clinic.has_second(lone_clinic.lost)


def test_m_15_of_two_who_approve_at_once_one_does(clinic: Losing) -> None:
    third, reset_id = clinic.somebody(Role.ADMINISTRATOR), clinic.asked_for()
    alder, world, lost = clinic.holders.organization_id, clinic.live.world, clinic.lost

    def approve(tx: Transaction) -> int:
        doer = Doer(third.id)
        attempt = member_acts.begin(tx, alder, lost.id, GIVE_ROLES, doer=doer, now=NOW)
        return len(factor_resets.approve(tx, attempt, reset_id, NOW, outbox(world)))

    ended, second = one_after_the_other(world, approve)

    assert ended == 1
    with pytest.raises(MemberRefusedError):
        second.result()
    assert not clinic.has_second(lost)
    assert clinic.letters(lost).count(DONE) == 1


def test_m_15_two_approvals_over_http_at_once_are_one(clinic: Losing) -> None:
    third, reset_id = clinic.somebody(Role.ADMINISTRATOR), clinic.asked_for()

    with ThreadPoolExecutor(2) as threads:
        sent = [threads.submit(clinic.send, who, APPROVE, clinic.lost, id=reset_id) for who in (clinic.second, third)]
        answers = [one.result().json() for one in sent]

    assert sorted("errors" in one for one in answers) == [False, True]
    assert len(clinic.recorded("factor.reset")) == 1


def test_an_app_that_is_being_set_up_is_forgotten_too(lone_clinic: Losing) -> None:
    key, now = lone_clinic.live.server.sealing_key, lone_clinic.live.clock.seconds()
    lone_clinic.holders.write(lambda tx: totp.begin(tx, lone_clinic.doctor.id, key, now))

    lone_clinic.send(lone_clinic.administrator, RESET, lone_clinic.doctor)

    database = lone_clinic.live.server.database
    assert database.read(lambda tx: totp.pending(tx, lone_clinic.doctor.id, key, now)) is None

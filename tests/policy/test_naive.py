"""The decisions beside a second implementation of them, on random people, machines, authorities and moments."""

import datetime
import random
import time
from collections.abc import Mapping
from typing import Any

import pytest

from rxauth.policy import decide, prescribing
from rxauth.policy.authority import State
from rxauth.policy.licences import Licence, LicenceStatus, end_of_day
from rxauth.policy.permissions import PERMISSIONS
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, Prescriber, ProviderAuthority, Subject, UserSubject, Wish
from tests.policy import naive

WHOLE, SLICE = 1_000_000, 10_000
NAMES = [permission.name for permission in PERMISSIONS]
ROLES, STATES, STATUSES = list(Role), list(State), list(LicenceStatus)
# Around new year, leap day and both changes of the clocks.
DAYS = [
    datetime.date.fromisoformat(day)
    for day in ("2026-12-31", "2027-01-01", "2028-02-29", "2026-03-07", "2026-03-08", "2026-10-31", "2026-11-01")
]
PLACES = sorted(naive.ZONES)


def somebody(random_: random.Random, now: int) -> dict[str, Any]:
    """Returns a machine or a person, mostly one that comes close to holding something."""
    if random_.random() < 0.2:
        return {"kind": "machine", "permissions": {name for name in NAMES if random_.random() < 0.4}}
    roles = {role.value for role in ROLES if random_.random() < 0.3}
    if random_.random() < 0.6:
        roles.add(Role.PRESCRIBER.value)
    return {
        "kind": "person",
        "organization": None if random_.random() < 0.05 else "org_1",
        "roles": roles,
        "authority": _authority(random_, now) if random_.random() < 0.85 else None,
    }


def _authority(random_: random.Random, now: int) -> dict[str, Any]:
    return {
        "state": "approved" if random_.random() < 0.6 else random_.choice(STATES).value,
        "from": now + random_.choice((-1_000, -1, 0, 0, -(10**7), 1)),
        "until": random_.choice((None, None, None, now - 1, now, now + 1, now + 10**6)),
        "licences": [_licence(random_) for _ in range(random_.choice((0, 1, 1, 2, 3)))],
    }


def _licence(random_: random.Random) -> dict[str, Any]:
    return {
        "state": random_.choice(PLACES),
        "status": "active" if random_.random() < 0.7 else random_.choice(STATUSES).value,
        "expires_on": random_.choice(DAYS),
    }


def _place(random_: random.Random, one: Mapping[str, Any]) -> str | None:
    """Returns where a patient is: mostly where somebody has a licence."""
    authority = one.get("authority")
    if authority is not None and authority["licences"] and random_.random() < 0.7:
        return str(random_.choice(authority["licences"])["state"])
    return random_.choice((None, *PLACES))


def subject(one: Mapping[str, Any], licences: dict[Any, Licence]) -> Subject:
    """Returns the same as policy knows it."""
    if one["kind"] == "machine":
        return MachineSubject("a-client", "org_1", frozenset(one["permissions"]))
    authority = one["authority"]
    return UserSubject(
        "usr_1",
        one["organization"],
        frozenset(Role(role) for role in one["roles"]),
        None
        if authority is None
        else ProviderAuthority(
            State(authority["state"]),
            authority["from"],
            authority["until"],
            tuple(licences[held["state"], held["status"], held["expires_on"]] for held in authority["licences"]),
        ),
    )


@pytest.mark.proof
def test_every_decision_is_that_of_the_second_implementation(is_whole: bool) -> None:
    """A million inputs with --prove; the seed is part of the test, so a difference can be had again."""
    random_ = random.Random(4)
    licences = {
        (place, status.value, day): Licence(place, "1", status, day)
        for place in PLACES
        for status in STATUSES
        for day in DAYS
    }
    moments = [end_of_day(day, place) + step for day in DAYS for place in PLACES for step in (-1, 0)]
    rounds, began, allowed, written = WHOLE if is_whole else SLICE, time.monotonic(), 0, 0
    for number in range(rounds):
        now = random_.choice(moments)
        one = somebody(random_, now)
        judged = subject(one, licences)
        token = random_.sample(NAMES, random_.randrange(8)) + random_.choice(([], ["write:prescription"], ["no:such"]))
        wish = Wish("pat_1", "med_1", _place(random_, one), random_.choice((None, None, None, "II")))
        caller = decide.caller(token, judged, "a-client", "a-token", now)
        assert caller.permissions == naive.usable(one, token, now), (number, one, token, now)
        name = random_.choice(NAMES)
        holds = naive.may_hold(one, name, now)
        assert (name in decide.held(judged, now)) == holds, (number, one, name, now)
        assert (decide.require(caller, (name,), now) is None) == (holds and name in token), (number, one, name, now)
        expected = naive.may_prescribe_in(one, wish.state, wish.schedule, now)
        assert (prescribing.judge(judged, wish, now) is None) == expected, (number, one, wish, now)
        if one["kind"] == "machine" or one["organization"] is not None:
            standing = judged if isinstance(judged, UserSubject) else None
            proof = decide.as_prescriber(number, caller, standing, wish, now)
            may_write = expected and "write:prescription" in token
            assert isinstance(proof, Prescriber) == may_write, (number, one, token, wish, now)
            written += may_write
        allowed += bool(caller.permissions)
        if is_whole and number % 100_000 == 99_999:
            print(f"{number + 1:,} inputs, {time.monotonic() - began:.0f} s", flush=True)
    print(f"{rounds:,} inputs agree; {allowed:,} tokens were worth something, {written:,} prescriptions allowed")
    assert allowed > rounds // 5
    assert written > rounds // 200


def test_both_implementations_know_the_same_permissions() -> None:
    assert list(naive.ROWS) == NAMES
    assert set(naive.LETTERS) == {role.value for role in Role}

"""Controlled authority: the tables of 21 CFR 1311.125, and that nothing asks them yet."""

import datetime
from dataclasses import replace
from pathlib import Path

import pytest

import rxauth
from rxauth.policy.authority import FRESH_S
from rxauth.policy.controlled_authority import DeaRegistration, Designee, approval_refusal, location_refusal
from rxauth.policy.licences import LicenceStatus

DAY = datetime.date(2026, 12, 31)
MIDNIGHT = int(datetime.datetime(2027, 1, 1, 5, tzinfo=datetime.UTC).timestamp())  # in New York
NOW = MIDNIGHT - 1
GOOD = DeaRegistration("NY", frozenset({"2", "3"}), LicenceStatus.ACTIVE, DAY)
CLERK = Designee("usr_clerk", (), NOW)
REGISTRANT = Designee("usr_registrant", (GOOD,), NOW)
OTHER = Designee("usr_other", (), NOW)


def test_a_registration_holds_through_its_last_day_where_it_is() -> None:
    assert GOOD.ends_at == MIDNIGHT
    assert [GOOD.holds(MIDNIGHT - 1), GOOD.holds(MIDNIGHT)] == [True, False]
    assert not any(replace(GOOD, status=one).holds(NOW) for one in LicenceStatus if one is not LicenceStatus.ACTIVE)


@pytest.mark.parametrize(
    ("state", "schedule", "now", "covers"),
    [("NY", "2", NOW, True), ("NY", "4", NOW, False), ("CA", "2", NOW, False), ("NY", "2", MIDNIGHT, False)],
)
def test_a_registration_covers_its_schedules_in_its_state(state: str, schedule: str, now: int, covers: bool) -> None:
    assert GOOD.covers(state, schedule, now) is covers


LOCATIONS = {
    "two, one of them a registrant": ((CLERK, REGISTRANT), NOW, None),
    "nobody": ((), NOW, "too_few_designees"),
    "one": ((REGISTRANT,), NOW, "too_few_designees"),
    "the same one twice": ((REGISTRANT, REGISTRANT), NOW, "too_few_designees"),
    "two without a registrant": ((CLERK, OTHER), NOW, "no_registrant"),
    "a registration that ended": ((CLERK, REGISTRANT), MIDNIGHT, "no_registrant"),
}


@pytest.mark.parametrize("location", LOCATIONS)
def test_a_location_designates_two_of_whom_one_is_a_registrant(location: str) -> None:
    designees, now, code = LOCATIONS[location]
    found = location_refusal(designees, now)
    assert (found and found.code) == code


STALE = replace(REGISTRANT, second_factor_at=NOW - FRESH_S - 1)
APPROVALS = {
    "a registrant after somebody else": ((CLERK, REGISTRANT), "usr_clerk", "usr_registrant", None),
    "somebody else after a registrant": ((CLERK, REGISTRANT), "usr_registrant", "usr_clerk", "second_not_registrant"),
    "one person": ((CLERK, REGISTRANT), "usr_registrant", "usr_registrant", "same_person"),
    "somebody who was not designated": ((CLERK, REGISTRANT), "usr_other", "usr_registrant", "not_designated"),
    "after somebody who was not designated": ((CLERK, REGISTRANT), "usr_clerk", "usr_other", "not_designated"),
    "a stale second factor": ((CLERK, STALE), "usr_clerk", "usr_registrant", "second_factor_not_fresh"),
    "no second factor": (
        (CLERK, replace(REGISTRANT, second_factor_at=None)),
        "usr_clerk",
        "usr_registrant",
        "second_factor_not_fresh",
    ),
    "at a location of one": ((REGISTRANT,), "usr_registrant", "usr_registrant", "too_few_designees"),
}


@pytest.mark.parametrize("approval", APPROVALS)
def test_the_second_person_is_a_registrant_with_two_factors(approval: str) -> None:
    """M-15."""
    designees, first, second, code = APPROVALS[approval]
    found = approval_refusal(designees, first, second, NOW)
    assert (found and found.code) == code


def test_nothing_asks_these_rules_yet() -> None:
    source = Path(rxauth.__file__).parent
    asking = [path.name for path in source.rglob("*.py") if "import controlled_authority" in path.read_text()]
    assert asking == []
    assert not any("policy.controlled_authority import" in path.read_text() for path in source.rglob("*.py"))

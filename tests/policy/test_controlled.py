"""Controlled substances: what they take is named, and nothing here meets it."""

import pytest

from rxauth.policy import controlled

SCHEDULES = ("I", "II", "III", "IV", "V")


def test_a_treatment_without_a_schedule_takes_nothing_more() -> None:
    assert controlled.needs(None) == ()
    assert controlled.refusal(None) is None


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_controlled_substance_is_refused_and_the_refusal_says_what_it_takes(schedule: str) -> None:
    refused = controlled.refusal(schedule)

    assert refused is not None
    assert refused.code == "controlled_substance"
    assert refused.reason.startswith(f"this treatment is a controlled substance (schedule {schedule})")
    assert all(need in refused.reason for need in controlled.needs(schedule))

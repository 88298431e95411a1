"""The rule on write:prescription, as a table: who, with what authority, when, and the reason for each refusal."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.policy import prescribing
from rxauth.policy.authority import Refusal, State
from rxauth.policy.licences import Licence, LicenceStatus, day_in, end_of_day
from rxauth.policy.permissions import PERMISSIONS
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, ProviderAuthority, Subject, UserSubject, Wish

NOW = 1_000_000
DAY = datetime.date(2026, 11, 1)
GOOD = Licence("NY", "123456", LicenceStatus.ACTIVE, DAY)
WITHOUT_END = ProviderAuthority(State.APPROVED, NOW - 10, None, (GOOD,))
MACHINE = "a machine never holds write:prescription; only authorized providers do"
NO_ROLE = "this person does not have the Prescriber role"
NO_AUTHORITY = "this person is not an authorized provider of the organization"
NOT_YET = "this provider's authority is not in force yet"
ENDED = "this provider's authority has ended"
NO_LICENCE = "this provider has no licence on record"


def person(*roles: Role, authority: ProviderAuthority | None = None) -> UserSubject:
    """Returns a person of one organization."""
    return UserSubject("usr_1", "org_1", frozenset(roles), authority)


def prescriber(effective_from: int, effective_until: int | None) -> UserSubject:
    """Returns a person with the role and an authority between two moments."""
    return person(
        Role.PRESCRIBER, authority=ProviderAuthority(State.APPROVED, effective_from, effective_until, (GOOD,))
    )


def licensed(*licences: Licence) -> UserSubject:
    """Returns an approved provider with these licences."""
    return person(Role.PRESCRIBER, authority=ProviderAuthority(State.APPROVED, 0, None, licences))


CASES: dict[str, tuple[Subject, str | None]] = {
    "a machine": (MachineSubject("client", "org_1", frozenset()), MACHINE),
    "a machine that was given it": (MachineSubject("client", "org_1", frozenset({"write:prescription"})), MACHINE),
    "a person without roles": (person(), NO_ROLE),
    "a person with authority and without the role": (person(authority=WITHOUT_END), NO_ROLE),
    "a person with every other role": (
        person(*(role for role in Role if role is not Role.PRESCRIBER), authority=WITHOUT_END),
        NO_ROLE,
    ),
    "the role without authority": (person(Role.PRESCRIBER), NO_AUTHORITY),
    "every role without authority": (person(*Role), NO_AUTHORITY),
    "authority from the next second on": (prescriber(NOW + 1, None), NOT_YET),
    "authority from this second on": (prescriber(NOW, None), None),
    "authority without an end": (prescriber(NOW - 10, None), None),
    "authority until the next second": (prescriber(NOW - 10, NOW + 1), None),
    "authority until this second": (prescriber(NOW - 10, NOW), ENDED),
    "authority that ended long ago": (prescriber(0, 1), ENDED),
    "authority that ends before it begins": (prescriber(NOW + 1, NOW - 1), NOT_YET),
    "authority of no length": (prescriber(NOW, NOW), ENDED),
    "no licence": (licensed(), NO_LICENCE),
    **{
        f"authority that is {state}": (
            person(Role.PRESCRIBER, authority=ProviderAuthority(state, 0, None, (GOOD,), "board_order")),
            f"this provider's authority is {state}: board_order",
        )
        for state in State
        if state is not State.APPROVED
    },
    **{
        f"a licence that is {status}": (licensed(Licence("NY", "1", status, DAY)), f"licence NY 1 is {status}")
        for status in LicenceStatus
        if status is not LicenceStatus.ACTIVE
    },
}


@pytest.mark.parametrize("case", CASES)
def test_write_prescription_is_refused_for_exactly_this_reason(case: str) -> None:
    subject, reason = CASES[case]

    found = prescribing.refusal(subject, NOW)
    assert (None if found is None else found.reason) == reason


@given(st.frozensets(st.sampled_from([permission.name for permission in PERMISSIONS])), st.integers())
def test_no_machine_may_write_prescriptions_whatever_it_was_given_and_whenever(
    given_it: frozenset[str], now: int
) -> None:
    found = prescribing.refusal(MachineSubject("client", "org_1", given_it), now)
    assert found is not None
    assert (found.code, found.reason) == ("machine", MACHINE)


@given(
    st.frozensets(st.sampled_from(Role)),
    st.none()
    | st.builds(
        ProviderAuthority,
        st.sampled_from(State),
        st.integers(max_value=NOW * 2),
        st.none() | st.integers(),
        st.sampled_from([(), (GOOD,)]),
    ),
    st.integers(max_value=NOW * 2),
)
def test_a_person_may_only_with_the_role_and_inside_the_authority(
    roles: frozenset[Role], authority: ProviderAuthority | None, now: int
) -> None:
    allowed = prescribing.refusal(UserSubject("usr_1", "org_1", roles, authority), now) is None

    assert allowed == (
        Role.PRESCRIBER in roles
        and authority is not None
        and authority.state is State.APPROVED
        and bool(authority.licences)
        and authority.effective_from <= now
        and (authority.effective_until is None or now < authority.effective_until)
    )


# The last second of a day in a state, in UTC: winter, summer, the days on which the clocks change, and New Year's Eve.
LAST_SECONDS = [
    ("NY", "2026-11-23", "2026-11-24T04:59:59"),
    ("NY", "2026-07-04", "2026-07-05T03:59:59"),
    ("NY", "2026-03-07", "2026-03-08T04:59:59"),
    ("NY", "2026-03-08", "2026-03-09T03:59:59"),
    ("NY", "2026-10-31", "2026-11-01T03:59:59"),
    ("NY", "2026-11-01", "2026-11-02T04:59:59"),
    ("CA", "2026-12-31", "2027-01-01T07:59:59"),
    ("AZ", "2026-07-04", "2026-07-05T06:59:59"),
    ("HI", "2028-02-29", "2028-03-01T09:59:59"),
    ("GU", "2026-12-31", "2026-12-31T13:59:59"),
]


@pytest.mark.parametrize(("state", "day", "last"), LAST_SECONDS)
def test_a_licence_holds_to_the_last_second_of_its_day_in_its_state(state: str, day: str, last: str) -> None:
    until = int(datetime.datetime.fromisoformat(f"{last}+00:00").timestamp())
    subject = licensed(Licence(state, "123456", LicenceStatus.ACTIVE, datetime.date.fromisoformat(day)))

    assert prescribing.refusal_in(subject, state, until) is None
    assert prescribing.refusal_in(subject, state, until + 1) == f"licence {state} 123456 expired on {day}"
    assert prescribing.refusal(subject, until + 1) == Refusal(
        "licence_lapsed", f"licence {state} 123456 expired on {day}"
    )


def test_a_licence_counts_in_its_own_state_alone() -> None:
    lapsed = Licence("NJ", "777", LicenceStatus.ACTIVE, datetime.date(1970, 1, 2))
    subject = licensed(GOOD, lapsed)

    assert prescribing.refusal(subject, NOW) is None
    assert prescribing.refusal_in(subject, "NY", NOW) is None
    assert prescribing.refusal_in(subject, "NJ", NOW) == "licence NJ 777 expired on 1970-01-02"
    assert prescribing.refusal_in(subject, "CT", NOW) == "this provider has no licence in CT"
    assert prescribing.refusal_in(subject, None, NOW) == "the patient's state is not known"
    assert prescribing.refusal_in(MachineSubject("client", "org_1", frozenset()), "NY", NOW) == MACHINE


ZONES = {"NY": "America/New_York", "TX": "America/Chicago", "CO": "America/Denver", "WA": "America/Los_Angeles"}
ZONES |= {"AK": "America/Anchorage", "AZ": "America/Phoenix", "HI": "Pacific/Honolulu", "PR": "America/Puerto_Rico"}


@given(st.sampled_from(sorted(ZONES)), st.dates(datetime.date(2010, 1, 1), datetime.date(2036, 12, 31)))
def test_days_end_where_the_time_zone_database_says(state: str, day: datetime.date) -> None:
    after = day + datetime.timedelta(days=1)
    midnight = datetime.datetime(after.year, after.month, after.day, tzinfo=ZoneInfo(ZONES[state]))

    assert end_of_day(day, state) == int(midnight.timestamp())


CODES: dict[str, tuple[Subject, Wish, str | None]] = {
    "all is well": (licensed(GOOD), Wish("pat_1", "med_1", "NY", None), None),
    "a machine": (MachineSubject("client", "org_1", frozenset()), Wish("pat_1", "med_1", "NY", None), "machine"),
    "no role": (person(), Wish("pat_1", "med_1", "NY", None), "role_missing"),
    "no authority": (person(Role.PRESCRIBER), Wish("pat_1", "med_1", "NY", None), "not_a_provider"),
    "not in force yet": (prescriber(NOW + 1, None), Wish("pat_1", "med_1", "NY", None), "authority_not_yet"),
    "over": (prescriber(0, NOW), Wish("pat_1", "med_1", "NY", None), "authority_ended"),
    "no licence": (licensed(), Wish("pat_1", "med_1", "NY", None), "licence_missing"),
    "a licence elsewhere": (licensed(GOOD), Wish("pat_1", "med_1", "CT", None), "licence_missing"),
    "an unknown state": (licensed(GOOD), Wish("pat_1", "med_1", None, None), "patient_state_unknown"),
    "an unknown state, and no authority": (person(), Wish("pat_1", "med_1", None, None), "role_missing"),
    "a controlled substance": (licensed(GOOD), Wish("pat_1", "med_1", "NY", "II"), "controlled_substance"),
    "a controlled substance, and a licence elsewhere": (
        licensed(GOOD),
        Wish("pat_1", "med_1", "CT", "II"),
        "licence_missing",
    ),
}


@pytest.mark.parametrize("case", CODES)
def test_a_prescription_is_refused_with_this_code(case: str) -> None:
    subject, wish, code = CODES[case]
    found = prescribing.judge(subject, wish, NOW)

    assert (None if found is None else found.code) == code


@given(st.sampled_from(sorted(ZONES)), st.integers(1_262_304_000, 2_082_758_399))
def test_the_day_in_a_state_is_the_one_that_its_clocks_show(state: str, now: int) -> None:
    shown = datetime.datetime.fromtimestamp(now, ZoneInfo(ZONES[state])).date()
    midnight = datetime.datetime(shown.year, shown.month, shown.day, tzinfo=ZoneInfo(ZONES[state])).timestamp()

    assert day_in(state, now) == shown
    assert day_in(state, int(midnight)) == shown
    assert day_in(state, int(midnight) - 1) == shown - datetime.timedelta(days=1)

"""The rule on write:prescription, as a table: who, with what authority, when, and the reason for each refusal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.policy import prescribing
from rxauth.policy.permissions import PERMISSIONS
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, ProviderAuthority, Subject, UserSubject

NOW = 1_000_000
WITHOUT_END = ProviderAuthority(NOW - 10, None)
MACHINE = "a machine never holds write:prescription; only authorized providers do"
NO_ROLE = "this person does not have the Prescriber role"
NO_AUTHORITY = "this person is not an authorized provider of the organization"
NOT_YET = "this provider's authority is not in force yet"
ENDED = "this provider's authority has ended"


def person(*roles: Role, authority: ProviderAuthority | None = None) -> UserSubject:
    """Returns a person of one organization."""
    return UserSubject("usr_1", "org_1", frozenset(roles), authority)


def prescriber(effective_from: int, effective_until: int | None) -> UserSubject:
    """Returns a person with the role and an authority between two moments."""
    return person(Role.PRESCRIBER, authority=ProviderAuthority(effective_from, effective_until))


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
}


@pytest.mark.parametrize("case", CASES)
def test_write_prescription_is_refused_for_exactly_this_reason(case: str) -> None:
    subject, reason = CASES[case]

    assert prescribing.refusal(subject, NOW) == reason


@given(st.frozensets(st.sampled_from([permission.name for permission in PERMISSIONS])), st.integers())
def test_no_machine_may_write_prescriptions_whatever_it_was_given_and_whenever(
    given_it: frozenset[str], now: int
) -> None:
    assert prescribing.refusal(MachineSubject("client", "org_1", given_it), now) == MACHINE


@given(
    st.frozensets(st.sampled_from(Role)),
    st.none() | st.builds(ProviderAuthority, st.integers(), st.none() | st.integers()),
    st.integers(),
)
def test_a_person_may_only_with_the_role_and_inside_the_authority(
    roles: frozenset[Role], authority: ProviderAuthority | None, now: int
) -> None:
    allowed = prescribing.refusal(UserSubject("usr_1", "org_1", roles, authority), now) is None

    assert allowed == (
        Role.PRESCRIBER in roles
        and authority is not None
        and authority.effective_from <= now
        and (authority.effective_until is None or now < authority.effective_until)
    )

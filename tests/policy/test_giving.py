"""M-13: who may give and take which role, as a table."""

import datetime
import itertools

import pytest

from rxauth.policy import giving
from rxauth.policy.authority import State
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.permissions import PERMISSIONS
from rxauth.policy.roles import Role, find_role
from rxauth.policy.subjects import MachineSubject, ProviderAuthority, UserSubject

NOW = 1_795_435_200
ADMINISTRATOR, DEVELOPER, PRESCRIBER = Role.ADMINISTRATOR, Role.DEVELOPER, Role.PRESCRIBER
MEDICAL_OPERATIONS, STAFF, SUPPORT = Role.MEDICAL_OPERATIONS, Role.STAFF, Role.SUPPORT
# What each role alone may give and take, were it asked: who may ask at all, manage:user_roles and write:invite say.
GIVES = {
    ADMINISTRATOR: set(Role),
    DEVELOPER: {DEVELOPER},
    PRESCRIBER: {PRESCRIBER},
    MEDICAL_OPERATIONS: {MEDICAL_OPERATIONS, SUPPORT},
    STAFF: {STAFF, SUPPORT},
    SUPPORT: {SUPPORT},
}
APPROVED = ProviderAuthority(
    State.APPROVED, 0, None, (Licence("NY", "1", LicenceStatus.ACTIVE, datetime.date(2099, 1, 1)),)
)


def person(*roles: Role, authority: ProviderAuthority | None = APPROVED) -> UserSubject:
    """Returns somebody with these roles."""
    return UserSubject("usr_giver", "org_somewhere", frozenset(roles), authority)


@pytest.mark.parametrize(("giver", "role"), list(itertools.product(Role, Role)))
def test_a_role_is_given_and_taken_by_who_holds_all_that_it_grants(giver: Role, role: Role) -> None:
    refused = giving.refusal(person(giver), role, NOW)

    assert (refused is None) == (role in GIVES[giver])
    if refused is not None:
        assert refused.code == "role_exceeds"
        assert role in refused.reason


def test_only_an_administrator_gives_what_they_do_not_hold_themselves() -> None:
    for size in range(1, 4):
        for roles in itertools.combinations(Role, size):
            held = {one.name for one in PERMISSIONS if not one.roles.isdisjoint(roles)}
            for role in Role:
                grants = {one.name for one in PERMISSIONS if role in one.roles} - {"write:prescription"}
                allowed = ADMINISTRATOR in roles or grants <= held
                assert (giving.refusal(person(*roles), role, NOW) is None) == allowed


def test_a_role_that_waits_for_authority_gives_nothing_to_give() -> None:
    assert giving.refusal(person(PRESCRIBER, authority=None), PRESCRIBER, NOW) is not None
    assert giving.refusal(person(PRESCRIBER, STAFF, authority=None), SUPPORT, NOW) is None


@pytest.mark.parametrize("role", Role)
def test_a_machine_invites_to_no_role_that_has_power_over_the_organization(role: Role) -> None:
    machine = MachineSubject("client", "org_somewhere", frozenset(one.name for one in PERMISSIONS))

    refused = giving.refusal(machine, role, NOW)

    assert (refused is None) == (role in {PRESCRIBER, MEDICAL_OPERATIONS, SUPPORT})


@pytest.mark.parametrize(
    ("giver", "is_own", "before", "after", "allowed"),
    [
        (STAFF, False, {SUPPORT}, {STAFF}, True),
        (STAFF, False, {SUPPORT}, {SUPPORT, ADMINISTRATOR}, False),
        (STAFF, False, {SUPPORT, ADMINISTRATOR}, {SUPPORT}, False),
        (STAFF, False, {STAFF, ADMINISTRATOR}, {SUPPORT, ADMINISTRATOR}, True),
        (STAFF, False, {PRESCRIBER, SUPPORT}, {SUPPORT}, False),
        (STAFF, True, {STAFF}, {STAFF, ADMINISTRATOR}, False),
        (STAFF, True, {STAFF, PRESCRIBER}, {STAFF}, True),
        (ADMINISTRATOR, True, {ADMINISTRATOR}, {SUPPORT}, True),
        (ADMINISTRATOR, False, {SUPPORT}, set(Role), True),
        (ADMINISTRATOR, False, set(Role), {SUPPORT}, True),
    ],
)
def test_what_changes_is_judged_and_own_roles_may_be_given_up(
    giver: Role, *, is_own: bool, before: set[Role], after: set[Role], allowed: bool
) -> None:
    one = person(*before if is_own else [giver], authority=None)
    member_id = one.user_id if is_own else "usr_member"

    assert (giving.change_refusal(one, member_id, before, after, NOW) is None) == allowed


def test_who_has_a_role_that_one_may_not_take_is_acted_on_by_others() -> None:
    assert giving.first_refusal(person(STAFF), {SUPPORT, STAFF}, NOW) is None
    assert giving.first_refusal(person(STAFF), {SUPPORT, DEVELOPER}, NOW) is not None


@pytest.mark.parametrize("role", Role)
def test_a_role_is_named_by_its_identifier_and_by_its_name(role: Role) -> None:
    assert find_role(role.id) is find_role(role.value) is role
    assert find_role(role.value.upper()) is None

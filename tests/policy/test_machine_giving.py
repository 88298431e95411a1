"""Who may give a machine what: every permission, every role, and a machine."""

import pytest

from rxauth.policy import decide, machine_giving
from rxauth.policy.permissions import BY_NAME, MACHINE_DEFAULT, PERMISSIONS, Machine, Permission
from rxauth.policy.roles import Role
from rxauth.policy.subjects import Caller, MachineSubject, UserSubject

NOW = 1_795_435_200
EVERYTHING = tuple(BY_NAME)


def person(*roles: Role, token: tuple[str, ...] = EVERYTHING) -> Caller:
    """Returns somebody with these roles, and a token with these permissions."""
    return decide.caller(token, UserSubject("usr_1", "org_1", frozenset(roles), None), "client", "jti", NOW)


def refused(giver: Caller, name: str) -> str | None:
    """Returns the code for which something is not given, or None."""
    found = machine_giving.insufficient(giver, BY_NAME[name], NOW)
    return None if found is None else found.refusal.code


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", PERMISSIONS, ids=lambda one: one.name)
def test_each_role_gives_what_machines_begin_with_and_what_it_holds_and_an_administrator_all(
    permission: Permission, role: Role
) -> None:
    giver = person(role)
    if permission.machine is Machine.NEVER:
        assert refused(giver, permission.name) == "machine"
    elif permission.machine is Machine.DEFAULT or role is Role.ADMINISTRATOR or permission.name in giver.permissions:
        assert refused(giver, permission.name) is None
    else:
        assert refused(giver, permission.name) in {"role_missing", "role_pending"}


@pytest.mark.parametrize("permission", PERMISSIONS, ids=lambda one: one.name)
def test_a_machine_gives_nothing_whatever_it_holds(permission: Permission) -> None:
    """Decision 23."""
    subject = MachineSubject("client", "org_1", frozenset(EVERYTHING))
    assert refused(decide.caller(EVERYTHING, subject, "client", "jti", NOW), permission.name) == "machine"


def test_a_token_that_does_not_carry_it_gives_it_no_more_than_its_holder_could_use_it() -> None:
    developer = person(Role.DEVELOPER, token=("write:client",))
    assert refused(developer, "read:webhook_config") == "not_in_token"
    assert refused(developer, MACHINE_DEFAULT[0]) is None


def test_of_several_the_first_refusal_counts_in_the_order_of_the_table() -> None:
    found = machine_giving.first_refused(person(Role.DEVELOPER), frozenset({"read:audit", "write:prescription"}), NOW)
    assert found is not None
    assert found.wanted == ("write:prescription",)
    assert machine_giving.first_refused(person(Role.DEVELOPER), frozenset(), NOW) is None

"""The table of permissions: its names, who may hold each, and what a machine may have."""

import pytest

from rxauth.policy import prescribing
from rxauth.policy.permissions import BY_NAME, MACHINE_DEFAULT, PERMISSIONS, Machine
from rxauth.policy.roles import Role

# What the published clients ask for and read in tokens.
CONTRACT = frozenset(
    {
        "create:order",
        "edit:profile",
        "manage:organization",
        "manage:user_roles",
        "read:client",
        "read:invite",
        "read:order",
        "read:organization",
        "read:patient",
        "read:prescription",
        "read:profile",
        "read:user_roles",
        "read:webhook_config",
        "update:client_keys",
        "update:order",
        "update:patient",
        "update:prescription",
        "write:client",
        "write:invite",
        "write:order",
        "write:patient",
        "write:prescription",
        "write:webhook_config",
        "edit:profile_self",
        "reroute:order",
        "access_override:web_app",
    }
)
OWN = frozenset(
    {
        "propose:provider_authority",
        "approve:provider_authority",
        "suspend:provider_authority",
        "read:audit",
        "read:connection",
        "manage:connection",
    }
)
# The letters of the matrix, in its order.
ROLES = {
    "A": Role.ADMINISTRATOR,
    "D": Role.DEVELOPER,
    "P": Role.PRESCRIBER,
    "M": Role.MEDICAL_OPERATIONS,
    "S": Role.STAFF,
    "U": Role.SUPPORT,
}
# Written out again on purpose: who changes what somebody may do says so twice. The last word is about machines.
MATRIX = {
    "read:patient": "A-PMSU default",
    "write:patient": "A-PM-- default",
    "update:patient": "A-PM-- given",
    "read:prescription": "A-PMSU default",
    "write:prescription": "--P--- never",
    "update:prescription": "--P--- given",
    "read:order": "A-PMSU default",
    "write:order": "--PM-- default",
    "create:order": "--PM-- given",
    "update:order": "--PM-- given",
    "reroute:order": "---MSU given",
    "read:organization": "ADPMSU given",
    "manage:organization": "A---S- never",
    "read:profile": "A-PMS- given",
    "edit:profile": "A---S- never",
    "edit:profile_self": "ADPMSU never",
    "read:user_roles": "A---S- given",
    "manage:user_roles": "A---S- never",
    "read:invite": "A---S- given",
    "write:invite": "A---S- given",
    "read:client": "AD---- given",
    "write:client": "AD---- never",
    "update:client_keys": "AD---- never",
    "read:webhook_config": "AD---- given",
    "write:webhook_config": "AD---- given",
    "read:connection": "A----- given",
    "manage:connection": "A----- never",
    "access_override:web_app": "A----- never",
    "propose:provider_authority": "A---S- never",
    "approve:provider_authority": "A-P--- never",
    "suspend:provider_authority": "A-P-S- given",
    "read:audit": "A----- given",
}
MACHINES = {"default": Machine.DEFAULT, "given": Machine.GRANTABLE, "never": Machine.NEVER}


def test_the_table_has_the_26_names_of_the_clients_and_the_six_of_its_own_and_no_other() -> None:
    assert len(CONTRACT) == 26
    assert {permission.name for permission in PERMISSIONS} == CONTRACT | OWN


def test_no_name_stands_in_the_table_twice() -> None:
    assert len(PERMISSIONS) == len(BY_NAME) == 32


def test_there_are_six_roles_with_the_names_that_clients_show() -> None:
    assert {role.value for role in Role} == {
        "Administrator",
        "Developer",
        "Prescriber",
        "Medical Operations",
        "Staff",
        "Support",
    }


@pytest.mark.parametrize("name", sorted(CONTRACT | OWN))
def test_each_permission_belongs_to_exactly_these_roles_and_machines(name: str) -> None:
    letters, machines = MATRIX[name].split()

    assert BY_NAME[name].roles == {ROLES[letter] for letter in letters if letter != "-"}
    assert BY_NAME[name].machine is MACHINES[machines]


def test_a_machine_starts_with_the_five_documented_permissions_in_their_order() -> None:
    assert " ".join(MACHINE_DEFAULT) == "read:patient write:patient read:prescription read:order write:order"


def test_every_permission_can_be_held_by_somebody_and_says_what_it_is_for() -> None:
    for permission in PERMISSIONS:
        assert permission.roles
        assert permission.meaning
        assert permission.name.isascii()
        assert " " not in permission.name


def test_the_prescribing_rule_is_bound_to_write_prescription() -> None:
    assert BY_NAME["write:prescription"].condition is prescribing.refusal

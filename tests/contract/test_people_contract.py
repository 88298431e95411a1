"""The contract of people beside that of the published clients: all of theirs, as they have it, and more beside."""

import pytest
from graphql import GraphQLInputObjectType, GraphQLObjectType

from rxauth.api import contract
from tests.contract.test_clinical_contract import AGREED, CONTRACT, facts

SERVED = contract.schema()
OFFERED = facts(SERVED)
TYPES = ("Role", "User", "Invite", "InviteInput", "RoleInput", "ProfileInput")
FIELDS = (
    *("Query.me", "Query.roles", "Query.users", "Query.invites"),
    *("Mutation.inviteUser", "Mutation.addRole", "Mutation.removeRole", "Mutation.updateProfile"),
)


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_has_every_field_of_the_contract_as_it_is_there(kind: str) -> None:
    agreed = {where: fact for where, fact in AGREED.items() if where == kind or where.startswith(f"{kind}.")}

    assert {where: OFFERED.get(where) for where in agreed} == agreed
    if isinstance(CONTRACT.type_map[kind], GraphQLInputObjectType):
        assert set(agreed) == {where for where in OFFERED if where == kind or where.startswith(f"{kind}.")}


@pytest.mark.parametrize("field", FIELDS)
def test_a_root_field_is_the_contract_s(field: str) -> None:
    agreed = {where: fact for where, fact in AGREED.items() if where == field or where.startswith(f"{field}(")}

    assert {where: fact for where, fact in OFFERED.items() if where == field or where.startswith(f"{field}(")} == agreed


def test_every_type_of_people_of_the_contract_is_compared() -> None:
    people = {"me", "roles", "users", "invites", "inviteUser", "addRole", "removeRole", "updateProfile"}
    for root in ("Query", "Mutation"):
        kind = CONTRACT.type_map[root]
        assert isinstance(kind, GraphQLObjectType)
        compared = {one.partition(".")[2] for one in FIELDS if one.startswith(root)}
        assert compared == people & kind.fields.keys()

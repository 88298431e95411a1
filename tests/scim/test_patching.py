"""PATCH: what each operation does, and the ways in which Entra ID and Okta write them."""

from typing import Any

import pytest

from rxauth.scim.errors import ScimError
from rxauth.scim.patching import patched
from rxauth.scim.schemas import ENTERPRISE, GROUP, USER

WORK = {"value": "mona@clinic.example", "type": "work", "primary": True}
HOME = {"value": "mona@home.example", "type": "home"}
MONA: dict[str, Any] = {
    "userName": "mona",
    "active": True,
    "title": "Nurse",
    "name": {"givenName": "Mona", "familyName": "Reyes"},
    "emails": [WORK, HOME],
    ENTERPRISE: {"department": "Ward 3"},
}
NURSES: dict[str, Any] = {"displayName": "Nurses", "members": [{"value": "scu_1"}, {"value": "scu_2"}]}


def after(*operations: dict[str, Any], before: dict[str, Any] = MONA) -> dict[str, Any]:
    """Returns a user after some operations, which leave the one before as it was."""
    kept = repr(before)
    kind = GROUP if "displayName" in before else USER
    found = patched(kind, before, {"Operations": list(operations)})
    assert repr(before) == kept
    return found


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        ({"op": "replace", "path": "title", "value": "Doctor"}, {"title": "Doctor"}),
        ({"op": "Replace", "path": "active", "value": "False"}, {"active": False}),  # Entra ID
        ({"op": "replace", "value": {"active": False}}, {"active": False}),  # Okta
        ({"op": "replace", "value": {"id": "scu_9", "schemas": [], "title": "X"}}, {"title": "X"}),
        ({"op": "add", "value": {"name.givenName": "Nora"}}, {"name": {"givenName": "Nora", "familyName": "Reyes"}}),
        ({"op": "add", "path": "name", "value": {"middleName": "J"}}, {"name": MONA["name"] | {"middleName": "J"}}),
        ({"op": "replace", "path": "name.familyName", "value": None}, {"name": {"givenName": "Mona"}}),
        ({"op": "remove", "path": "title"}, {"title": None}),
        ({"op": "remove", "path": "name.familyName"}, {"name": {"givenName": "Mona"}}),
        (
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": "m@clinic.example"},
            {"emails": [WORK | {"value": "m@clinic.example"}, HOME]},
        ),
        (
            {"op": "Add", "path": 'phoneNumbers[type eq "mobile"].value', "value": "+1 555"},  # Entra ID: there is none
            {"phoneNumbers": [{"type": "mobile", "value": "+1 555"}]},
        ),
        ({"op": "remove", "path": 'emails[type eq "home"]'}, {"emails": [WORK]}),
        ({"op": "remove", "path": "emails"}, {"emails": None}),
        (
            {"op": "replace", "path": "emails.value", "value": None},
            {"emails": [{"type": "work", "primary": True}, {"type": "home"}]},
        ),
        (
            {"op": "replace", "path": 'emails[type eq "home"].type', "value": None},
            {"emails": [WORK, {"value": "mona@home.example"}]},
        ),
        ({"op": "add", "path": "emails", "value": [HOME]}, {}),
        (
            {"op": "add", "path": "emails", "value": {"value": "new@clinic.example", "primary": True}},
            {"emails": [WORK | {"primary": False}, HOME, {"value": "new@clinic.example", "primary": True}]},
        ),
        (
            {"op": "replace", "path": 'emails[type eq "home"].primary', "value": "true"},
            {"emails": [WORK | {"primary": False}, HOME | {"primary": True}]},
        ),
        ({"op": "replace", "path": "emails", "value": [HOME]}, {"emails": [HOME]}),
        ({"op": "replace", "path": f"{ENTERPRISE}:department", "value": "4"}, {ENTERPRISE: {"department": "4"}}),
        ({"op": "add", "value": {f"{ENTERPRISE}:department": "4"}}, {ENTERPRISE: {"department": "4"}}),
        (
            {"op": "add", "path": f"{ENTERPRISE}:manager", "value": "26118915"},  # Entra ID: a text
            {ENTERPRISE: {"department": "Ward 3", "manager": {"value": "26118915"}}},
        ),
        (
            {"op": "add", "path": ENTERPRISE, "value": {"division": "D"}},
            {ENTERPRISE: {"department": "Ward 3", "division": "D"}},
        ),
        ({"op": "remove", "path": ENTERPRISE}, {ENTERPRISE: None}),
        ({"op": "replace", "value": {"roles": ["Administrator"], "permissions": ["read:patient"]}}, {}),
    ],
    ids=str,
)
def test_an_operation_on_a_user(operation: dict[str, Any], changed: dict[str, Any]) -> None:
    wanted = {name: value for name, value in (MONA | changed).items() if value is not None}
    assert after(operation) == wanted


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        (
            {"op": "add", "path": "members", "value": [{"value": "scu_2"}, {"value": "scu_3"}]},
            ["scu_1", "scu_2", "scu_3"],
        ),
        ({"op": "remove", "path": 'members[value eq "scu_1"]'}, ["scu_2"]),
        ({"op": "Remove", "path": "members", "value": [{"value": "scu_1", "$ref": None}]}, ["scu_2"]),  # Entra ID
        ({"op": "remove", "path": 'members[value eq "scu_9"]'}, ["scu_1", "scu_2"]),
        ({"op": "remove", "path": "members"}, []),
        ({"op": "replace", "path": "members", "value": [{"value": "scu_9"}, {"value": "scu_9"}]}, ["scu_9"]),
        ({"op": "replace", "value": {"id": "scg_1", "displayName": "Sisters"}}, ["scu_1", "scu_2"]),  # Okta
    ],
    ids=str,
)
def test_an_operation_on_a_group(operation: dict[str, Any], members: list[str]) -> None:
    assert [one["value"] for one in after(operation, before=NURSES).get("members", [])] == members


@pytest.mark.parametrize(
    ("operation", "scim_type"),
    [
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
        ({"op": "add", "path": "groups", "value": [{"value": "scg_1"}]}, "mutability"),
        ({"op": "replace", "path": "meta.created", "value": "2026"}, "mutability"),
        ({"op": "remove", "path": "userName"}, "mutability"),
        ({"op": "replace", "path": "roles", "value": [{"value": "Administrator"}]}, "invalidPath"),
        ({"op": "replace", "path": "permissions", "value": ["read:patient"]}, "invalidPath"),
        ({"op": "replace", "path": "name.nothing", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": "emails[", "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'title[value eq "x"]', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'emails[nothing eq "x"].value', "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 7, "value": "x"}, "invalidPath"),
        ({"op": "replace", "path": 'emails[type eq "other"].value', "value": "x"}, "noTarget"),
        ({"op": "add", "path": 'emails[type ne "work" and value co "z"].value', "value": "x"}, "noTarget"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": "active", "value": "perhaps"}, "invalidValue"),
        ({"op": "replace", "path": "title", "value": {"a": 1}}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": " "}, "invalidValue"),
        ({"op": "replace", "path": "userName", "value": None}, "invalidValue"),
        ({"op": "add", "path": "title"}, "invalidValue"),
        ({"op": "replace", "path": "title"}, "invalidValue"),
        ({"op": "replace", "value": "x"}, "invalidValue"),
        ({"op": "replace", "path": "emails", "value": [WORK, HOME | {"primary": True}]}, "invalidValue"),
        ({"op": "replace", "path": "emails.primary", "value": True}, "invalidValue"),
        ({"op": "replace", "path": "title", "value": "x" * 2_001}, "invalidValue"),
        ({"op": "move", "path": "title", "value": "x"}, "invalidSyntax"),
    ],
    ids=lambda one: str(one)[:80],
)
def test_an_operation_that_is_refused_changes_nothing(operation: dict[str, Any], scim_type: str) -> None:
    with pytest.raises(ScimError) as refused:
        after({"op": "replace", "path": "title", "value": "first"}, operation)
    assert refused.value.scim_type == scim_type


def test_the_value_of_a_member_does_not_change() -> None:
    with pytest.raises(ScimError) as refused:
        after({"op": "replace", "path": 'members[value eq "scu_1"].value', "value": "scu_9"}, before=NURSES)
    assert refused.value.scim_type == "mutability"


@pytest.mark.parametrize("sent", [None, [], {}, {"Operations": []}, {"Operations": {}}, {"Operations": ["x"]}, "x"])
def test_what_is_no_patch_is_refused(sent: Any) -> None:
    with pytest.raises(ScimError) as refused:
        patched(USER, MONA, sent)
    assert refused.value.scim_type == "invalidSyntax"

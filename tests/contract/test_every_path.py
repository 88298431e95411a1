"""Every path of the schema to what a permission guards, walked with a token that lacks just that permission."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)

from rxauth.api.schema import required_permissions
from rxauth.policy.permissions import MACHINE_DEFAULT
from tests.api.answers import Clinics
from tests.api.measures import SCHEMA
from tests.live import Live
from tests.prescribing import Practice
from tests.world import Template

# What guards each type, stated here again: the schema's own file must agree with it.
READS = {
    "Patient": {"read:patient"},
    "Prescription": {"read:prescription"},
    "Order": {"read:order"},
    "Fill": {"read:order", "read:prescription"},
}
PERMISSIONS = ("read:patient", "read:prescription", "read:order", "write:patient")
MAYA = 'patient(id: "sample-001")'
FORMS = ("plain", "aliased", "inline fragments", "named fragments")


@dataclass(frozen=True)
class Step:
    """One field of a path. on: the type it is asked of, returns: the type that comes back."""

    on: str
    name: str
    returns: str


@dataclass(frozen=True)
class Path:
    """Fields from a root to what is guarded; the last one is the first that the token may not read."""

    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return ".".join(step.name for step in self.steps)


def possible(name: str) -> list[GraphQLObjectType]:
    """Returns the object types that a type can be."""
    kind = SCHEMA.type_map[name]
    if isinstance(kind, (GraphQLInterfaceType, GraphQLUnionType)):
        return list(SCHEMA.get_possible_types(kind))
    return [kind] if isinstance(kind, GraphQLObjectType) else []


def opens(field: GraphQLField, held: frozenset[str]) -> bool:
    """Tells whether a token that holds some permissions may read a field."""
    permissions = required_permissions(field)
    return permissions is None or not held.isdisjoint(permissions)


def paths(held: frozenset[str]) -> Iterator[Path]:
    """Lists every path to a field that the token may not read, through fields that it may; no type comes twice."""
    for root in ("Query", "Mutation"):
        yield from onward(root, (), frozenset({root}), held)


def onward(name: str, steps: tuple[Step, ...], seen: frozenset[str], held: frozenset[str]) -> Iterator[Path]:
    """Continues a path from a type."""
    for kind in possible(name):
        for field_name, field in kind.fields.items():
            returned = get_named_type(field.type).name
            there = (*steps, Step(kind.name, field_name, returned))
            if not opens(field, frozenset(MACHINE_DEFAULT)):
                continue  # no token of this walk gets anywhere there
            if not opens(field, held):
                yield Path(there)
            elif returned not in seen:
                yield from onward(returned, there, seen | {returned}, held)


def lacking(permission: str) -> frozenset[str]:
    """Returns a machine's permissions without one."""
    return frozenset(MACHINE_DEFAULT) - {permission}


WALKS = [(permission, path) for permission in PERMISSIONS for path in paths(lacking(permission))]
# A patient who was made a moment ago has no orders and prescriptions to go on from.
ORDERING = ("createOrder", "updateOrder", "cancelOrder", "routeOrder", "rerouteOrder")
ENDS = {"createPatient": {"orders", "prescriptions", "prescription"}}


@pytest.fixture(scope="module")
def served(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinics]:
    """A server that answers the whole walk."""
    clinics = Clinics(templates, tmp_path_factory)
    yield clinics
    clinics.stop()


@pytest.fixture(scope="module")
def live(served: Clinics) -> Live:
    """That server."""
    return served.serve("sqlite")


@pytest.fixture(scope="module")
def practice(live: Live) -> Practice:
    """Somebody there who prescribes."""
    return Practice(live)


@pytest.fixture(scope="module")
def tokens(live: Live) -> dict[str, str]:
    """A token that lacks one permission, for each of them, and a whole one."""
    narrow = {one: live.token(live.world.alder, scope=" ".join(lacking(one))) for one in PERMISSIONS}
    return narrow | {"nothing": live.token(live.world.alder)}


@pytest.fixture(scope="module")
def arguments(live: Live, tokens: dict[str, str]) -> dict[str, str]:
    """What each root field is asked: records that have a child of every kind."""
    document = f"""{{ {MAYA} {{
      id
      orders(first: 1) {{ id fills {{ id }} }}
      allergies {{ allergen {{ id }} }}
      preferredPharmacies {{ id }}
      medicationHistory {{ medication {{ id }} prescription {{ id fills {{ id }} }} }}
    }} }}"""
    maya = live.data(tokens["nothing"], document)["patient"]
    equipment = live.data(tokens["nothing"], "{ medicalEquipment { id } }")["medicalEquipment"][0]
    pharmacies = live.data(tokens["nothing"], "{ pharmacies { id } }")["pharmacies"]
    elsewhere = next(one["id"] for one in pharmacies if one["id"] != maya["preferredPharmacies"][0]["id"])
    taken = next(one for one in maya["medicationHistory"] if one["prescription"] and one["prescription"]["fills"])
    (order,) = maya["orders"]
    medication = f'{{active: true, medicationId: "{taken["medication"]["id"]}"}}'
    return {
        "patient": '(id: "sample-001")',
        "patients": '(filter: {name: "maya"})',
        "order": f'(id: "{order["id"]}")',
        "orders": f'(filter: {{patientId: "{maya["id"]}"}})',
        "fill": f'(id: "{order["fills"][0]["id"]}")',
        "prescription": f'(id: "{taken["prescription"]["id"]}")',
        "prescriptions": f'(filter: {{patientId: "{maya["id"]}"}})',
        "prescriptionScreen": f'(patientId: "{maya["id"]}", draftedPrescriptions: [])',
        "pharmacy": f'(id: "{maya["preferredPharmacies"][0]["id"]}")',
        # Each walk has an order of its own, with a prescription of its own.
        "createOrder": f'(patientId: "{maya["id"]}", fills: [{{prescriptionId: "ID"}}])',
        "updateOrder": f'(id: "ID", fills: [{{treatmentId: "{equipment["id"]}"}}])',
        "cancelOrder": '(id: "ID")',
        "routeOrder": f'(id: "ID", pharmacyId: "{maya["preferredPharmacies"][0]["id"]}")',
        "rerouteOrder": f'(id: "ID", pharmacyId: "{elsewhere}")',
        "createPatient": (
            '(name: {first: "A", last: "B"}, dateOfBirth: "1990-01-01", sex: MALE, phone: "+12025550170",'
            f" medicationHistory: [{medication}])"
        ),
        "updatePatient": f'(id: "{maya["id"]}")',
        "removePatientAllergy": f'(id: "{maya["id"]}", allergenId: "{maya["allergies"][0]["allergen"]["id"]}")',
        "removePatientPreferredPharmacy": (
            f'(patientId: "{maya["id"]}", pharmacyId: "{maya["preferredPharmacies"][0]["id"]}")'
        ),
    }


def leaf(name: str) -> str:
    """Returns what to ask of the type at the end of a path."""
    return "{ __typename }" if possible(name) else ""


def document(path: Path, arguments: dict[str, str], form: str) -> str:
    """Writes the document that walks a path."""
    text = leaf(path.steps[-1].returns)
    fragments = []
    for depth in reversed(range(len(path.steps))):
        step = path.steps[depth]
        name = f"a{depth}: {step.name}" if form == "aliased" else step.name
        text = f"{{ {name}{arguments.get(step.name, '') if depth == 0 else ''} {text} }}"
        if form == "named fragments":
            fragments.append(f"fragment F{depth} on {step.on} {text}")
            text = f"{{ ...F{depth} }}"
        elif form == "inline fragments" or (depth and path.steps[depth - 1].returns != step.on):
            text = f"{{ ... on {step.on} {text} }}"
    kind = "query" if path.steps[0].on == "Query" else "mutation"
    return " ".join([f"{kind} {text}", *fragments])


def values(data: Any, path: list[str]) -> Iterator[Any]:
    """Lists what stands at a path of an answer, in every element of every list; null above it is null at it."""
    if data is None or not path:
        yield data
    elif isinstance(data, list):
        for one in data:
            yield from values(one, path)
    elif path[0] in data:
        yield from values(data[path[0]], path[1:])


def keys(path: Path, form: str) -> list[str]:
    """Returns the response names along a path."""
    return [f"a{depth}" if form == "aliased" else step.name for depth, step in enumerate(path.steps)]


def test_the_walk_reaches_every_guarded_field() -> None:
    guarded = {
        f"{kind.name}.{name}"
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType)
        for name, field in kind.fields.items()
        if (required_permissions(field) or ("",))[0] in {*PERMISSIONS} - {"write:patient"}
    }
    reached = {f"{path.steps[-1].on}.{path.steps[-1].name}" for _, path in WALKS}

    # Who reads a prescription reads its fills: there is no way to it that asks for less than they do.
    assert guarded - reached == {"Prescription.fills"}
    assert len(WALKS) > 50


@pytest.mark.parametrize("name", READS)
def test_a_field_that_returns_a_guarded_type_asks_for_the_permission_to_read_it(name: str) -> None:
    for kind in SCHEMA.type_map.values():
        if not isinstance(kind, GraphQLObjectType) or kind.name == "Mutation":
            continue
        for field in kind.fields.values():
            if get_named_type(field.type).name == name:
                assert set(required_permissions(field) or ()) <= READS[name]
                assert required_permissions(field)


@pytest.mark.parametrize(("permission", "path"), WALKS, ids=[f"{one}-{path}" for one, path in WALKS])
def test_a_token_that_lacks_the_permission_gets_nothing_at_the_end_of_the_path(
    practice: Practice, tokens: dict[str, str], arguments: dict[str, str], permission: str, path: Path
) -> None:
    ends_before = {step.name for step in path.steps[1:-1]} & ENDS.get(path.steps[0].name, set())
    for form in FORMS:
        asked = ready(practice, arguments, path.steps[0].name)
        answer = practice.live.graphql(tokens[permission], document(path, asked, form)).json()
        refused = answer.get("errors", [])
        assert refused or ends_before
        for error in refused:
            reason = "not_in_token"
            assert error["extensions"] == {"code": "FORBIDDEN", "requiredPermission": permission, "reason": reason}
            assert [key for key in error["path"] if isinstance(key, str)] == keys(path, form)
        assert all(value is None for value in values(answer["data"], keys(path, form)))


@pytest.mark.parametrize("path", dict.fromkeys(path for _, path in WALKS), ids=str)
def test_a_token_that_has_the_permission_walks_the_same_path(
    practice: Practice, tokens: dict[str, str], arguments: dict[str, str], path: Path
) -> None:
    for form in FORMS:
        asked = ready(practice, arguments, path.steps[0].name)
        data = practice.live.data(tokens["nothing"], document(path, asked, form))
        if path.steps[0].name != "createPatient":
            assert any(value is not None for value in values(data, keys(path, form)))


def test_a_permission_to_write_a_patient_shows_the_patient_that_was_written_and_nothing_else(
    live: Live, practice: Practice, arguments: dict[str, str]
) -> None:
    ready(practice, arguments, "removePatientAllergy")
    token = live.token(live.world.alder, scope="write:patient")
    document = f"""mutation {{ updatePatient{arguments["updatePatient"]} {{
      name {{ full }} phone allergies {{ comment }} preferredPharmacies {{ name }}
      medicationHistory {{ medication {{ name }} prescription {{ id }} }}
      orders {{ id }} prescriptions {{ id }}
    }} }}"""

    answer = live.graphql(token, document).json()

    shown = answer["data"]["updatePatient"]
    assert shown["name"] == {"full": "Maya Okonkwo-Reyes"}
    assert all([shown["phone"], shown["allergies"], shown["preferredPharmacies"], shown["medicationHistory"]])
    assert (shown["orders"], shown["prescriptions"]) == (None, None)
    assert {one["prescription"] for one in shown["medicationHistory"]} == {None}
    assert {one["extensions"]["code"] for one in answer["errors"]} == {"FORBIDDEN"}
    assert {one["extensions"]["requiredPermission"] for one in answer["errors"]} == {"read:order", "read:prescription"}
    for root in ("patient", "patients"):
        refused = live.graphql(token, f"{{ {root}{arguments[root]} {{ id }} }}").json()
        assert refused["errors"][0]["extensions"]["requiredPermission"] == "read:patient"


def ready(practice: Practice, arguments: dict[str, str], root: str) -> dict[str, str]:
    """Returns what a root field is asked, so that it can be done: some take away what they need, or use it up."""
    live, token = practice.live, practice.live.token(practice.live.world.alder)
    if root in ORDERING:
        prescription_id = practice.written(patientId=arguments["updatePatient"][6:-2])["id"]
        create = arguments["createOrder"].replace("ID", prescription_id)
        if root == "createOrder":
            return {root: create}
        if root == "rerouteOrder":  # it was on its way to another pharmacy
            create = create.removesuffix(")") + f", {arguments['routeOrder'].partition(', ')[2]}"
        made = live.data(token, f"mutation {{ createOrder{create} {{ id }} }}")["createOrder"]["id"]
        return {root: arguments[root].replace("ID", made)}
    if root.startswith("remove"):
        update = arguments["updatePatient"].removesuffix(")")
        allergen_id = arguments["removePatientAllergy"].rpartition(": ")[2].removesuffix(")")
        pharmacy_id = arguments["removePatientPreferredPharmacy"].rpartition(": ")[2].removesuffix(")")
        for added in (f"allergies: [{{allergenId: {allergen_id}}}]", f"preferredPharmacies: [{pharmacy_id}]"):
            live.graphql(token, f"mutation {{ updatePatient{update}, {added}) {{ id }} }}")
    return arguments

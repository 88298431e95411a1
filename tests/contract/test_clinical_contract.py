"""The Clinical API against the contract of the published clients: less may be served, nothing differently."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    build_schema,
    is_specified_scalar_type,
)

from rxauth.api.schema import read_contract

CONTRACT = build_schema((Path(__file__).parent / "photon_contract.graphql").read_text())
SERVED = build_schema(read_contract("clinical.graphql"))


def types(schema: GraphQLSchema) -> Iterator[GraphQLNamedType]:
    """Lists the types that a schema defines itself."""
    for name, kind in schema.type_map.items():
        if not name.startswith("__") and not is_specified_scalar_type(kind):
            yield kind


def facts(schema: GraphQLSchema) -> dict[str, str]:
    """Returns what a client can rely on: each type's kind, and each field's and argument's type, by where it stands."""
    found: dict[str, str] = {}
    for kind in types(schema):
        found[kind.name] = type(kind).__name__
        if isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
            found[f"{kind.name} implements"] = " ".join(sorted(one.name for one in kind.interfaces))
            for name, field in kind.fields.items():
                found[f"{kind.name}.{name}"] = str(field.type)
                for argument_name, argument in field.args.items():
                    found[f"{kind.name}.{name}({argument_name}:)"] = f"{argument.type} = {argument.default_value!r}"
        elif isinstance(kind, GraphQLInputObjectType):
            for name, member in kind.fields.items():
                found[f"{kind.name}.{name}"] = f"{member.type} = {member.default_value!r}"
        elif isinstance(kind, GraphQLEnumType):
            found[f"{kind.name} values"] = " ".join(kind.values)
        elif isinstance(kind, GraphQLUnionType):
            found[f"{kind.name} members"] = " ".join(sorted(one.name for one in kind.types))
    return found


AGREED, OFFERED = facts(CONTRACT), facts(SERVED)


@pytest.mark.parametrize("where", OFFERED)
def test_what_is_served_is_as_the_contract_has_it(where: str) -> None:
    assert where in AGREED
    assert OFFERED[where] == AGREED[where]


@pytest.mark.parametrize("where", [one for one in AGREED if "(" in one and one.partition("(")[0] in OFFERED])
def test_a_field_that_is_served_takes_every_argument_of_the_contract(where: str) -> None:
    assert where in OFFERED


@pytest.mark.parametrize("kind", [one.name for one in types(SERVED) if isinstance(one, GraphQLInputObjectType)])
def test_an_input_that_is_served_takes_every_member_of_the_contract(kind: str) -> None:
    wanted = {where for where in AGREED if where.startswith(f"{kind}.")}

    assert wanted
    assert wanted <= OFFERED.keys()


def test_the_patients_and_what_is_read_beside_them_are_served_whole() -> None:
    roots = (
        "allergens dispenseUnits fill medicalEquipment medications order orders patient patients pharmacy pharmacies"
    )
    roots += " prescription prescriptions catalog catalogs"
    mutations = "createPatient updatePatient removePatientAllergy removePatientPreferredPharmacy addToCatalog"
    mutations += " removeFromCatalog createPrescriptionTemplate updatePrescriptionTemplate deletePrescriptionTemplate"
    mutations += " createOrder updateOrder cancelOrder routeOrder"

    assert {f"Query.{name}" for name in roots.split()} <= OFFERED.keys()
    assert {f"Mutation.{name}" for name in mutations.split()} <= OFFERED.keys()
    for kind in (
        "Patient",
        "Address",
        "Name",
        "Pharmacy",
        "Medication",
        "Allergen",
        "PatientAllergy",
        "PatientMedication",
        "Catalog",
        "PrescriptionTemplate",
        "Order",
        "OrderFulfillment",
        "OrderException",
        "Fill",
        "FillInput",
    ):
        assert {where for where in AGREED if where.startswith(f"{kind}.")} <= OFFERED.keys()

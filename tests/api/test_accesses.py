"""What the access log has of a document: names of root fields, and whether it can show what is about a patient."""

import pytest
from graphql import GraphQLObjectType, build_schema, get_named_type, parse

from rxauth.api import contract
from rxauth.api.accesses import RECORDED, SECRETS, Operation, operations, touched
from rxauth.api.schema import ROOTS, read_contract
from tests.api.measures import SCHEMA

READ = {
    "{ patient(id: 1) { id } }": ("patient",),
    "{ a: patient(id: 1) { id } b: patient(id: 2) { id } orders { id } }": ("patient", "orders"),
    "{ ...A } fragment A on Query { ...B catalogs { id } } fragment B on Query { fill(id: 1) { id } }": (
        "fill",
        "catalogs",
    ),
    "{ ... on Query { ... { prescriptions { id } } } }": ("prescriptions",),
    "{ ...A ...A orders { id } } fragment A on Query { orders { id } }": ("orders",),
    'mutation { removePatientAllergy(id: 1, allergenId: "Mr Secret") { id } }': ("removePatientAllergy",),
}
NOT_READ = {
    "{ catalogs { id treatments { id } } }": ("catalogs",),
    "{ __typename __schema { types { name } } }": ("__typename", "__schema"),
    '{ pharmacies(name: "Mr Secret") { id name } }': ("pharmacies",),
}


def the_operation(document: str) -> Operation:
    """Returns the only operation of a document."""
    return operations(SCHEMA, parse(document))[None]


@pytest.mark.parametrize(("document", "fields"), [*READ.items(), *NOT_READ.items()])
def test_an_operation_is_known_by_its_root_fields_and_by_what_it_can_show(
    document: str, fields: tuple[str, ...]
) -> None:
    found = the_operation(document)

    assert (found.name, found.fields, found.is_recorded) == (None, fields, document in READ)
    assert "Secret" not in repr(found)


def test_each_operation_of_a_document_is_looked_at_by_itself() -> None:
    found = operations(
        SCHEMA, parse("query One { catalogs { id } } query Two { ...A } fragment A on Query { orders { id } }")
    )

    assert {name: (one.fields, one.is_recorded) for name, one in found.items()} == {
        "One": (("catalogs",), False),
        "Two": (("orders",), True),
    }


def test_every_type_of_the_clinical_contracts_that_a_permission_guards_is_recorded() -> None:
    schema = build_schema("\n".join(map(read_contract, ("clinical.graphql", "screening.graphql"))))
    guarded = {
        name
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType)
        and kind.ast_node is not None
        and any(one.name.value == "guarded" for one in kind.ast_node.directives or ())
    }

    assert guarded == RECORDED - {"AccessRecord"}


def test_every_field_that_shows_a_secret_is_known() -> None:
    shown = {
        (name, field)
        for name, kind in contract.schema().type_map.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__") and name not in ROOTS
        for field, declared in kind.fields.items()
        if "secret" in field.lower() and get_named_type(declared.type).name == "String"
    }

    assert shown == SECRETS


def test_whoever_met_a_patient_is_recorded_whatever_the_document_asked_for() -> None:
    operation = the_operation("{ catalogs { id } }")

    assert touched(operation, (), {"catalogs": []}, ()) is None
    found = touched(operation, ["pat_1"], {"catalogs": []}, ())
    assert found is not None
    assert found.patient_ids == {"pat_1"}
    assert "pat_1" not in repr(found)


@pytest.mark.parametrize(
    ("data", "codes", "outcome"),
    [
        ({"patient": None}, (), "success"),
        ({"patient": None, "orders": []}, ("NOT_FOUND", "FORBIDDEN"), "partial"),
        ({"patient": None}, ("FORBIDDEN",), "failure"),
        (None, ("UNAVAILABLE",), "failure"),
    ],
)
def test_an_outcome_is_told_in_one_word_and_the_codes(
    data: dict[str, object] | None, codes: tuple[str, ...], outcome: str
) -> None:
    found = touched(the_operation("{ patient(id: 1) { id } }"), (), data, codes)

    assert found is not None
    assert (found.outcome, found.codes) == (outcome, tuple(sorted(codes)))

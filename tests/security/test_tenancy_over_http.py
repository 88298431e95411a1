"""Every object of another organization, asked for in every place that takes an identifier, looks like an absent one."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLObjectType

from rxauth.domain.webhooks import Keeper
from tests.api.answers import WHOLE_PATIENT, Clinics
from tests.api.arguments import Place, document, given, members, root_field, root_fields
from tests.api.documents import CREATE_PATIENT, CREATE_TEMPLATE, ada
from tests.api.management.connections import add as add_connection
from tests.api.measures import SCHEMA
from tests.conftest import ENGINES
from tests.live import Live
from tests.token_holders import Holders
from tests.world import Template

# Free text that an organization chooses for its own records: it names nothing of anybody else's.
NOT_A_REFERENCE = "externalId"
NEW = {"name": {"first": "A", "last": "B"}, "dateOfBirth": "1990-01-01", "sex": "MALE", "phone": "+12025550170"}
DUMP = f"""{{
  patients(first: 100) {{ {WHOLE_PATIENT} }}
  orders(first: 100) {{ id state patient {{ id }} fills {{ id state }} pharmacy {{ id }} }}
  prescriptions(first: 100) {{ id state patient {{ id }} prescriber {{ id }} }}
  catalogs {{ id treatments {{ id }} templates {{ id name treatment {{ id }} }} }}
}}"""
EVERYTHING = """{
  patients(first: 25) {
    id address { id }
    prescriptions(first: 25) { id prescriber { id } patient { id } fills { id order { id patient { id } } } }
    orders(first: 25) { id patient { id } fills { id prescription { id patient { id } } } }
    medicationHistory { prescription { id patient { id } } }
  }
  catalogs { id templates { id } }
}"""
CREATE_APP = """mutation {
  createApp(input: {name: "Birch App", appType: spa, redirectUrls: ["https://birch.example"]}) { id }
}"""
ADD_DOMAIN = 'mutation { addDomain(name: "birch.example") { id } }'
ADD_WEBHOOK = 'mutation { addWebhook(url: "https://birch.example/hook") { id } }'
TEST_WEBHOOK = "mutation($id: ID!) { sendTestWebhook(id: $id) { id } }"
MADE = re.compile(r"_[0-9A-Z]{26}")
SHARED = ("phr_", "alg_", "med_", "dme_")


def places(field: GraphQLField) -> Iterator[tuple[str, ...]]:
    """Lists the paths to identifiers in the arguments of a field."""
    for name, argument in field.args.items():
        yield from (path for path in members(name, argument.type, {"ID"}) if path[-1] != NOT_A_REFERENCE)


# Asking is itself recorded, a moment later, so that no two answers are the same; its pages have tests of their own.
NEVER_THE_SAME = "accessLog"
PLACES = [
    Place(root, name, path) for root, name, field in root_fields() for path in places(field) if name != NEVER_THE_SAME
]
BY_ONE_NAME = ("app", "webhook", "connection", "domain", "order", "fill", "prescription", "catalog")
# Who saw a patient is known a moment later, and for some of them nobody did; an act is read once it has its number; a
# trial of a connection is of whoever tried it, not of all who may.
NOT_OWNED = {"pharmacy", "patientAccess", "treatment", "auditEntry", "auditActor", "connectionTrial"}
OWNED = [place for place in PLACES if place.path in {("id",), ("patientId",)} and place.field not in NOT_OWNED]


@dataclass(frozen=True)
class Scene:
    """Two organizations on one server, and something of each kind that the second one owns."""

    live: Live
    ours: str
    theirs: str
    base: dict[str, dict[str, Any]]
    foreign: dict[str, str]


def scene(live: Live) -> Scene:
    """Reads what the matrix is made of, with tokens of people who may do whatever anybody may."""
    live.edge.api.keeper = Keeper(live.server.sealing_key)
    ours, theirs = (Holders(live, one.organization_id).mighty() for one in (live.world.alder, live.world.birch))
    external_id = "birch-patient-7"
    live.data(theirs, CREATE_PATIENT, ada(externalId=external_id))
    order = """{ orders(first: 1, filter: {state: COMPLETED}) {
      id fills { id prescription { id prescriber { id } } } patient { id address { id } }
    } }"""
    owned = live.data(theirs, order)["orders"][0]
    treatment_id = live.data(ours, "{ medications { id } }")["medications"][0]["id"]
    our_place, their_place = (
        {"catalogId": live.data(token, "{ catalog { id } }")["catalog"]["id"], "treatmentId": treatment_id}
        for token in (ours, theirs)
    )
    our_template, their_template = (
        live.data(token, CREATE_TEMPLATE, place)["createPrescriptionTemplate"]["id"]
        for token, place in ((ours, our_place), (theirs, their_place))
    )
    our_templates_place = {"catalogId": our_place["catalogId"], "templateId": our_template}
    foreign = {
        "order": owned["id"],
        "fill": owned["fills"][0]["id"],
        "prescription": owned["fills"][0]["prescription"]["id"],
        "prescriber": owned["fills"][0]["prescription"]["prescriber"]["id"],
        "patient": owned["patient"]["id"],
        "address": owned["patient"]["address"]["id"],
        "external identifier": external_id,
        "organization": live.world.birch.organization_id,
        "client": live.world.birch.client_id,
        "secret": live.world.birch.secret_id,
        "app": live.data(theirs, CREATE_APP)["createApp"]["id"],
        "webhook": (webhook := live.data(theirs, ADD_WEBHOOK)["addWebhook"]["id"]),
        "delivery": live.data(theirs, TEST_WEBHOOK, {"id": webhook})["sendTestWebhook"]["id"],
        "connection": add_connection(live, theirs)["id"],
        "domain": live.data(theirs, ADD_DOMAIN)["addDomain"]["id"],
        "catalog": their_place["catalogId"],
        "template": their_template,
    }
    maya = live.data(ours, f'{{ patient(id: "sample-001") {{ {WHOLE_PATIENT} }} }}')["patient"]
    allergen_id = live.data(ours, "{ allergens { id } }")["allergens"][-1]["id"]
    equipment = live.data(ours, "{ medicalEquipment { id } }")["medicalEquipment"][0]["id"]
    new_order = {"patientId": maya["id"], "fills": [{"treatmentId": equipment}]}
    make = """mutation($patientId: ID!, $fills: [FillInput!]!) {
      createOrder(patientId: $patientId, fills: $fills) { id }
    }"""
    our_order = live.data(ours, make, new_order)["createOrder"]["id"]
    address = {"street1": "1", "city": "A", "state": "NY", "postalCode": "1", "country": "US"}
    base: dict[str, dict[str, Any]] = {
        "createPatient": NEW,
        "updatePatient": {"id": maya["id"], "gender": "Other"},
        "removePatientAllergy": {"id": maya["id"], "allergenId": allergen_id},
        "removePatientPreferredPharmacy": {
            "patientId": maya["id"],
            "pharmacyId": live.data(ours, "{ pharmacies { id } }")["pharmacies"][-1]["id"],
        },
        **dict.fromkeys(("addToCatalog", "removeFromCatalog", "createPrescriptionTemplate"), our_place),
        **dict.fromkeys(("updatePrescriptionTemplate", "deletePrescriptionTemplate"), our_templates_place),
        "createOrder": new_order,
        "updateOrder": {"id": our_order, "fills": new_order["fills"]},
        "cancelOrder": {"id": our_order},
        "routeOrder": {"id": our_order, "pharmacyId": maya["preferredPharmacies"][0]["id"]},
        "prescriptionScreen": {"patientId": maya["id"], "draftedPrescriptions": []},
        "draftedPrescriptions": {"treatment": {"id": treatment_id}},
        "address": address,
        "allergies": {},
        "medicationHistory": {"active": True},
    }
    return Scene(live, ours, theirs, base, foreign)


@pytest.fixture(scope="module")
def scenes(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Scene]]:
    """The scene on each engine."""
    clinics = Clinics(templates, tmp_path_factory)
    yield {engine: scene(clinics.serve(engine)) for engine in ENGINES}
    clinics.stop()


@pytest.fixture
def stage(scenes: dict[str, Scene], engine: str) -> Scene:
    """The scene on one engine."""
    return scenes[engine]


def absent(identifier: str) -> str:
    """Returns an identifier beside another one, in the same place of every order, that nothing has."""
    return identifier[:-1] + ("X" if identifier[-1] != "X" else "Y")


def variables(stage: Scene, place: Place, identifier: str) -> dict[str, Any]:
    """Returns variables that are good but for an identifier in one place."""
    made = given(root_field(place).args, place, identifier)
    inside = made[place.path[0]]
    for one in inside if isinstance(inside, list) else [inside]:
        if isinstance(one, dict):
            one.update(stage.base.get(place.path[0], {}) | {place.path[1]: one[place.path[1]]})
    return made | stage.base.get(place.field, {}) | {place.path[0]: inside}


def test_the_matrix_has_a_row_for_every_kind_of_reference() -> None:
    assert {place.field for place in PLACES} >= {
        "patient",
        "order",
        "fill",
        "prescription",
        "orders",
        "prescriptions",
        "updatePatient",
        "removePatientAllergy",
        "removePatientPreferredPharmacy",
        "createPatient",
        "catalog",
        "addToCatalog",
        "updatePrescriptionTemplate",
        "deletePrescriptionTemplate",
        "createOrder",
        "updateOrder",
        "cancelOrder",
        "routeOrder",
        "prescriptionScreen",
    }
    assert len(PLACES) > 25


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_an_object_of_another_organization_is_answered_as_an_absent_one(stage: Scene, place: Place) -> None:
    before = stage.live.data(stage.theirs, DUMP)

    for identifier in stage.foreign.values():
        answers = []
        for asked in (identifier, absent(identifier)):
            sent = variables(stage, place, asked)
            answer = stage.live.graphql(stage.ours, document(place, sent), sent)
            assert asked not in answer.text
            assert "GRAPHQL_VALIDATION_FAILED" not in answer.text, answer.text
            # Only what was made just now has an identifier of its own.
            text = MADE.sub("", answer.text) if place.field.startswith("create") else answer.text
            answers.append((answer.status_code, text))
        assert answers[0] == answers[1]

    assert stage.live.data(stage.theirs, DUMP) == before


@pytest.mark.parametrize("place", OWNED, ids=str)
def test_its_owner_is_answered_otherwise(stage: Scene, place: Place) -> None:
    """Without this the matrix could hold because nothing is ever found."""
    by_field = {one: one for one in BY_ONE_NAME}
    by_field |= {"webhookDelivery": "delivery", "prescriptionTemplate": "template", "machineSecret": "secret"}
    identifier = stage.foreign[by_field.get(place.field, "patient")]
    asked = variables(stage, place, identifier)

    if place.field == "prescriptionScreen":
        assert stage.live.data(stage.theirs, document(place, asked), asked)
    elif place.root == "Query":
        found = stage.live.data(stage.theirs, document(place, asked), asked)
        assert found[place.field]["id"] == identifier
    else:
        errors = stage.live.graphql(stage.theirs, document(place, asked), asked).json().get("errors", [])
        assert "there is no such patient" not in json.dumps(errors)


@pytest.mark.parametrize("kind", ["patient", "prescriber", "order", "prescription"])
@pytest.mark.parametrize(
    "nested",
    ["prescriptions(filter: {prescriberId: $id})", "prescriptions(after: $id)", "orders(after: $id)"],
)
def test_a_nested_reference_is_answered_as_an_absent_one(stage: Scene, nested: str, kind: str) -> None:
    query = f'query($id: ID) {{ patient(id: "sample-002") {{ {nested} {{ id }} }} }}'
    identifier = stage.foreign[kind]

    shown = stage.live.data(stage.ours, query, {"id": identifier})

    assert shown == stage.live.data(stage.ours, query, {"id": absent(identifier)})
    assert identifier not in json.dumps(shown)


def test_those_are_all_the_nested_references() -> None:
    nested = {
        f"{kind.name}.{name}({'.'.join(path)})"
        for kind in SCHEMA.type_map.values()
        if isinstance(kind, GraphQLObjectType) and kind.name not in {"Query", "Mutation"} and kind.name[:2] != "__"
        for name, field in kind.fields.items()
        for path in places(field)
    }

    assert nested == {
        "Patient.prescriptions(after)",
        "Patient.prescriptions(filter.prescriberId)",
        "Patient.orders(after)",
        "MachineClient.secrets(after)",
    }


def found_identifiers(data: Any) -> Iterator[str]:
    """Lists every identifier in an answer, but for those of reference data."""
    if isinstance(data, dict):
        for name, value in data.items():
            if name == "id" and value is not None and not value.startswith(SHARED):
                yield value
            else:
                yield from found_identifiers(value)
    elif isinstance(data, list):
        for one in data:
            yield from found_identifiers(one)


def test_nothing_of_another_organization_is_reached_from_what_one_owns(stage: Scene) -> None:
    ours, theirs = (set(found_identifiers(stage.live.data(token, EVERYTHING))) for token in (stage.ours, stage.theirs))

    assert len(ours) > 50
    assert len(theirs) > 50
    assert ours.isdisjoint(theirs)


def test_the_patients_of_another_organization_are_not_found_by_name(stage: Scene) -> None:
    last = "Onlyinbirch"
    stage.live.data(stage.theirs, CREATE_PATIENT, ada(name={"first": "Ada", "last": last}))

    for query in (
        "query($name: String) { patients(filter: {name: $name}) { id } }",
        "query($name: String) { orders(filter: {patientName: $name}) { id } }",
        "query($name: String) { prescriptions(filter: {patientName: $name}) { id } }",
    ):
        (found,) = stage.live.data(stage.ours, query, {"name": last}).values()
        assert found == []


def test_an_organization_named_in_the_request_changes_nothing(stage: Scene) -> None:
    other = stage.live.world.birch.organization_id
    query = "{ patients(first: 100) { id } }"
    plain = stage.live.data(stage.ours, query)
    body = {"query": query, "variables": {"organization_id": other, "org_id": other}, "extensions": {"org_id": other}}
    headers = {"authorization": stage.ours, "x-organization-id": other, "organization": other, "x-org-id": other}

    answer = stage.live.http.post("/graphql", params={"organization": other}, json=body, headers=headers)

    assert answer.json()["data"] == plain

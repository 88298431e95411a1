"""The published clients' own documents: each is answered whole, with the values in the forms that clients read."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import FieldNode, FragmentDefinitionNode, FragmentSpreadNode, OperationDefinitionNode, parse

from tests.api import documents
from tests.api.answers import unique
from tests.api.documents import ada
from tests.live import Live

MAYA = "sample-001"
CALIFORNIA = {"latitude": 37.76, "longitude": -122.42, "radius": 25}
READ: dict[str, tuple[str, dict[str, Any]]] = {
    "allergens": (documents.ALLERGENS, {"filter": {"name": "pen"}}),
    "catalogs": (documents.CATALOGS, {}),
    "catalog": (documents.CATALOG, {}),
    "dispenseUnits": (documents.DISPENSE_UNITS, {}),
    "medicalEquipment": (documents.MEDICAL_EQUIPMENT, {"first": 25}),
    "medications": (documents.MEDICATIONS, {"filter": {"drug": {"name": "ator"}}, "first": 25}),
    "orders": (documents.ORDERS, {"filter": {"patientName": "maya"}, "first": 25}),
    "patient": (documents.PATIENT, {"id": MAYA}),
    "patients": (documents.PATIENTS, {"filter": {"name": "ma"}, "first": 25}),
    "pharmacies": (documents.PHARMACIES, {"location": CALIFORNIA, "type": "PICK_UP", "after": 0, "first": 100}),
    "prescriptions": (documents.PRESCRIPTIONS, {"filter": {"state": "ACTIVE"}, "first": 25}),
    "elements: patient": (documents.ELEMENTS_PATIENT, {"id": MAYA}),
    "elements: orders": (documents.ELEMENTS_PATIENT_ORDERS, {"id": MAYA}),
    "elements: pharmacies": (documents.ELEMENTS_PHARMACIES, {"location": CALIFORNIA}),
}
ONE: dict[str, tuple[str, str]] = {
    "order": (documents.ORDER, "{ orders(first: 1) { id } }"),
    "prescription": (documents.PRESCRIPTION, "{ prescriptions(first: 1) { id } }"),
    "pharmacy": (documents.PHARMACY, "{ pharmacies(first: 1) { id } }"),
    "fill": (documents.FILL, "{ orders(first: 1) { fills { id } } }"),
    "treatment kinds": (documents.TREATMENT_KINDS, "{ prescriptions(first: 1) { id } }"),
}


def asked(text: str) -> dict[str, Any]:
    """Returns the tree of response names that a document asks for, whatever the types."""
    tree = parse(text)
    fragments = {one.name.value: one for one in tree.definitions if isinstance(one, FragmentDefinitionNode)}

    def names(node: Any) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for one in node.selection_set.selections if node.selection_set else ():
            if isinstance(one, FieldNode):
                found[one.name.value] = found.get(one.name.value, {}) | names(one)
            elif isinstance(one, FragmentSpreadNode):
                found |= names(fragments[one.name.value])
            else:
                found |= names(one)
        return found

    return names(next(one for one in tree.definitions if isinstance(one, OperationDefinitionNode)))


def differences(wanted: dict[str, Any], shown: Any, path: str = "") -> Iterator[str]:
    """Lists where an answer has other names than were asked for; what is null has none."""
    if isinstance(shown, list):
        for one in shown:
            yield from differences(wanted, one, path)
    elif isinstance(shown, dict):
        if shown.keys() != wanted.keys():
            yield f"{path}: {sorted(shown)} instead of {sorted(wanted)}"
        else:
            for name, inner in wanted.items():
                yield from differences(inner, shown[name], f"{path}/{name}")
    elif wanted and shown is not None:
        yield f"{path}: {shown!r}"


@pytest.mark.parametrize("name", READ)
def test_a_document_that_reads_a_list_or_by_external_id_is_answered_whole(
    reading: Live, reader: str, name: str
) -> None:
    document, variables = READ[name]

    data = reading.data(reader, document, variables)

    assert all(data.values())
    assert list(differences(asked(document), data)) == []


@pytest.mark.parametrize("name", ONE)
def test_a_document_that_reads_one_record_is_answered_whole(reading: Live, reader: str, name: str) -> None:
    document, finding = ONE[name]
    found: Any = next(iter(reading.data(reader, finding).values()))[0]
    identifier = found["fills"][0]["id"] if "fills" in found else found["id"]

    data = reading.data(reader, document, {"id": identifier})

    assert all(data.values())
    assert list(differences(asked(document), data)) == []


def test_the_documents_that_change_patients_are_answered_whole(clinic: Live, token: str) -> None:
    pharmacy_id = clinic.data(token, documents.PHARMACIES, {"first": 1})["pharmacies"][0]["id"]
    allergen_id = clinic.data(token, documents.ALLERGENS, {})["allergens"][0]["id"]
    values = ada(
        externalId=unique(),
        gender=None,
        email="ada@example.com",
        address={
            "street1": "1 Main St",
            "street2": "",
            "city": "Austin",
            "state": "TX",
            "postalCode": "78701",
            "country": "US",
        }
        | {"street2": None},
        allergies=[{"allergenId": allergen_id, "comment": None, "onset": None}],
        medicationHistory=[],
        preferredPharmacies=[pharmacy_id],
    )
    created = clinic.data(token, documents.CREATE_PATIENT, values)
    patient_id = created["createPatient"]["id"]

    for document, variables in (
        (documents.UPDATE_PATIENT, {"id": patient_id, "gender": "Woman"}),
        (documents.REMOVE_ALLERGY, {"id": patient_id, "allergenId": allergen_id}),
        (documents.REMOVE_PHARMACY, {"patientId": patient_id, "pharmacyId": pharmacy_id}),
    ):
        changed = clinic.data(token, document, variables)
        assert list(differences(asked(document), changed)) == []
        (patient,) = changed.values()
        assert patient == created["createPatient"] | {"gender": "Woman"}


def test_the_documents_that_keep_catalogs_are_answered_whole(clinic: Live, token: str) -> None:
    catalog_id = clinic.data(token, documents.CATALOG)["catalog"]["id"]
    medication = clinic.data(token, documents.MEDICATIONS, {"first": 1})["medications"][0]
    place = {"catalogId": catalog_id, "treatmentId": medication["id"]}

    added = clinic.data(token, documents.ADD_TO_CATALOG, place)
    # The browser elements send more variables than they declare.
    undeclared: dict[str, Any] = {
        "externalId": None,
        "patientId": "pat_1",
        "diagnoses": [],
        "doNotFillBeforeDate": "2026-12-01",
    }
    made = clinic.data(token, documents.CREATE_TEMPLATE, place | {"fillsAllowed": 2} | undeclared)
    template_id = made["createPrescriptionTemplate"]["id"]
    shown = clinic.data(token, documents.ELEMENTS_CATALOG, {"id": catalog_id})

    assert added == {"addToCatalog": medication}
    assert list(differences(asked(documents.CREATE_TEMPLATE), made)) == []
    assert list(differences(asked(documents.ELEMENTS_CATALOG), shown)) == []
    assert shown["catalog"]["treatments"]
    for document, variables in (
        (documents.UPDATE_TEMPLATE, {"catalogId": catalog_id, "templateId": template_id, "name": "New"}),
        (documents.DELETE_TEMPLATE, {"catalogId": catalog_id, "templateId": template_id}),
    ):
        changed = clinic.data(token, document, variables)
        assert list(differences(asked(document), changed)) == []
    removed = clinic.data(token, documents.REMOVE_FROM_CATALOG, place)
    assert removed == {"removeFromCatalog": medication}


def test_the_orders_of_a_patient_read_as_the_elements_show_them(reading: Live, reader: str) -> None:
    data = reading.data(reader, documents.ELEMENTS_PATIENT_ORDERS, {"id": MAYA})

    newest, older = data["patient"]["orders"]
    montelukast = {
        "treatment": {"name": "montelukast 10 MG Oral Tablet"},
        "prescription": {
            "dispenseQuantity": 30,
            "dispenseUnit": "Tablet",
            "fillsAllowed": 6,
            "instructions": "Take one tablet by mouth once daily in the evening",
            "writtenAt": "2026-09-24T12:00:00.000Z",
            "prescriber": {"name": {"full": "Dr. Sam Sample"}},
        },
    }
    assert newest == {
        "id": newest["id"],
        "createdAt": "2026-11-21T12:00:00.000Z",
        "state": "PLACED",
        "fills": [montelukast],
    }
    assert (older["createdAt"], older["state"]) == ("2026-09-25T12:00:00.000Z", "COMPLETED")
    assert montelukast in older["fills"]
    assert len(older["fills"]) == 2


def test_the_header_may_be_bare_as_the_published_sdk_sends_it(reading: Live, reader: str) -> None:
    body = {"operationName": "patient", "query": documents.PATIENT, "variables": {"id": MAYA}}

    answer = reading.http.post("/graphql", json=body, headers={"authorization": reader})

    assert answer.json()["data"]["patient"]["name"] == {"full": "Maya Okonkwo-Reyes"}

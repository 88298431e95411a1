"""Every operation of the published clients, unmodified, with a prescriber's and with a machine's token.

The two clients have the same methods; the documents that they send are their own, and differ.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from rxauth.domain.clients import REGULAR_WEB
from rxauth.domain.webhooks import Keeper
from rxauth.policy.roles import Role
from tests.api.test_webhooks import URL
from tests.browser.published import Published
from tests.conftest import make_world
from tests.live import Live
from tests.prescribing import Practice
from tests.webhook_receiver import LOOPBACK, SECRET
from tests.world import StandingClock, Template, add_tenant

SDK, REACT = "@photonhealth/sdk", "@photonhealth/react"
WEBHOOKS = ("read:webhook_config", "write:webhook_config")
ADDRESS = {"street1": "1 Example St", "city": "Albany", "state": "NY", "postalCode": "12207", "country": "US"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def practice(
    request: pytest.FixtureRequest, templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Practice]:
    """A provider of an organization whose machine may keep webhooks."""
    world = make_world(request.param, templates, tmp_path_factory)
    database = world.open()
    tenant = database.write(lambda tx: add_tenant(tx, "Cedar Clinic", *WEBHOOKS))
    database.close()
    live = Live(replace(world, alder=tenant), StandingClock())
    live.edge.api.keeper = Keeper(live.server.sealing_key, LOOPBACK)
    yield Practice(live)
    live.stop()


@pytest.fixture(params=[SDK, REACT], ids=["sdk", "react"])
def package(request: pytest.FixtureRequest) -> str:
    """Each of the two published clients in turn."""
    return str(request.param)


@pytest.fixture
def prescriber(practice: Practice, package: str) -> Iterator[Published]:
    """A client with the token of a provider who keeps webhooks, too."""
    both = practice.holders.provider(roles=(Role.PRESCRIBER, Role.DEVELOPER))
    client = Published(package, practice.live.url, practice.token_of(both))
    yield client
    client.stop()


@pytest.fixture
def machine(practice: Practice, package: str) -> Iterator[Published]:
    """A client with the token of a machine."""
    client = Published(package, practice.live.url, practice.live.token(practice.live.world.alder))
    yield client
    client.stop()


def only(found: list[Any]) -> Any:
    """Returns the one element."""
    [one] = found
    return one


def named(found: list[Any], name: str) -> Any:
    """Returns the element of a name."""
    return only([one for one in found if one["name"] == name])


def reference_data_is_found(client: Published) -> None:
    """Reads what all organizations share, and follows the choices down to a package."""
    assert "Penicillin" in {
        one["name"] for one in client.query("clinical.allergens.getAllergens", filter={"name": "pen"})
    }
    assert "Tablet" in {one["name"] for one in client.query("clinical.prescription.getDispenseUnits")}
    equipment = client.query("clinical.medicalEquipment.getMedicalEquipment", first=2)
    assert len(equipment) == 2
    again = client.query("clinical.medicalEquipment.getMedicalEquipment", first=1, after=equipment[0]["id"])
    assert again == equipment[1:]
    name = "warfarin sodium 5 MG Oral Tablet"
    drugs = client.query("clinical.medication.getMedications", filter={"drug": {"name": "warfarin"}}, first=25)
    drug = named(drugs, name)
    assert (drug["form"], drug["schedule"], drug["controlled"]) == ("Oral Tablet", None, False)
    choices = "clinical.searchMedication"
    concept = named(client.query(f"{choices}.getConcepts", name="warfarin"), "warfarin sodium")
    strength = named(client.query(f"{choices}.getStrengths", id=concept["id"]), "warfarin sodium 5 MG")
    route = named(client.query(f"{choices}.getRoutes", id=strength["id"]), "warfarin sodium 5 MG Oral")
    assert named(client.query(f"{choices}.getForms", id=route["id"]), name) == drug
    product = only(client.query(f"{choices}.getProducts", id=drug["id"]))
    package = only(client.query(f"{choices}.getPackages", id=product["id"]))
    assert package["name"].startswith(product["name"])


def pharmacies_are_found(client: Published) -> list[Any]:
    """Searches pharmacies by name, by distance and by identifier."""
    near = client.query(
        "clinical.pharmacy.getPharmacies",
        location={"latitude": 37.76, "longitude": -122.42, "radius": 25},
        type="PICK_UP",
    )
    assert near
    assert {one["address"]["state"] for one in near} == {"CA"}
    assert all("PICK_UP" in one["fulfillmentTypes"] for one in near)
    assert client.query("clinical.pharmacy.getPharmacy", id=near[0]["id"]) == near[0]
    named = client.query("clinical.pharmacy.getPharmacies", name=near[0]["name"], first=100)
    assert near[0] in named
    return list(client.query("clinical.pharmacy.getPharmacies"))


def a_patient_is_kept(client: Published, practice: Practice, external_id: str, pharmacy_ids: list[str]) -> Any:
    """Creates a patient, finds and changes them, and takes an allergy and a pharmacy away again."""
    penicillin, latex = (
        client.query("clinical.allergens.getAllergens", filter={"name": name})[0]["id"]
        for name in ("penicillin", "latex")
    )
    made = client.mutate(
        "clinical.patient.createPatient",
        externalId=external_id,
        name={"first": "Rosa", "last": "Linden"},
        dateOfBirth="1980-02-29",
        sex="FEMALE",
        gender="Woman",
        email="rosa@example.com",
        phone="+12025550170",
        address=ADDRESS,
        allergies=[{"allergenId": penicillin, "comment": "Hives"}, {"allergenId": latex}],
        medicationHistory=[{"active": True, "medicationId": practice.treatment}],
        preferredPharmacies=pharmacy_ids,
    )
    assert (made["externalId"], made["name"]["full"], made["address"]["city"]) == (external_id, "Rosa Linden", "Albany")
    for reference in (made["id"], external_id):
        assert client.query("clinical.patient.getPatient", id=reference) == made
    assert made in client.query("clinical.patient.getPatients", name="linden")
    changed = client.mutate("clinical.patient.updatePatient", id=made["id"], phone="+12025550171")
    assert changed == made | {"phone": "+12025550171"}
    less = {"patientId": made["id"], "pharmacyId": pharmacy_ids[0]}
    assert client.mutate("clinical.patient.removePatientPreferredPharmacy", **less) == changed
    removed = client.mutate("clinical.patient.removePatientAllergy", id=made["id"], allergenId=penicillin)
    assert removed == changed
    document = "query ($id: ID!) { patient(id: $id) { allergies { allergen { id } } preferredPharmacies { id } } }"
    kept = practice.live.data(practice.token, document, {"id": made["id"]})["patient"]
    assert kept == {
        "allergies": [{"allergen": {"id": latex}}],
        "preferredPharmacies": [{"id": one} for one in pharmacy_ids[1:]],
    }
    return changed


def a_catalog_is_kept(client: Published, treatment_id: str) -> None:
    """Puts a treatment into the catalog and takes it out again, and so with a template."""
    catalog = only(client.query("clinical.catalog.getCatalogs"))
    assert client.query("clinical.catalog.getCatalog", id=catalog["id"]) == catalog
    place = {"catalogId": catalog["id"], "treatmentId": treatment_id}
    assert client.mutate("clinical.catalog.addToCatalog", **place)["id"] == treatment_id
    assert client.mutate("clinical.catalog.removeFromCatalog", **place)["id"] == treatment_id
    template = client.mutate(
        "clinical.prescriptionTemplate.createPrescriptionTemplate",
        **place,
        isPrivate=False,
        dispenseQuantity=20,
        dispenseUnit="Tablet",
        fillsAllowed=2,
        daysSupply=10,
        instructions="Take one tablet twice a day",
    )
    assert (template["treatment"]["id"], template["fillsAllowed"], template["daysSupply"]) == (treatment_id, 2, 10)
    one = {"catalogId": catalog["id"], "templateId": template["id"]}
    changed = client.mutate("clinical.prescriptionTemplate.updatePrescriptionTemplate", **one, daysSupply=30)
    assert changed == template | {"daysSupply": 30}
    assert client.mutate("clinical.prescriptionTemplate.deletePrescriptionTemplate", **one) == changed


def draft(practice: Practice, patient_id: str, **changes: Any) -> dict[str, Any]:
    """Returns a prescription as the client is asked for it."""
    return practice.draft(patientId=patient_id, fillsAllowed=2, daysSupply=30, **changes)


def prescriptions_are_written(client: Published, practice: Practice, patient_id: str) -> list[Any]:
    """Writes one prescription and two at once; returns what the client lists of the patient."""
    one = client.mutate("clinical.prescription.createPrescription", **draft(practice, patient_id))
    assert (one["state"], one["fillsAllowed"], one["fillsRemaining"]) == ("ACTIVE", 2, 2)
    assert (one["patient"]["id"], one["treatment"]["id"]) == (patient_id, practice.treatment)
    two = [draft(practice, patient_id, notes=str(number)) for number in range(2)]
    more = client.mutate("clinical.prescription.createPrescriptions", prescriptions=two)
    assert sorted(each["notes"] for each in more) == ["0", "1"]
    assert {each["prescriber"]["id"] for each in more} == {one["prescriber"]["id"]}
    found = client.query("clinical.prescription.getPrescriptions", patientId=patient_id, state="ACTIVE")
    assert sorted(each["id"] for each in found) == sorted(each["id"] for each in (one, *more))
    assert client.query("clinical.prescription.getPrescription", id=one["id"]) in found
    return list(found)


def orders_are_read(client: Published) -> None:
    """Reads the orders that the organization has from the start."""
    newest = client.query("clinical.order.getOrders")[0]
    assert client.query("clinical.order.getOrder", id=newest["id"]) == newest
    orders = client.query("clinical.order.getOrders", patientId=newest["patient"]["id"], first=100)
    assert newest in orders
    assert {one["patient"]["id"] for one in orders} == {newest["patient"]["id"]}


def an_order_is_made(client: Published, patient_id: str, prescription_id: str, pharmacy_id: str) -> None:
    """Orders a prescription, which gives one of its fills."""
    before = client.query("clinical.prescription.getPrescription", id=prescription_id)["fillsRemaining"]
    made = client.mutate(
        "clinical.order.createOrder",
        patientId=patient_id,
        fills=[{"prescriptionId": prescription_id}],
        address=ADDRESS,
        pharmacyId=pharmacy_id,
    )
    assert (made["state"], made["patient"]["id"], made["pharmacy"]["id"]) == ("PENDING", patient_id, pharmacy_id)
    assert only(made["fills"])["state"] == "NEW"
    assert client.query("clinical.order.getOrder", id=made["id"]) == made
    after = client.query("clinical.prescription.getPrescription", id=prescription_id)["fillsRemaining"]
    assert after == before - 1


def webhooks_are_kept(client: Published) -> None:
    """Makes a webhook, lists it, and deletes it."""
    wanted = {"name": "EMR", "filters": ["photon:order:created"], "url": URL}
    made = client.mutate("management.webhook.createWebhook", **wanted, sharedSecret=SECRET)
    assert {name: made[name] for name in wanted} == wanted
    assert made in client.query("management.webhook.getWebhooks")
    assert client.mutate("management.webhook.deleteWebhook", id=made["id"]) is True
    assert made not in client.query("management.webhook.getWebhooks")


def the_organization_is_managed(client: Published, practice: Practice) -> None:
    """Reads the organization, and gets a new secret for its machine."""
    here = client.query("management.organization.getOrganization")
    assert here["name"] == "Cedar Clinic"
    assert client.query("management.organization.getOrganizations") == [here]
    web = practice.holders.app("Cedar Web", REGULAR_WEB)
    known = client.query("management.client.getClients")
    [before] = [one for one in known if one["id"] == web.client_id]
    assert before == {"id": web.client_id, "name": "Cedar Web", "secret": None, "appType": REGULAR_WEB} | {
        name: before[name] for name in before.keys() & {"__typename"}
    }
    rotated = client.mutate("management.client.rotateSecret", id=web.client_id)
    assert rotated == before | {"secret": rotated["secret"]}
    assert rotated["secret"] not in {None, web.secret}
    assert client.query("management.client.getClients") == known


def the_organization_is_not_a_machines_to_manage(client: Published, practice: Practice) -> None:
    """Asks with a token that carries none of the permissions."""
    mine = {"id": practice.live.world.alder.client_id}
    for method, variables in {
        "management.organization.getOrganization": None,
        "management.organization.getOrganizations": None,
        "management.client.getClients": None,
        "management.client.rotateSecret": mine,
    }.items():
        assert client.refused(method, variables) == {"FORBIDDEN"}


def test_a_prescriber_does_everything_with_a_published_client(
    practice: Practice, prescriber: Published, package: str
) -> None:
    reference_data_is_found(prescriber)
    pharmacies = [one["id"] for one in pharmacies_are_found(prescriber)[:2]]
    patient = a_patient_is_kept(prescriber, practice, f"prescriber of {package}", pharmacies)
    a_catalog_is_kept(prescriber, practice.treatment)
    written = prescriptions_are_written(prescriber, practice, patient["id"])
    an_order_is_made(prescriber, patient["id"], written[0]["id"], pharmacies[0])
    orders_are_read(prescriber)
    webhooks_are_kept(prescriber)
    the_organization_is_managed(prescriber, practice)
    assert prescriber.called == prescriber.methods


def test_a_machine_does_everything_but_prescribe_with_a_published_client(
    practice: Practice, machine: Published, package: str
) -> None:
    reference_data_is_found(machine)
    pharmacies = [one["id"] for one in pharmacies_are_found(machine)[:2]]
    patient = a_patient_is_kept(machine, practice, f"machine of {package}", pharmacies)
    a_catalog_is_kept(machine, practice.treatment)
    wanted = draft(practice, patient["id"])
    assert machine.refused("clinical.prescription.createPrescription", wanted) == {"FORBIDDEN"}
    assert machine.refused("clinical.prescription.createPrescriptions", {"prescriptions": [wanted]}) == {"FORBIDDEN"}
    assert machine.query("clinical.prescription.getPrescriptions", patientId=patient["id"]) == []
    written = practice.written(patientId=patient["id"])["id"]
    [found] = machine.query("clinical.prescription.getPrescriptions", patientId=patient["id"])
    assert found["id"] == written
    assert machine.query("clinical.prescription.getPrescription", id=written) == found
    an_order_is_made(machine, patient["id"], written, pharmacies[0])
    orders_are_read(machine)
    webhooks_are_kept(machine)
    the_organization_is_not_a_machines_to_manage(machine, practice)
    assert machine.called == machine.methods


def test_what_a_token_does_not_carry_is_forbidden_to_a_published_client(practice: Practice, package: str) -> None:
    tokens = {
        "a provider": practice.token,
        "a developer": practice.token_of(practice.holders.person(Role.DEVELOPER)),
    }
    forbidden = {
        "a provider": {"management.webhook.getWebhooks": None, "management.webhook.createWebhook": {"url": URL}},
        "a developer": {
            "clinical.patient.getPatients": None,
            "clinical.order.getOrders": None,
            "clinical.prescription.getPrescriptions": None,
            "clinical.prescription.createPrescription": draft(practice, practice.patients["NY"]),
        },
    }
    for who, methods in forbidden.items():
        client = Published(package, practice.live.url, tokens[who])
        assert {method: client.refused(method, variables) for method, variables in methods.items()} == {
            method: {"FORBIDDEN"} for method in methods
        }
        client.stop()

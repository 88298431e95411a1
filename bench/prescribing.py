"""What a provider writes: a patient, and a prescription for a patient, with one token of a person."""

import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import create_engine, text

from bench.crowd import Crowd
from bench.installation import Installation
from bench.load import Post
from rxauth.storage.engines import parse_url
from rxauth.storage.migrations.row_security import see_everything

_CREATE_PATIENT: Final = """mutation createPatient(
  $name: NameInput!, $dateOfBirth: AWSDate!, $sex: SexType!, $phone: AWSPhone!, $address: AddressInput
) {
  createPatient(name: $name, dateOfBirth: $dateOfBirth, sex: $sex, phone: $phone, address: $address) { id }
}"""
_CREATE_PRESCRIPTION: Final = """mutation createPrescription(
  $patientId: ID!, $treatmentId: ID!, $dispenseQuantity: Float!, $dispenseUnit: String!, $instructions: String!
) {
  createPrescription(
    patientId: $patientId, treatmentId: $treatmentId, dispenseQuantity: $dispenseQuantity, dispenseUnit: $dispenseUnit,
    instructions: $instructions
  ) { id }
}"""
_PATIENT: Final = {
    "name": {"first": "Ada", "last": "Marsh"},
    "dateOfBirth": "1980-02-29",
    "sex": "FEMALE",
    "phone": "+12125550100",
    "address": {"street1": "1 Main Street", "city": "Albany", "state": "NY", "postalCode": "12207", "country": "US"},
}


def exchange(crowd: Crowd) -> Post:
    """Returns the exchange of a code for the token of a provider; it works once."""
    return Post("/oauth/token", {"content-type": "application/x-www-form-urlencoded"}, crowd.exchanges(1))


def create_patient(token: str) -> Post:
    """Adds a patient."""
    return _post(token, _CREATE_PATIENT, [_PATIENT])


def create_prescription(installation: Installation, token: str) -> Post:
    """Writes a prescription for one patient after the other who is in the state of the provider's licence."""
    settings = installation.settings
    owner = create_engine(parse_url(settings.owner_database_url or settings.database_url))
    with owner.begin() as connection:
        see_everything(connection)
        treatment_id, patient_ids = _subjects(connection)
    owner.dispose()
    draft = {
        "treatmentId": treatment_id,
        "dispenseQuantity": 30,
        "dispenseUnit": "Tablet",
        "instructions": "Take one tablet by mouth daily",
    }
    return _post(token, _CREATE_PRESCRIPTION, [draft | {"patientId": one} for one in patient_ids])


def _subjects(connection: Any) -> tuple[str, list[str]]:
    patients = connection.execute(text("SELECT id, address FROM patients ORDER BY id")).all()
    addresses = {row.id: json.loads(row.address) if isinstance(row.address, str) else row.address for row in patients}
    free = (
        "SELECT id FROM treatments WHERE concept = 'DRUG' AND medication_type = 'RX' AND schedule IS NULL ORDER BY id"
    )
    treatment = connection.execute(text(free)).first()
    return treatment.id, [one for one, address in addresses.items() if address and address["state"] == "NY"]


def _post(token: str, document: str, variables: list[Mapping[str, Any]]) -> Post:
    bodies = [json.dumps({"query": document, "variables": dict(one)}) for one in variables]
    return Post("/graphql", {"content-type": "application/json", "authorization": f"Bearer {token}"}, bodies)

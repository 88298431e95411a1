"""The documents that the published clients send, with their default sets of fields, and a patient to send."""

from typing import Any, Final

_ADDRESS: Final = "address { name { full } city country postalCode state street1 street2 }"
_PATIENT: Final = f"""
fragment PatientFields on Patient {{
  id externalId name {{ full }} dateOfBirth sex gender email phone {_ADDRESS}
}}
"""
_FILL: Final = "fragment FillFields on Fill { id prescription { id } treatment { name } state requestedAt filledAt }"
_ORDER: Final = f"""
{_FILL}
{_PATIENT}
fragment OrderFields on Order {{
  id externalId state fills {{ ...FillFields }} patient {{ ...PatientFields }}
  pharmacy {{ id name phone {_ADDRESS} }}
  fulfillment {{ type state carrier trackingNumber }}
  createdAt
}}
"""
_PRESCRIPTION: Final = f"""
fragment PrescriptionFields on Prescription {{
  id externalId
  fills {{
    id state requestedAt filledAt
    order {{ id createdAt state fulfillment {{ state }} pharmacy {{ id name {_ADDRESS} }} }}
  }}
  prescriber {{ id name {{ full }} }} patient {{ id name {{ full }} }}
  state treatment {{ id name }}
  dispenseAsWritten dispenseQuantity dispenseUnit fillsAllowed fillsRemaining daysSupply
  instructions notes effectiveDate expirationDate writtenAt
}}
"""
_PHARMACY: Final = f"fragment PharmacyFields on Pharmacy {{ id NPI NCPDP name fulfillmentTypes {_ADDRESS} }}"
_MEDICATION: Final = "fragment MedicationFields on Medication { id name form schedule controlled }"
_EQUIPMENT: Final = "fragment MedicalEquipmentFields on MedicalEquipment { id name }"
_ALLERGEN: Final = "fragment AllergenFields on Allergen { id name rxcui }"
_TEMPLATE: Final = """
fragment PrescriptionTemplateFields on PrescriptionTemplate {
  id daysSupply dispenseAsWritten dispenseQuantity dispenseUnit instructions notes fillsAllowed treatment { id name }
  isPrivate
}
"""
_UNIT: Final = "fragment DispenseUnitFields on DispenseUnit { name }"

ALLERGENS: Final = f"""{_ALLERGEN}
query allergens($filter: AllergenFilter) {{ allergens(filter: $filter) {{ ...AllergenFields }} }}"""
CATALOGS: Final = "fragment CatalogFields on Catalog { id name } query catalogs { catalogs { ...CatalogFields } }"
CATALOG: Final = """
fragment CatalogFields on Catalog { id name }
query catalog($id: ID) { catalog(id: $id) { ...CatalogFields } }"""
ADD_TO_CATALOG: Final = f"""{_MEDICATION}
mutation addToCatalog($catalogId: ID!, $treatmentId: ID!) {{
  addToCatalog(catalogId: $catalogId, treatmentId: $treatmentId) {{ ...MedicationFields }}
}}"""
REMOVE_FROM_CATALOG: Final = f"""{_MEDICATION}
mutation removeFromCatalog($catalogId: ID!, $treatmentId: ID!) {{
  removeFromCatalog(catalogId: $catalogId, treatmentId: $treatmentId) {{ ...MedicationFields }}
}}"""
CREATE_TEMPLATE: Final = f"""{_TEMPLATE}
mutation createPrescriptionTemplate(
  $catalogId: ID!, $treatmentId: ID!, $name: String, $isPrivate: Boolean, $dispenseAsWritten: Boolean,
  $dispenseQuantity: Float, $dispenseUnit: String, $refillsAllowed: Int, $fillsAllowed: Int, $daysSupply: Int,
  $instructions: String, $notes: String
) {{
  createPrescriptionTemplate(
    catalogId: $catalogId, treatmentId: $treatmentId, name: $name, isPrivate: $isPrivate,
    dispenseAsWritten: $dispenseAsWritten, dispenseQuantity: $dispenseQuantity, dispenseUnit: $dispenseUnit,
    refillsAllowed: $refillsAllowed, fillsAllowed: $fillsAllowed, daysSupply: $daysSupply,
    instructions: $instructions, notes: $notes
  ) {{ ...PrescriptionTemplateFields name }}
}}"""
UPDATE_TEMPLATE: Final = f"""{_TEMPLATE}
mutation updatePrescriptionTemplate(
  $catalogId: ID!, $templateId: ID!, $name: String, $dispenseAsWritten: Boolean, $dispenseQuantity: Float,
  $dispenseUnit: String, $fillsAllowed: Int, $daysSupply: Int, $instructions: String, $notes: String
) {{
  updatePrescriptionTemplate(
    catalogId: $catalogId, templateId: $templateId, name: $name, dispenseAsWritten: $dispenseAsWritten,
    dispenseQuantity: $dispenseQuantity, dispenseUnit: $dispenseUnit, fillsAllowed: $fillsAllowed,
    daysSupply: $daysSupply, instructions: $instructions, notes: $notes
  ) {{ ...PrescriptionTemplateFields name }}
}}"""
DELETE_TEMPLATE: Final = f"""{_TEMPLATE}
mutation deletePrescriptionTemplate($catalogId: ID!, $templateId: ID!) {{
  deletePrescriptionTemplate(catalogId: $catalogId, templateId: $templateId) {{ ...PrescriptionTemplateFields name }}
}}"""
DISPENSE_UNITS: Final = f"{_UNIT} query dispenseUnits {{ dispenseUnits {{ ...DispenseUnitFields }} }}"
MEDICAL_EQUIPMENT: Final = f"""{_EQUIPMENT}
query medicalEquipment($name: String, $after: ID, $first: Int) {{
  medicalEquipment(name: $name, after: $after, first: $first) {{ ...MedicalEquipmentFields }}
}}"""
MEDICATIONS: Final = f"""{_MEDICATION}
query medications($filter: MedicationFilter, $after: ID, $first: Int) {{
  medications(filter: $filter, after: $after, first: $first) {{ ...MedicationFields }}
}}"""
_CHOICE: Final = "fragment SearchMedicationFields on SearchMedication { id name }"
MEDICATION_CONCEPTS: Final = f"""{_CHOICE}
query medicationConcepts($name: String!) {{ medicationConcepts(name: $name) {{ ...SearchMedicationFields }} }}"""
ORDER: Final = f"{_ORDER} query order($id: ID!) {{ order(id: $id) {{ ...OrderFields }} }}"
ORDERS: Final = f"""{_ORDER}
query orders($filter: OrderFilter, $after: ID, $first: Int) {{
  orders(filter: $filter, after: $after, first: $first) {{ ...OrderFields }}
}}"""
PATIENT: Final = f"{_PATIENT} query patient($id: ID!) {{ patient(id: $id) {{ ...PatientFields }} }}"
PATIENTS: Final = f"""{_PATIENT}
query patients($filter: PatientFilter, $after: ID, $first: Int) {{
  patients(filter: $filter, after: $after, first: $first) {{ ...PatientFields }}
}}"""
PHARMACY: Final = f"{_PHARMACY} query pharmacy($id: ID!) {{ pharmacy(id: $id) {{ ...PharmacyFields }} }}"
PHARMACIES: Final = f"""{_PHARMACY}
query pharmacies($name: String, $location: LatLongSearch, $type: FulfillmentType, $after: Int, $first: Int) {{
  pharmacies(name: $name, location: $location, type: $type, after: $after, first: $first) {{ ...PharmacyFields }}
}}"""
PRESCRIPTION: Final = f"""{_PRESCRIPTION}
query prescription($id: ID!) {{ prescription(id: $id) {{ ...PrescriptionFields }} }}"""
PRESCRIPTIONS: Final = f"""{_PRESCRIPTION}
query prescriptions($filter: PrescriptionFilter, $after: ID, $first: Int) {{
  prescriptions(filter: $filter, after: $after, first: $first) {{ ...PrescriptionFields }}
}}"""
CREATE_PATIENT: Final = f"""{_PATIENT}
mutation createPatient(
  $externalId: ID, $name: NameInput!, $dateOfBirth: AWSDate!, $sex: SexType!, $gender: String, $email: AWSEmail,
  $phone: AWSPhone!, $address: AddressInput, $allergies: [AllergenInput], $medicationHistory: [MedHistoryInput],
  $preferredPharmacies: [ID]
) {{
  createPatient(
    externalId: $externalId, name: $name, dateOfBirth: $dateOfBirth, sex: $sex, gender: $gender, email: $email,
    phone: $phone, address: $address, allergies: $allergies, medicationHistory: $medicationHistory,
    preferredPharmacies: $preferredPharmacies
  ) {{ ...PatientFields }}
}}"""
CREATE_PRESCRIPTION: Final = f"""{_PRESCRIPTION}
mutation createPrescription(
  $externalId: ID, $patientId: ID!, $treatmentId: ID!, $dispenseAsWritten: Boolean, $dispenseQuantity: Float!,
  $dispenseUnit: String!, $refillsAllowed: Int, $fillsAllowed: Int, $daysSupply: Int, $instructions: String!,
  $notes: String, $effectiveDate: AWSDate, $doNotFillBeforeDate: AWSDate, $diagnoses: [ID]
) {{
  createPrescription(
    externalId: $externalId, patientId: $patientId, treatmentId: $treatmentId, dispenseAsWritten: $dispenseAsWritten,
    dispenseQuantity: $dispenseQuantity, dispenseUnit: $dispenseUnit, refillsAllowed: $refillsAllowed,
    fillsAllowed: $fillsAllowed, daysSupply: $daysSupply, instructions: $instructions, notes: $notes,
    effectiveDate: $effectiveDate, doNotFillBeforeDate: $doNotFillBeforeDate, diagnoses: $diagnoses
  ) {{ ...PrescriptionFields }}
}}"""
CREATE_ORDER: Final = f"""{_ORDER}
mutation createOrder(
  $externalId: ID, $patientId: ID!, $fills: [FillInput!]!, $address: AddressInput!, $addressId: ID, $pharmacyId: ID!
) {{
  createOrder(
    externalId: $externalId, patientId: $patientId, fills: $fills, address: $address, addressId: $addressId,
    pharmacyId: $pharmacyId
  ) {{ ...OrderFields }}
}}"""
UPDATE_PATIENT: Final = f"""{_PATIENT}
mutation updatePatient(
  $id: ID!, $externalId: ID, $name: NameInput, $dateOfBirth: AWSDate, $sex: SexType, $gender: String, $email: AWSEmail,
  $phone: AWSPhone, $address: AddressInput, $allergies: [AllergenInput], $medicationHistory: [MedHistoryInput],
  $preferredPharmacies: [ID]
) {{
  updatePatient(
    id: $id, externalId: $externalId, name: $name, dateOfBirth: $dateOfBirth, sex: $sex, gender: $gender,
    email: $email, phone: $phone, address: $address, allergies: $allergies, medicationHistory: $medicationHistory,
    preferredPharmacies: $preferredPharmacies
  ) {{ ...PatientFields }}
}}"""
# The published SDK takes an allergy away with updatePatient.
REMOVE_ALLERGY: Final = f"""{_PATIENT}
mutation removePatientAllergy($id: ID!, $allergenId: ID!) {{
  updatePatient(id: $id, allergenId: $allergenId) {{ ...PatientFields }}
}}"""
REMOVE_PHARMACY: Final = f"""{_PATIENT}
mutation removePatientPreferredPharmacy($patientId: ID!, $pharmacyId: ID!) {{
  removePatientPreferredPharmacy(patientId: $patientId, pharmacyId: $pharmacyId) {{ ...PatientFields }}
}}"""

# Documents of the browser elements and of other integrations, which ask for more than the SDK's defaults.
ELEMENTS_PATIENT: Final = """
query GetPatient($id: ID!) {
  patient(id: $id) {
    id name { full first middle last title }
    address { id name { full } city country postalCode state street1 street2 }
    preferredPharmacies { id name phone address { street1 street2 city state postalCode country } }
  }
}"""
ELEMENTS_PATIENT_ORDERS: Final = """
query GetPatientOrders($id: ID!) {
  patient(id: $id) {
    orders(first: 5) {
      id createdAt state
      fills {
        treatment { name }
        prescription {
          dispenseQuantity dispenseUnit fillsAllowed instructions writtenAt prescriber { name { full } }
        }
      }
    }
  }
}"""
ELEMENTS_PHARMACIES: Final = """
query GetPharmacies($location: LatLongSearch!) {
  pharmacies(location: $location) { id name address { street1 city state } }
}"""
ELEMENTS_CATALOG: Final = """
query GetCatalog($id: ID!) {
  catalog(id: $id) {
    id
    treatments { id name }
    templates {
      id name daysSupply dispenseAsWritten dispenseQuantity dispenseUnit instructions notes fillsAllowed
      treatment { id name } isPrivate
    }
  }
}"""
ELEMENTS_CREATE_ORDER: Final = f"""{_ORDER}
mutation createOrder(
  $externalId: ID, $patientId: ID!, $fills: [FillInput!]!, $address: AddressInput, $addressId: ID, $pharmacyId: ID,
  $groupId: ID, $supervisorId: ID
) {{
  createOrder(
    externalId: $externalId, patientId: $patientId, fills: $fills, address: $address, addressId: $addressId,
    pharmacyId: $pharmacyId, groupId: $groupId, supervisorId: $supervisorId
  ) {{ ...OrderFields address {{ id street1 }} exceptions {{ type message createdAt resolvedAt }} }}
}}"""
ELEMENTS_UPDATE_ORDER: Final = """
mutation updateOrder($id: ID!, $fills: [FillInput!]!) {
  updateOrder(id: $id, fills: $fills) { id state fills { id state prescription { id } treatment { id name } } }
}"""
# Documents of the web application.
CANCEL_ORDER: Final = """
mutation cancelOrder($id: ID!, $reason: String) { cancelOrder(id: $id, reason: $reason) { id state } }"""
ROUTE_ORDER: Final = """
mutation routeOrder($id: ID!, $pharmacyId: ID!) { routeOrder(id: $id, pharmacyId: $pharmacyId) { id } }"""
WHOLE_ORDER: Final = f"""{_ORDER}
query GetOrder($id: ID!) {{
  order(id: $id) {{
    ...OrderFields address {{ id street1 state }} exceptions {{ type message createdAt resolvedAt }}
  }}
}}"""
FILL: Final = """
query fill($id: ID!) {
  fill(id: $id) {
    id treatment { id name codes { rxcui } } prescription { id externalId } state requestedAt filledAt order { id }
  }
}"""
TREATMENT_KINDS: Final = """
query GetPrescription($id: ID!) {
  prescription(id: $id) {
    id externalId prescriber { id name { full } } patient { id name { full } } state
    treatment { __typename ... on Medication { id name } ... on MedicalEquipment { id name } }
    dispenseAsWritten dispenseQuantity dispenseUnit fillsAllowed fillsRemaining doNotFillBeforeDate
  }
}"""

ADA: Final = {
    "name": {"first": "Ada", "last": "Lovelace"},
    "dateOfBirth": "1985-12-10",
    "sex": "FEMALE",
    "phone": "+12025550170",
}


def medication_choices(what: str) -> str:
    """Returns the document that asks for Strengths, Routes, Forms, Products or Packages."""
    of_terms = what in {"Strengths", "Routes"}
    fragment, name = (_CHOICE, "SearchMedicationFields") if of_terms else (_MEDICATION, "MedicationFields")
    return f"{fragment} query medication{what}($id: String!) {{ medication{what}(id: $id) {{ ...{name} }} }}"


def ada(**changes: Any) -> dict[str, Any]:
    """Returns the variables of a patient who can be created, changed."""
    return ADA | changes

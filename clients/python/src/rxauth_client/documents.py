"""Operations that most backends need, with their types; generated from operations/."""

# ruff: noqa: A002, E501, N803

from typing import Final, Literal, NotRequired, TypedDict

from rxauth_client.operations import Operation


class GetPrescriptionsPrescriptionsTreatment(TypedDict):
    """See the document."""

    id: str
    name: str


class GetPrescriptionsPrescriptionsPatientName(TypedDict):
    """See the document."""

    full: str


class GetPrescriptionsPrescriptionsPatient(TypedDict):
    """See the document."""

    id: str
    name: GetPrescriptionsPrescriptionsPatientName


class GetPrescriptionsPrescriptions(TypedDict):
    """See the document."""

    id: str
    state: Literal["DRAFT", "ACTIVE", "DEPLETED", "EXPIRED", "CANCELED"]
    dispenseQuantity: float
    dispenseUnit: str
    instructions: str
    writtenAt: str
    fillsRemaining: int
    treatment: GetPrescriptionsPrescriptionsTreatment
    patient: GetPrescriptionsPrescriptionsPatient


class GetPrescriptionsData(TypedDict):
    """See the document."""

    prescriptions: list[GetPrescriptionsPrescriptions | None]


class PrescriptionFilter(TypedDict):
    """See the document."""

    patientId: NotRequired[str | None]
    patientName: NotRequired[str | None]
    prescriberId: NotRequired[str | None]
    state: NotRequired[Literal["DRAFT", "ACTIVE", "DEPLETED", "EXPIRED", "CANCELED"] | None]


class GetOrdersOrdersPharmacy(TypedDict):
    """See the document."""

    id: str
    name: str


class GetOrdersOrdersFillsTreatment(TypedDict):
    """See the document."""

    id: str
    name: str


class GetOrdersOrdersFills(TypedDict):
    """See the document."""

    id: str
    state: Literal["SCHEDULED", "NEW", "SENT", "CANCELED"]
    treatment: GetOrdersOrdersFillsTreatment


class GetOrdersOrders(TypedDict):
    """See the document."""

    id: str
    externalId: str | None
    state: Literal["ROUTING", "PENDING", "PLACED", "COMPLETED", "CANCELED", "ERROR"]
    createdAt: str
    pharmacy: GetOrdersOrdersPharmacy | None
    fills: list[GetOrdersOrdersFills]


class GetOrdersData(TypedDict):
    """See the document."""

    orders: list[GetOrdersOrders | None]


class OrderFilter(TypedDict):
    """See the document."""

    patientId: NotRequired[str | None]
    patientName: NotRequired[str | None]
    state: NotRequired[Literal["ROUTING", "PENDING", "PLACED", "COMPLETED", "CANCELED", "ERROR"] | None]


class GetPharmaciesPharmaciesAddress(TypedDict):
    """See the document."""

    street1: str
    city: str
    state: str
    postalCode: str


class GetPharmaciesPharmacies(TypedDict):
    """See the document."""

    id: str
    name: str
    NPI: str | None
    phone: str | None
    address: GetPharmaciesPharmaciesAddress | None


class GetPharmaciesData(TypedDict):
    """See the document."""

    pharmacies: list[GetPharmaciesPharmacies | None]


class LatLongSearch(TypedDict):
    """See the document."""

    latitude: NotRequired[float | None]
    longitude: NotRequired[float | None]
    radius: NotRequired[int | None]


class CreateOrderCreateOrder(TypedDict):
    """See the document."""

    id: str
    state: Literal["ROUTING", "PENDING", "PLACED", "COMPLETED", "CANCELED", "ERROR"]


class CreateOrderData(TypedDict):
    """See the document."""

    createOrder: CreateOrderCreateOrder


class FillInput(TypedDict):
    """See the document."""

    prescriptionId: NotRequired[str | None]
    treatmentId: NotRequired[str | None]


class NameInput(TypedDict):
    """See the document."""

    title: NotRequired[str | None]
    first: str
    middle: NotRequired[str | None]
    last: str


class AddressInput(TypedDict):
    """See the document."""

    id: NotRequired[str | None]
    name: NotRequired[NameInput | None]
    street1: str
    street2: NotRequired[str | None]
    city: str
    state: str
    postalCode: str
    country: str


class GetPatientsPatientsName(TypedDict):
    """See the document."""

    full: str
    first: str
    last: str


class GetPatientsPatients(TypedDict):
    """See the document."""

    id: str
    externalId: str | None
    name: GetPatientsPatientsName
    dateOfBirth: str
    sex: Literal["MALE", "FEMALE", "UNKNOWN"]
    email: str | None
    phone: str


class GetPatientsData(TypedDict):
    """See the document."""

    patients: list[GetPatientsPatients | None]


class PatientFilter(TypedDict):
    """See the document."""

    name: NotRequired[str | None]


class GetPatientPatientName(TypedDict):
    """See the document."""

    full: str
    first: str
    last: str


class GetPatientPatientAddress(TypedDict):
    """See the document."""

    street1: str
    street2: str | None
    city: str
    state: str
    postalCode: str
    country: str


class GetPatientPatientAllergiesAllergen(TypedDict):
    """See the document."""

    id: str
    name: str


class GetPatientPatientAllergies(TypedDict):
    """See the document."""

    allergen: GetPatientPatientAllergiesAllergen
    comment: str | None
    onset: str | None


class GetPatientPatientPrescriptionsTreatment(TypedDict):
    """See the document."""

    id: str
    name: str


class GetPatientPatientPrescriptions(TypedDict):
    """See the document."""

    id: str
    state: Literal["DRAFT", "ACTIVE", "DEPLETED", "EXPIRED", "CANCELED"]
    dispenseQuantity: float
    dispenseUnit: str
    instructions: str
    writtenAt: str
    treatment: GetPatientPatientPrescriptionsTreatment


class GetPatientPatient(TypedDict):
    """See the document."""

    id: str
    externalId: str | None
    name: GetPatientPatientName
    dateOfBirth: str
    sex: Literal["MALE", "FEMALE", "UNKNOWN"]
    email: str | None
    phone: str
    address: GetPatientPatientAddress | None
    allergies: list[GetPatientPatientAllergies | None] | None
    prescriptions: list[GetPatientPatientPrescriptions | None] | None


class GetPatientData(TypedDict):
    """See the document."""

    patient: GetPatientPatient | None


class CreatePatientCreatePatientName(TypedDict):
    """See the document."""

    full: str


class CreatePatientCreatePatient(TypedDict):
    """See the document."""

    id: str
    externalId: str | None
    name: CreatePatientCreatePatientName


class CreatePatientData(TypedDict):
    """See the document."""

    createPatient: CreatePatientCreatePatient


class UpdatePatientUpdatePatient(TypedDict):
    """See the document."""

    id: str
    phone: str
    email: str | None


class UpdatePatientData(TypedDict):
    """See the document."""

    updatePatient: UpdatePatientUpdatePatient


def get_prescriptions(
    *, filter: PrescriptionFilter | None = None, after: str | None = None, first: int | None = None
) -> Operation[GetPrescriptionsData]:
    """Returns the operation GetPrescriptions."""
    return Operation("GetPrescriptions", _GET_PRESCRIPTIONS, {"filter": filter, "after": after, "first": first})


_GET_PRESCRIPTIONS: Final = """
query GetPrescriptions($filter: PrescriptionFilter, $after: ID, $first: Int) {
  prescriptions(filter: $filter, after: $after, first: $first) {
    id
    state
    dispenseQuantity
    dispenseUnit
    instructions
    writtenAt
    fillsRemaining
    treatment {
      id
      name
    }
    patient {
      id
      name {
        full
      }
    }
  }
}
"""


def get_orders(
    *, filter: OrderFilter | None = None, after: str | None = None, first: int | None = None
) -> Operation[GetOrdersData]:
    """Returns the operation GetOrders."""
    return Operation("GetOrders", _GET_ORDERS, {"filter": filter, "after": after, "first": first})


_GET_ORDERS: Final = """
query GetOrders($filter: OrderFilter, $after: ID, $first: Int) {
  orders(filter: $filter, after: $after, first: $first) {
    id
    externalId
    state
    createdAt
    pharmacy {
      id
      name
    }
    fills {
      id
      state
      treatment {
        id
        name
      }
    }
  }
}
"""


def get_pharmacies(
    *, location: LatLongSearch | None = None, name: str | None = None, first: int | None = None
) -> Operation[GetPharmaciesData]:
    """Returns the operation GetPharmacies."""
    return Operation("GetPharmacies", _GET_PHARMACIES, {"location": location, "name": name, "first": first})


_GET_PHARMACIES: Final = """
query GetPharmacies($location: LatLongSearch, $name: String, $first: Int) {
  pharmacies(location: $location, name: $name, first: $first) {
    id
    name
    NPI
    phone
    address {
      street1
      city
      state
      postalCode
    }
  }
}
"""


def create_order(
    *,
    patientId: str,
    fills: list[FillInput],
    address: AddressInput,
    pharmacyId: str | None = None,
    externalId: str | None = None,
) -> Operation[CreateOrderData]:
    """Returns the operation CreateOrder."""
    return Operation(
        "CreateOrder",
        _CREATE_ORDER,
        {
            "patientId": patientId,
            "fills": fills,
            "pharmacyId": pharmacyId,
            "externalId": externalId,
            "address": address,
        },
    )


_CREATE_ORDER: Final = """
mutation CreateOrder($patientId: ID!, $fills: [FillInput!]!, $pharmacyId: ID, $externalId: ID, $address: AddressInput!) {
  createOrder(
    patientId: $patientId
    fills: $fills
    pharmacyId: $pharmacyId
    externalId: $externalId
    address: $address
  ) {
    id
    state
  }
}
"""


def get_patients(
    *, filter: PatientFilter | None = None, after: str | None = None, first: int | None = None
) -> Operation[GetPatientsData]:
    """Returns the operation GetPatients."""
    return Operation("GetPatients", _GET_PATIENTS, {"filter": filter, "after": after, "first": first})


_GET_PATIENTS: Final = """
query GetPatients($filter: PatientFilter, $after: ID, $first: Int) {
  patients(filter: $filter, after: $after, first: $first) {
    id
    externalId
    name {
      full
      first
      last
    }
    dateOfBirth
    sex
    email
    phone
  }
}
"""


def get_patient(*, id: str) -> Operation[GetPatientData]:
    """Returns the operation GetPatient."""
    return Operation("GetPatient", _GET_PATIENT, {"id": id})


_GET_PATIENT: Final = """
query GetPatient($id: ID!) {
  patient(id: $id) {
    id
    externalId
    name {
      full
      first
      last
    }
    dateOfBirth
    sex
    email
    phone
    address {
      street1
      street2
      city
      state
      postalCode
      country
    }
    allergies {
      allergen {
        id
        name
      }
      comment
      onset
    }
    prescriptions {
      id
      state
      dispenseQuantity
      dispenseUnit
      instructions
      writtenAt
      treatment {
        id
        name
      }
    }
  }
}
"""


def create_patient(
    *,
    name: NameInput,
    dateOfBirth: str,
    sex: Literal["MALE", "FEMALE", "UNKNOWN"],
    phone: str,
    externalId: str | None = None,
    email: str | None = None,
    address: AddressInput | None = None,
) -> Operation[CreatePatientData]:
    """Returns the operation CreatePatient."""
    return Operation(
        "CreatePatient",
        _CREATE_PATIENT,
        {
            "externalId": externalId,
            "name": name,
            "dateOfBirth": dateOfBirth,
            "sex": sex,
            "phone": phone,
            "email": email,
            "address": address,
        },
    )


_CREATE_PATIENT: Final = """
mutation CreatePatient($externalId: ID, $name: NameInput!, $dateOfBirth: AWSDate!, $sex: SexType!, $phone: AWSPhone!, $email: AWSEmail, $address: AddressInput) {
  createPatient(
    externalId: $externalId
    name: $name
    dateOfBirth: $dateOfBirth
    sex: $sex
    phone: $phone
    email: $email
    address: $address
  ) {
    id
    externalId
    name {
      full
    }
  }
}
"""


def update_patient(
    *, id: str, phone: str | None = None, email: str | None = None, address: AddressInput | None = None
) -> Operation[UpdatePatientData]:
    """Returns the operation UpdatePatient."""
    return Operation("UpdatePatient", _UPDATE_PATIENT, {"id": id, "phone": phone, "email": email, "address": address})


_UPDATE_PATIENT: Final = """
mutation UpdatePatient($id: ID!, $phone: AWSPhone, $email: AWSEmail, $address: AddressInput) {
  updatePatient(id: $id, phone: $phone, email: $email, address: $address) {
    id
    phone
    email
  }
}
"""

"""The screening as the published elements know it: the names and types of what they send and read."""

from graphql import build_schema

from rxauth.api.schema import read_contract
from tests.api.measures import FILES
from tests.contract.test_clinical_contract import facts

# Dates and times are read as the other contract's scalars: clients name no scalar inside an input.
ENUMS = {
    "DiagnosisCodeType": "ICD10",
    "PrescriptionScreeningAlertSeverity": "MINOR MODERATE MAJOR",
    "PrescriptionScreeningAlertType": "DRUG ALLERGEN CONDITION",
}
MEMBERS = {
    "DiagnosisCode": "code: String! type: DiagnosisCodeType!",
    "DraftedPrescriptionTreatmentInput": "id: ID!",
    "DraftedPrescriptionInput": """
        id: ID dispenseAsWritten: Boolean dispenseQuantity: Float dispenseUnit: String fillsAllowed: Int
        fillsRemaining: Int daysSupply: Int instructions: String notes: String effectiveDate: AWSDate
        doNotFillBeforeDate: AWSDate expirationDate: AWSDate writtenAt: AWSDateTime
        treatment: DraftedPrescriptionTreatmentInput!
    """,
    "PrescriptionScreenResult": "alerts: [PrescriptionScreeningAlert!]!",
    "PrescriptionScreeningAlert": """
        type: PrescriptionScreeningAlertType! description: String! severity: PrescriptionScreeningAlertSeverity!
        involvedEntities: [PrescriptionScreeningAlertInvolvedEntity!]!
    """,
    "PrescriptionScreeningAlertInvolvedEntity": "id: String! name: String!",
}
INVOLVED = ("Allergen", "Condition", "DraftedPrescription", "ExistingPrescription")
FOUND = facts(build_schema("\n".join(map(read_contract, FILES))))


def members(kind: str) -> str:
    """Returns the members of a type with their types, in the order of their names."""
    own = (where for where in FOUND if where.startswith(f"{kind}.") and "(" not in where)
    return " ".join(sorted(f"{where.partition('.')[2]}: {FOUND[where].partition(' =')[0]}" for where in own))


def in_order(text: str) -> str:
    """Returns what `members` makes of an expectation."""
    words = text.split()
    return " ".join(sorted(f"{name} {kind}" for name, kind in zip(words[::2], words[1::2], strict=True)))


def test_the_types_of_a_screening_are_those_of_the_published_elements() -> None:
    assert {kind: FOUND[f"{kind} values"] for kind in ENUMS} == ENUMS
    assert {kind: members(kind) for kind in MEMBERS} == {kind: in_order(text) for kind, text in MEMBERS.items()}
    for name in INVOLVED:
        kind = f"PrescriptionScreeningAlertInvolved{name}"
        assert FOUND[f"{kind} implements"] == "PrescriptionScreeningAlertInvolvedEntity"
        assert members(kind) == "id: String! name: String!"


def test_the_query_takes_what_they_send() -> None:
    assert FOUND["Query.prescriptionScreen"] == "PrescriptionScreenResult!"
    arguments = {
        where.partition("(")[2].rstrip(":)"): FOUND[where].partition(" =")[0]
        for where in FOUND
        if where.startswith("Query.prescriptionScreen(")
    }
    assert arguments == {
        "draftedPrescriptions": "[DraftedPrescriptionInput!]!",
        "patientId": "ID!",
        "diagnosisCodes": "[DiagnosisCode!]",
    }

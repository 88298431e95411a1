"""A provider at work, for tests: somebody who may prescribe, patients and treatments, and what was written."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
from sqlalchemy import bindparam, event, func, select

from rxauth.domain import provider_acts
from rxauth.policy.authority import Doer
from rxauth.policy.licences import Licence
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables.clinical import fills, prescriptions
from rxauth.storage.tenancy import sql
from tests.live import Live
from tests.token_holders import Holders
from tests.world import NOW

CREATE: Final = """mutation createPrescription(
  $externalId: ID, $patientId: ID!, $treatmentId: ID!, $dispenseAsWritten: Boolean, $dispenseQuantity: Float!,
  $dispenseUnit: String!, $refillsAllowed: Int, $fillsAllowed: Int, $daysSupply: Int, $instructions: String!,
  $notes: String, $effectiveDate: AWSDate, $doNotFillBeforeDate: AWSDate, $diagnoses: [ID]
) {
  createPrescription(
    externalId: $externalId, patientId: $patientId, treatmentId: $treatmentId, dispenseAsWritten: $dispenseAsWritten,
    dispenseQuantity: $dispenseQuantity, dispenseUnit: $dispenseUnit, refillsAllowed: $refillsAllowed,
    fillsAllowed: $fillsAllowed, daysSupply: $daysSupply, instructions: $instructions, notes: $notes,
    effectiveDate: $effectiveDate, doNotFillBeforeDate: $doNotFillBeforeDate, diagnoses: $diagnoses
  ) {
    id externalId state dispenseAsWritten dispenseQuantity dispenseUnit fillsAllowed fillsRemaining refillsAllowed
    refillsRemaining daysSupply instructions notes effectiveDate doNotFillBeforeDate expirationDate writtenAt
    treatment { id } prescriber { id name { full } } fills { id }
  }
}"""
CREATE_ALL: Final = """mutation createPrescriptions($prescriptions: [PrescriptionInput]!) {
  createPrescriptions(prescriptions: $prescriptions) { id state instructions }
}"""
CANCEL: Final = "mutation cancelPrescription($id: ID!) { cancelPrescription(id: $id) { id state } }"
_WRITTEN = sql(
    select(prescriptions.c.id, prescriptions.c.state).where(
        prescriptions.c.organization_id == bindparam("organization_id")
    )
)
_FILLS = sql(select(func.count()).where(fills.c.organization_id == bindparam("organization_id")))


class Practice:
    """Alder Clinic with a provider who has these licences, or one in New York, on a server."""

    def __init__(self, live: Live, *licences: Licence) -> None:
        self.live = live
        self.organization_id = live.world.alder.organization_id
        self.holders = Holders(live)
        self.provider_id = self.holders.provider(*licences)
        self.token = self.token_of(self.provider_id)
        reader = live.token(live.world.alder)
        patients = live.data(reader, "{ patients(first: 100) { id address { state } } }")["patients"]
        self.patients = {one["address"] and one["address"]["state"]: one["id"] for one in patients}
        found = live.data(reader, "{ medications(first: 100) { id ... on Medication { schedule type } } }")[
            "medications"
        ]
        self.treatment = next(one["id"] for one in found if one["schedule"] is None and one["type"] == "RX")
        self.controlled = next(one["id"] for one in found if one["schedule"] == "II")

    def token_of(self, user_id: str, **changes: Any) -> str:
        """Returns an access token that somebody signs in for; changes: see `Authorized`."""
        return str(self.holders.tokens(user_id, **changes)["access_token"])

    def draft(self, **changes: Any) -> dict[str, Any]:
        """Returns the variables of a prescription that can be written, changed."""
        return {
            "patientId": self.patients["NY"],
            "treatmentId": self.treatment,
            "dispenseQuantity": 30,
            "dispenseUnit": "Tablet",
            "instructions": "Take one tablet by mouth daily",
        } | changes

    def create(self, token: str | None = None, **changes: Any) -> httpx.Response:
        """Asks for a prescription."""
        return self.live.graphql(token or self.token, CREATE, self.draft(**changes))

    def written(self, token: str | None = None, **changes: Any) -> dict[str, Any]:
        """Writes a prescription that must succeed."""
        found: dict[str, Any] = self.live.data(token or self.token, CREATE, self.draft(**changes))["createPrescription"]
        return found

    def suspend(self, database: Database | None = None, user_id: str | None = None) -> None:
        """Suspends a provider, as another process does if it has a database of its own."""
        (database or self.live.server.database).write(lambda tx: suspend(tx, self, user_id))

    def revoke(self, transaction: Transaction, user_id: str) -> None:
        """Revokes a provider's authority."""
        operator = Doer(None, is_operator=True)
        provider_acts.revoke(transaction, self.organization_id, user_id, "requested", doer=operator, now=NOW)


@contextmanager
def writes(live: Live) -> Iterator[list[str]]:
    """Collects the statements that writes of requests send."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if threading.current_thread().name.startswith("worker"):
            seen.append(statement)

    engine = live.server.database.engines.writer
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def suspend(transaction: Transaction, practice: Practice, user_id: str | None = None) -> None:
    """Suspends a provider in a transaction that somebody else commits."""
    operator = Doer(None, is_operator=True)
    provider_acts.suspend(
        transaction, practice.organization_id, user_id or practice.provider_id, "requested", doer=operator, now=NOW
    )


def states(database: Database, organization_id: str) -> dict[str, str]:
    """Returns the stored states of an organization's prescriptions, by identifier."""
    rows = database.read(lambda tx: tx.all(_WRITTEN, organization_id=organization_id))
    return {row.id: row.state for row in rows}


def number_of_fills(database: Database, organization_id: str) -> int:
    """Counts an organization's fills."""
    return int(database.read(lambda tx: tx.first(_FILLS, organization_id=organization_id))[0])

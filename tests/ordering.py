"""Orders at work, for tests: a provider's prescriptions, ordered by a backend, and what a pharmacy says."""

import json
from typing import Any, Final

import httpx
from sqlalchemy import bindparam, select

from rxauth.domain import dispatches, fulfillment
from rxauth.domain.fulfillment import Accepted, Progress, Refused
from rxauth.policy.licences import Licence
from rxauth.storage.database import Database
from rxauth.storage.tables.webhooks import webhook_deliveries, webhook_events
from rxauth.storage.tenancy import sql
from tests.api.documents import CANCEL_ORDER, ELEMENTS_CREATE_ORDER, ELEMENTS_UPDATE_ORDER, ROUTE_ORDER, WHOLE_ORDER
from tests.live import Live
from tests.prescribing import Practice

REROUTE: Final = """mutation($id: ID!, $pharmacyId: ID!) {
  rerouteOrder(id: $id, pharmacyId: $pharmacyId) { id state pharmacy { id } }
}"""
RESEND: Final = "mutation($id: ID!) { resendOrder(id: $id) { id state } }"
LEFT: Final = "query($id: ID!) { prescription(id: $id) { state fillsRemaining fillsAllowed } }"
_TOLD: Final = sql(
    select(webhook_events.c.body)
    .join(
        webhook_deliveries,
        (webhook_deliveries.c.event_id == webhook_events.c.id)
        & (webhook_deliveries.c.organization_id == webhook_events.c.organization_id),
    )
    .where(webhook_events.c.organization_id == bindparam("organization_id"))
    .order_by(webhook_deliveries.c.number)
)
_CHOICES: Final = """{
  pick_up: pharmacies(type: PICK_UP, first: 100) { id fulfillmentTypes }
  mail: pharmacies(type: MAIL_ORDER, first: 100) { id fulfillmentTypes }
  medicalEquipment { id }
  medications(first: 100) { id name ... on Medication { type schedule concept } }
}"""


class Counter:
    """Alder Clinic with a provider, and a backend that orders what the provider prescribes."""

    def __init__(self, live: Live, *licences: Licence) -> None:
        self.live = live
        self.practice = Practice(live, *licences)
        self.organization_id = self.practice.organization_id
        self.token = live.token(live.world.alder)
        self.patient_id = self.practice.patients["NY"]
        found = live.data(self.token, _CHOICES)
        self.pharmacies = [one["id"] for one in found["pick_up"] if one["fulfillmentTypes"] == ["PICK_UP"]]
        self.mail_pharmacies = [one["id"] for one in found["mail"] if one["fulfillmentTypes"] == ["MAIL_ORDER"]]
        self.equipment = found["medicalEquipment"][0]["id"]
        unscheduled = [one for one in found["medications"] if one["schedule"] is None]
        self.over_the_counter = next(one["id"] for one in unscheduled if one["type"] == "OTC")

    @property
    def database(self) -> Database:
        """The server's database."""
        return self.live.server.database

    def prescription(self, fills: int = 1, **changes: Any) -> str:
        """Writes a prescription with so many fills; returns its identifier."""
        return str(self.practice.written(fillsAllowed=fills, **changes)["id"])

    def equipment_fill(self) -> dict[str, str | None]:
        """Returns a fill that takes no prescription."""
        return {"treatmentId": self.equipment}

    def ask(self, *fills: str | dict[str, str | None], token: str | None = None, **changes: Any) -> httpx.Response:
        """Asks for an order; a fill is given by its prescription, or whole."""
        wanted = [{"prescriptionId": one} if isinstance(one, str) else one for one in fills]
        values = {"patientId": self.patient_id, "fills": wanted} | changes
        return self.live.graphql(token or self.token, ELEMENTS_CREATE_ORDER, values)

    def order(self, *fills: str | dict[str, str | None], **changes: Any) -> dict[str, Any]:
        """Makes an order that must succeed, at the first pharmacy unless another, or None, is named."""
        answer = self.ask(*fills, **({"pharmacyId": self.pharmacies[0]} | changes))
        assert "errors" not in answer.json(), answer.text
        return dict(answer.json()["data"]["createOrder"])

    def add(self, order_id: str, *fills: str, token: str | None = None) -> httpx.Response:
        """Asks to add fills of prescriptions."""
        values = {"id": order_id, "fills": [{"prescriptionId": one} for one in fills]}
        return self.live.graphql(token or self.token, ELEMENTS_UPDATE_ORDER, values)

    def cancel(self, order_id: str, reason: str | None = None, token: str | None = None) -> httpx.Response:
        """Asks to cancel an order."""
        return self.live.graphql(token or self.token, CANCEL_ORDER, {"id": order_id, "reason": reason})

    def route(self, order_id: str, pharmacy_id: str, token: str | None = None) -> httpx.Response:
        """Asks to route an order."""
        return self.live.graphql(token or self.token, ROUTE_ORDER, {"id": order_id, "pharmacyId": pharmacy_id})

    def reroute(self, order_id: str, pharmacy_id: str, token: str | None = None) -> httpx.Response:
        """Asks to reroute an order."""
        return self.live.graphql(token or self.token, REROUTE, {"id": order_id, "pharmacyId": pharmacy_id})

    def resend(self, order_id: str, token: str) -> httpx.Response:
        """Asks to send an order once more."""
        return self.live.graphql(token, RESEND, {"id": order_id})

    def shown(self, order_id: str) -> dict[str, Any]:
        """Returns an order."""
        return dict(self.live.data(self.token, WHOLE_ORDER, {"id": order_id})["order"])

    def left(self, prescription_id: str) -> tuple[str, int]:
        """Returns a prescription's state and how many fills it has left."""
        found = self.live.data(self.token, LEFT, {"id": prescription_id})["prescription"]
        return found["state"], found["fillsRemaining"]

    def dispatch(self, order_id: str) -> str | None:
        """Returns the dispatch by which an order is at its pharmacy."""
        return self.database.read(lambda tx: dispatches.current(tx, self.organization_id, order_id))

    def accept(self, order_id: str) -> bool:
        """Has the pharmacy take an order."""
        return self._report(order_id, Accepted(self.dispatch(order_id) or ""))

    def refuse(self, order_id: str, reason: str = "OUT_OF_STOCK", message: str | None = None) -> bool:
        """Has the pharmacy refuse an order."""
        return self._report(order_id, Refused(self.dispatch(order_id) or "", reason, message))

    def go_on(self, order_id: str, state: str, **more: Any) -> bool:
        """Has the pharmacy go on with an order."""
        return self._report(order_id, Progress(self.dispatch(order_id) or "", state, **more))

    def _report(self, order_id: str, said: fulfillment.Report) -> bool:
        now_ms = self.live.clock.milliseconds()
        return self.database.write(lambda tx: fulfillment.report(tx, self.organization_id, order_id, said, now_ms))


def told(database: Database, organization_id: str, *subjects: str) -> list[tuple[str, Any]]:
    """Returns what webhooks were told of some subjects: the end of each event's type, and its data."""
    rows = database.read(lambda tx: tx.all(_TOLD, organization_id=organization_id))
    events = [json.loads(row.body) for row in rows]
    return [
        (event["type"].removeprefix("photon:"), event["data"]) for event in events if event["subject"] in set(subjects)
    ]

"""Orders on their way to a pharmacy network, for tests: a server with a network, and the reports that it would send."""

import hashlib
import hmac
import json
from typing import Any, Final

import httpx

from rxauth.domain import orders
from rxauth.domain.orders import Order
from rxauth.edge.dispatch_sender import DispatchSender
from rxauth.edge.http_pharmacy_network import HttpPharmacyNetwork
from tests.live import Live
from tests.webhook_receiver import LOOPBACK, Receiver

SECRET: Final = "what-this-server-and-the-network-know"
ADDRESS: Final = {"street1": "7 Oak Street", "city": "Albany", "state": "NY", "postalCode": "12207", "country": "US"}
ORDER: Final = """mutation order($patientId: ID!, $fills: [FillInput!]!, $pharmacyId: ID, $address: AddressInput) {
  createOrder(patientId: $patientId, fills: $fills, pharmacyId: $pharmacyId, address: $address) { id state }
}"""
SHOWN: Final = """query order($id: ID!) { order(id: $id) {
  state pharmacy { id } fulfillment { type state carrier trackingNumber } exceptions { type message }
  fills { state filledAt }
} }"""


def signed(body: bytes, at: int, secret: str = SECRET) -> dict[str, str]:
    """Returns the headers of a report, as the guide says."""
    timestamp = str(at)
    signature = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-rxauth-timestamp": timestamp, "x-rxauth-signature": signature}


class Orders:
    """The orders of Alder Clinic, and a network that is a receiver of this test."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.network = Receiver()
        live.edge.pharmacy_network = HttpPharmacyNetwork(self.network.url, SECRET)
        self.token = live.token(live.world.alder)
        known = live.data(
            self.token,
            "{ patients(first: 9) { id } medications(first: 100) { id ... on Medication { type } }"
            " pharmacies(first: 100) { id fulfillmentTypes } }",
        )
        self.patient_id = known["patients"][0]["id"]
        self.treatment_id = next(one["id"] for one in known["medications"] if one["type"] == "OTC")
        self.pharmacies = [one["id"] for one in known["pharmacies"] if "PICK_UP" in one["fulfillmentTypes"]]
        self.by_mail = next(one["id"] for one in known["pharmacies"] if "PICK_UP" not in one["fulfillmentTypes"])

    def stop(self) -> None:
        """Ends the network."""
        self.network.stop()

    def order(self, pharmacy_id: str | None = None, token: str | None = None, **fill: str) -> str:
        """Orders something, by itself one that needs no prescription, and returns the order."""
        values = {
            "patientId": self.patient_id,
            "fills": [fill or {"treatmentId": self.treatment_id}],
            "pharmacyId": pharmacy_id or self.pharmacies[0],
            "address": ADDRESS,
        }
        return str(self.live.data(token or self.token, ORDER, values)["createOrder"]["id"])

    def shown(self, order_id: str) -> dict[str, Any]:
        """Returns what the API shows of an order."""
        found: dict[str, Any] = self.live.data(self.token, SHOWN, {"id": order_id})["order"]
        return found

    def stored(self, order_id: str) -> Order:
        """Returns an order as it is stored."""
        owner = self.live.world.alder.organization_id
        return self.live.server.database.read(lambda tx: orders.by_ids(tx, owner, [order_id])[order_id])

    def tell(self, networks: Any = LOOPBACK, url: str | None = None) -> int:
        """Tells the network what is due, as a round of a server does; returns how many it took."""
        network = HttpPharmacyNetwork(url or self.network.url, SECRET)
        return DispatchSender(self.live.server.database, self.live.clock, network, networks).tell()

    def told(self) -> list[dict[str, Any]]:
        """Returns the bodies that the network got."""
        return [json.loads(one.body) for one in self.network.got]

    def placed(self, pharmacy_id: str | None = None) -> tuple[str, str]:
        """Orders something that the network takes; returns the order and the dispatch."""
        order_id = self.order(pharmacy_id)
        assert self.tell() == 1
        return order_id, str(self.told()[-1]["dispatchId"])

    def report(self, dispatch_id: str, state: str, **said: str) -> httpx.Response:
        """Reports something, signed as it should be."""
        return self.send(json.dumps({"dispatchId": dispatch_id, "state": state, **said}).encode())

    def send(self, body: bytes, **headers: str) -> httpx.Response:
        """Sends a report; headers replace those that are right."""
        good = signed(body, self.live.clock.seconds())
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.live.http.post("/pharmacy-network/reports", content=body, headers=good | changed)

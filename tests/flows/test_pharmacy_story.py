"""The life of two orders over HTTP, and kill -9 in the middle: a patient, a prescription, a pharmacy, every webhook.

What arrives is verified by what is published of it alone: an HMAC of the bytes, and the members of a CloudEvent.
"""

import datetime
import hashlib
import hmac
import json
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sized
from pathlib import Path
from typing import Any

import httpx
import pytest

from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.roles import Role
from rxauth.sandbox.pharmacy import SandboxPharmacy
from tests.conftest import make_world
from tests.live import Live, Process, http_client
from tests.pharmacy_network import ADDRESS, ORDER, SECRET, SHOWN
from tests.prescribing import CREATE, Practice
from tests.webhook_receiver import Got, Receiver
from tests.world import StandingClock, Template, World

SPEED_S = 0.15
HOOK_SECRET = "what-the-receiver-knows"
NEW_YORK = Licence("NY", "1", LicenceStatus.ACTIVE, datetime.date(2099, 1, 1))
HOOK = """mutation hook($url: String!, $secret: String) {
  createWebhookConfig(url: $url, sharedSecret: $secret) { id }
}"""
PATIENT = """mutation patient($address: AddressInput) {
  createPatient(
    name: {first: "Ida", last: "Story"}, dateOfBirth: "1984-02-29", sex: FEMALE, phone: "+12025550170"
    address: $address
  ) { id }
}"""
PHARMACIES = "{ pharmacies(first: 100) { id fulfillmentTypes } }"
MEMBERS = ["id", "type", "specversion", "datacontenttype", "time", "subject", "source", "data"]
WAYS = {"PICK_UP": ["RECEIVED", "READY", "PICKED_UP"], "MAIL_ORDER": ["FILLING", "SHIPPED", "DELIVERED"]}


def verified(got: Got, organization_id: str) -> dict[str, Any]:
    """Returns the event of a request, as a receiver that has read the description would."""
    expected = hmac.new(HOOK_SECRET.encode(), got.body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(got.headers["x-photon-signature"], expected)
    assert abs(int(got.headers["x-photon-timestamp"]) / 1_000 - time.time()) < 600
    event: dict[str, Any] = json.loads(got.body)
    assert list(event) == MEMBERS
    assert (event["specversion"], event["datacontenttype"]) == ("1.0", "application/json")
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", event["id"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", event["time"])
    assert event["source"] == f"org:{organization_id}"
    assert event["data"]["id"] == event["subject"]
    return event


def told(event: dict[str, Any]) -> str:
    """Returns what an event says, in a word or two."""
    what = str(event["type"]).removeprefix("photon:")
    return f"{what} {event['data']['fulfillment']['state']}" if what.endswith("fulfillment") else what


class Story:
    """A clinic with a provider and a webhook, its servers, and a pharmacy that fills what they send."""

    def __init__(self, world: World, folder: Path, servers: int) -> None:
        now = StandingClock(int(time.time()))
        signing_in = Live(world, now)
        practice = Practice(signing_in, NEW_YORK)
        self.organization_id, self.treatment_id = practice.organization_id, practice.treatment
        self.provider = practice.token
        developer = practice.token_of(practice.holders.person(Role.DEVELOPER))
        signing_in.stop()
        self.receiver = Receiver()
        self.is_dead = threading.Event()
        self.is_held: Callable[[dict[str, Any]], bool] = lambda _event: False
        self.held: list[str] = []
        self.receiver.judge = self.judge
        folder.mkdir(exist_ok=True)
        self.pharmacy = SandboxPharmacy(folder / "pharmacy.sqlite", SECRET, SPEED_S)
        self.settings = world.settings
        self.servers = [self.serve() for _ in range(servers)]
        self.http = http_client(timeout=30)
        self.pharmacy.report_to(self.address()).__enter__()
        self.asks(HOOK, developer, url=self.receiver.url, secret=HOOK_SECRET)

    def close(self) -> None:
        """Ends everything."""
        self.is_dead.set()
        for one in self.servers:
            one.stop()
        self.pharmacy.__exit__(None, None, None)
        self.receiver.stop()
        self.http.close()

    def serve(self) -> Process:
        """Starts a server that knows the pharmacy."""
        return Process(
            self.settings,
            RXAUTH_OUTBOUND_NETWORKS="127.0.0.0/8",
            RXAUTH_PHARMACY_NETWORK_URL=self.pharmacy.url,
            RXAUTH_PHARMACY_NETWORK_SECRET=SECRET,
        )

    def address(self) -> str:
        """The server that is asked, and that the pharmacy reports to."""
        return self.servers[-1].url.removeprefix("http://")

    def judge(self, got: Got) -> int:
        """Answers a webhook; the first that is to be held waits until its sender is dead."""
        event = json.loads(got.body)
        if not self.held and self.is_held(event):
            self.held.append(event["id"])
            self.is_dead.wait(30)
        return 200

    def asks(self, document: str, token: str | None = None, **variables: Any) -> Any:
        """Returns the data of a request that must succeed."""
        answer = self.http.post(
            f"{self.servers[-1].url}/graphql",
            json={"query": document, "variables": variables},
            headers={"authorization": f"Bearer {token or self.provider}"},
        )
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    def begin(self) -> dict[str, str]:
        """Writes two prescriptions for a patient and orders each, one from each kind of pharmacy."""
        patient_id = self.asks(PATIENT, address=ADDRESS)["createPatient"]["id"]
        pharmacies = self.asks(PHARMACIES)["pharmacies"]
        orders = {}
        for way in WAYS:
            draft = {"patientId": patient_id, "treatmentId": self.treatment_id, "fillsAllowed": 1}
            draft |= {"dispenseQuantity": 30, "dispenseUnit": "Tablet", "instructions": "Take one tablet daily"}
            prescription_id = self.asks(CREATE, **draft)["createPrescription"]["id"]
            pharmacy_id = next(one["id"] for one in pharmacies if one["fulfillmentTypes"] == [way])
            order = {"patientId": patient_id, "pharmacyId": pharmacy_id, "address": ADDRESS}
            made = self.asks(ORDER, **order, fills=[{"prescriptionId": prescription_id}])["createOrder"]
            assert made["state"] == "PENDING"
            orders[made["id"]] = way
        return orders

    def shown(self, order_id: str) -> dict[str, Any]:
        """Returns what the API shows of an order."""
        found: dict[str, Any] = self.asks(SHOWN, id=order_id)["order"]
        return found

    def heard(self) -> dict[str, list[dict[str, Any]]]:
        """Returns the events that arrived, each once, by what they are of, in the order in which they came first."""
        found: defaultdict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
        for got in list(self.receiver.got):
            event = verified(got, self.organization_id)
            assert found[event["subject"]].setdefault(event["id"], event) == event
        return {subject: list(events.values()) for subject, events in found.items()}

    def until(self, is_so: Callable[[], bool]) -> None:
        """Waits for what others do."""
        deadline = time.monotonic() + 40
        while not is_so():
            assert time.monotonic() < deadline, {one: [told(each) for each in of] for one, of in self.heard().items()}
            time.sleep(0.02)

    def is_over(self, orders: Sized) -> bool:
        """Tells whether the last event arrived of each order, and of the prescription of each."""
        last = Counter(told(events[-1]) for events in self.heard().values())
        return last == {"order:completed": len(orders), "prescription:depleted": len(orders)}

    def check(self, orders: dict[str, str]) -> None:
        """Checks that nothing was lost, and that all of it came in order."""
        heard = self.heard()
        for order_id, way in orders.items():
            steps = [f"order:fulfillment {one}" for one in WAYS[way]]
            assert [told(one) for one in heard.pop(order_id)] == [
                "order:created",
                "order:placed",
                *steps,
                "order:completed",
            ]
            order = self.shown(order_id)
            assert (order["state"], order["fulfillment"]["state"]) == ("COMPLETED", WAYS[way][-1])
            assert (order["fulfillment"]["trackingNumber"] is None) == (way == "PICK_UP")
            assert [one["filledAt"] is None for one in order["fills"]] == [False]
        of_prescriptions = [[told(one) for one in events] for events in heard.values()]
        assert of_prescriptions == [["prescription:created", "prescription:depleted"]] * len(orders)


def test_a_life_of_two_orders_with_a_server_that_is_killed_in_the_middle(sqlite_world: World, tmp_path: Path) -> None:
    story = Story(sqlite_world, tmp_path, 1)
    story.is_held = lambda event: told(event) == "prescription:created"
    seen: list[str] = []

    def is_seen(state: str) -> bool:
        order = story.shown(next(iter(orders)))
        now = order["state"] if order["fulfillment"] is None else order["fulfillment"]["state"]
        seen.extend([now] if now not in seen else [])
        return state in seen

    try:
        orders = story.begin()
        story.until(lambda: is_seen("RECEIVED"))
        story.servers.pop().kill()
        story.is_dead.set()
        story.servers.append(story.serve())
        story.pharmacy.report_to(story.address())
        story.until(lambda: is_seen("PICKED_UP") and story.is_over(orders))
        story.check(orders)
        walk = ["PENDING", "SENT", *WAYS["PICK_UP"]]
        assert seen == [one for one in walk if one in seen]
        # What nobody was known to have taken came again, byte for byte.
        again = [got.body for got in story.receiver.got if json.loads(got.body)["id"] == story.held[0]]
        assert len(again) >= 2
        assert len(set(again)) == 1
    finally:
        story.close()


@pytest.mark.proof
def test_whichever_of_two_servers_is_killed_at_whichever_event_nothing_is_lost(
    templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, *, is_whole: bool
) -> None:
    events = 4 + 2 * 6
    for number in range(events) if is_whole else [5]:
        world = make_world("postgresql", templates, tmp_path_factory)
        story = Story(world, tmp_path / str(number), 2)
        story.is_held = lambda _event, story=story, number=number: len(story.receiver.got) > number  # type: ignore[misc]
        try:
            orders = story.begin()
            story.until(lambda: bool(story.held))  # noqa: B023  # it is called in this round
            story.servers.pop(0).kill()
            story.is_dead.set()
            story.until(lambda: story.is_over(orders))  # noqa: B023
            story.check(orders)
        except httpx.TransportError as error:
            pytest.fail(f"the server that was not killed: {error}")
        finally:
            story.close()
            templates["postgresql"].take_back(world)

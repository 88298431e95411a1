"""The sandbox pharmacy over real HTTP: it takes what is signed, goes on step by step, and reports until it is heard."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from rxauth.sandbox.pharmacy import SandboxPharmacy
from tests.live import http_client
from tests.pharmacy_network import SECRET, signed
from tests.webhook_receiver import Got, Receiver

QUICK_S = 0.01


class Counter:
    """A pharmacy, and the server that it reports to."""

    def __init__(self, folder: Path, speed_s: float = QUICK_S) -> None:
        self.file = folder / "pharmacy.sqlite"
        self.server = Receiver()
        self.http = http_client()
        self.speed_s = speed_s
        self.open()

    def open(self) -> None:
        """Opens the pharmacy, which knows what it knew."""
        self.pharmacy = SandboxPharmacy(self.file, SECRET, self.speed_s)
        self.pharmacy.report_to(self.server.url.removeprefix("http://").partition("/")[0]).__enter__()

    def close(self) -> None:
        """Closes the pharmacy."""
        self.pharmacy.__exit__(None, None, None)

    def post(self, told: object, **headers: str) -> httpx.Response:
        """Posts something to it, signed unless headers say otherwise."""
        body = json.dumps(told).encode()
        return self.http.post(self.pharmacy.url, content=body, headers=signed(body, int(time.time())) | headers)

    def place(
        self, dispatch_id: str, kind: str = "PICK_UP", notes: str | None = None, name: str = "Elm"
    ) -> httpx.Response:
        """Sends an order."""
        fill = {"id": "fil_1", "prescription": None if notes is None else {"notes": notes}}
        pharmacy = {"id": "phr_1", "name": name, "fulfillmentTypes": [kind]}
        return self.post({"act": "place", "dispatchId": dispatch_id, "pharmacy": pharmacy, "fills": [fill]})

    def cancel(self, dispatch_id: str) -> httpx.Response:
        """Takes an order back."""
        return self.post({"act": "cancel", "dispatchId": "dsp_cancel", "takesBack": dispatch_id})

    def states(self, dispatch_id: str) -> list[str]:
        """Returns what it reported of an order."""
        return [one.event["state"] for one in self.server.got if one.event["dispatchId"] == dispatch_id]


def until(is_so: Callable[[], bool]) -> None:
    """Waits for what happens beside."""
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    """A quick pharmacy."""
    made = Counter(tmp_path)
    yield made
    made.close()
    made.server.stop()
    made.http.close()


@pytest.mark.parametrize(
    ("kind", "steps"),
    [("PICK_UP", ["RECEIVED", "READY", "PICKED_UP"]), ("MAIL_ORDER", ["FILLING", "SHIPPED", "DELIVERED"])],
)
def test_an_order_goes_through_its_whole_life(counter: Counter, kind: str, steps: list[str]) -> None:
    assert [counter.place("dsp_1", kind).status_code for _ in range(2)] == [202, 202]
    until(lambda: len(counter.server.got) == 3)
    assert counter.states("dsp_1") == steps
    for got in counter.server.got:
        assert got.path == "/pharmacy-network/reports"
        stamped = int(got.headers["x-rxauth-timestamp"])
        assert got.headers.items() >= signed(got.body, stamped).items()
        is_on_its_way = got.event["state"] in {"SHIPPED", "DELIVERED"}
        assert ("trackingNumber" in got.event, "carrier" in got.event) == (is_on_its_way, is_on_its_way)


def test_what_is_not_signed_is_not_taken(counter: Counter) -> None:
    assert counter.post({"act": "place"}, **{"x-rxauth-signature": "0" * 64}).status_code == 401
    assert counter.post({"act": "place"}, **{"x-rxauth-timestamp": str(int(time.time()) - 3_600)}).status_code == 401


@pytest.mark.parametrize(
    "told", [[], {}, {"act": "place"}, {"act": "cancel"}, "x", {"act": "place", "dispatchId": "d"}]
)
def test_what_is_no_order_is_refused(counter: Counter, told: Any) -> None:
    answer = counter.post(told)
    assert (answer.status_code, answer.json()["reason"]) == (422, "UNREADABLE")


def test_a_note_or_the_name_of_the_pharmacy_has_it_refuse(counter: Counter) -> None:
    noted = counter.place("dsp_1", notes="By the door. sandbox: refuse")
    named = counter.place("dsp_2", name="Sample Pharmacy That Refuses")
    assert [(one.status_code, one.json()["reason"]) for one in (noted, named)] == [(422, "REFUSED_BY_PHARMACY")] * 2
    assert counter.place("dsp_3", notes="sandbox: refuse later").status_code == 202
    until(lambda: len(counter.server.got) == 2)
    assert counter.states("dsp_3") == ["RECEIVED", "REFUSED"]
    assert counter.server.got[-1].event["reason"] == "OUT_OF_STOCK"


def test_a_report_is_sent_again_until_it_is_taken_and_none_comes_before_it(counter: Counter) -> None:
    answers = iter([503, 401, 200, 200, 200])
    counter.server.judge = lambda _got: next(answers)
    counter.place("dsp_1")
    until(lambda: len(counter.server.got) == 5)
    assert counter.states("dsp_1") == ["RECEIVED", "RECEIVED", "RECEIVED", "READY", "PICKED_UP"]


def test_an_order_that_nobody_wants_to_hear_of_is_over(counter: Counter) -> None:
    counter.server.judge = lambda got: 409 if got.event["dispatchId"] == "dsp_1" else 200
    counter.place("dsp_1")
    counter.place("dsp_2")
    until(lambda: counter.states("dsp_2")[-1:] == ["PICKED_UP"])
    assert counter.states("dsp_1") == ["RECEIVED"]


def test_a_pharmacy_that_is_opened_again_goes_on_where_it_was(counter: Counter) -> None:
    is_first = True

    def judge(_got: Got) -> int:
        return 200 if (is_first and len(counter.server.got) == 1) or not is_first else 503

    counter.server.judge = judge
    counter.place("dsp_1")
    until(lambda: len(counter.server.got) == 2)
    counter.close()
    is_first = False
    counter.open()
    until(lambda: counter.states("dsp_1")[-1] == "PICKED_UP")
    assert list(dict.fromkeys(counter.states("dsp_1"))) == ["RECEIVED", "READY", "PICKED_UP"]
    assert counter.file.stat().st_mode & 0o777 == 0o600


def test_an_order_is_taken_back_unless_the_medicine_is_gone(tmp_path: Path) -> None:
    slow = Counter(tmp_path, speed_s=3_600)
    assert slow.cancel("dsp_of_nobody").status_code == 202
    slow.place("dsp_1")
    assert slow.cancel("dsp_1").status_code == 202
    slow.close()
    slow.speed_s = QUICK_S
    slow.open()
    slow.place("dsp_2")
    until(lambda: slow.states("dsp_2")[-1:] == ["PICKED_UP"])
    until(lambda: slow.cancel("dsp_2").status_code == 422)  # once the pharmacy has read the answer to its report
    assert slow.cancel("dsp_2").json()["reason"] == "ALREADY_GONE"
    assert slow.states("dsp_1") == []
    slow.close()
    slow.server.stop()
    slow.http.close()

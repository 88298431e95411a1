"""Orders told to a pharmacy network over real HTTP: signed, in order, and never given up quietly."""

import datetime
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from rxauth.app import make_app
from rxauth.domain import dispatches, order_sending
from rxauth.domain.audit import Event
from rxauth.domain.dispatches import PATIENCE
from rxauth.domain.leases import LEASE_S
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.settings import SettingsError
from tests.domain.test_audit import entries
from tests.live import Live
from tests.pharmacy_network import SECRET, Orders, signed
from tests.prescribing import Practice
from tests.world import NOW, StandingClock, make_settings

REFUSAL = b'{"reason":"OUT_OF_NETWORK","message":"We do not\\u0000 deliver there."}'


@pytest.fixture
def desk(live: Live) -> Iterator[Orders]:
    """The orders of a server."""
    made = Orders(live)
    yield made
    made.stop()


def test_a_network_is_told_what_a_pharmacy_needs_and_then_the_order_is_placed(desk: Orders) -> None:
    practice = Practice(desk.live)
    desk.patient_id = practice.patients["NY"]
    written = practice.written(fillsAllowed=2, notes="By the door")
    order_id = desk.order(token=practice.token, prescriptionId=written["id"])
    assert desk.shown(order_id)["state"] == "PENDING"
    assert [desk.tell(), desk.tell()] == [1, 0]
    [got] = desk.network.got
    assert got.headers.items() >= signed(got.body, NOW).items()
    [told] = desk.told()
    assert got.headers["idempotency-key"] == told["dispatchId"]
    assert (told["act"], told["orderId"], told["pharmacy"]["id"]) == ("place", order_id, desk.pharmacies[0])
    assert told["organization"]["name"] == "Alder Clinic"
    assert told["patient"].keys() == {"name", "dateOfBirth", "sex", "phone", "address"}
    assert told["patient"]["address"]["street1"] == "7 Oak Street"
    [fill] = told["fills"]
    prescription = fill["prescription"]
    assert prescription["prescriber"] == {
        "name": {"first": "Ada", "middle": None, "last": "Marsh", "title": None},
        "NPI": "1234567893",
    }
    expected = {"id": written["id"], "dispenseQuantity": 30, "dispenseUnit": "Tablet", "notes": "By the door"}
    assert prescription.items() >= {**expected, "doNotFillBefore": None}.items()
    assert fill["treatment"]["id"] == practice.treatment
    shown = desk.shown(order_id)
    assert (shown["state"], shown["fulfillment"]["state"]) == ("PLACED", "SENT")


def test_what_the_network_refuses_with_a_reason_is_an_error_of_the_order(desk: Orders) -> None:
    desk.network.judge, desk.network.content = lambda _got: 422, REFUSAL
    order_id = desk.order()
    assert [desk.tell(), desk.tell()] == [0, 0]
    shown = desk.shown(order_id)
    assert shown["state"] == "ERROR"
    assert shown["exceptions"] == [{"type": "OUT_OF_NETWORK", "message": "We do not  deliver there."}]


@pytest.mark.parametrize(
    ("status", "content"),
    [(401, b""), (404, b"<html>"), (408, b""), (429, b"[1]"), (500, REFUSAL), (503, b""), (422, b'{"reason":""}')],
)
def test_what_gives_no_reason_refuses_nothing_and_is_told_again(desk: Orders, status: int, content: bytes) -> None:
    desk.network.judge, desk.network.content = lambda _got: status, content
    order_id = desk.order()
    assert [desk.tell(), desk.tell()] == [0, 0]
    assert desk.shown(order_id)["state"] == "PENDING"
    desk.live.clock.advance(PATIENCE.first_pause_s)
    desk.network.judge, desk.network.content = lambda _got: 200, b""
    assert desk.tell() == 1
    first, second = desk.network.got
    assert first.body == second.body
    assert desk.shown(order_id)["state"] == "PLACED"


def test_an_order_that_no_network_takes_in_a_day_says_so(desk: Orders) -> None:
    desk.network.judge = lambda _got: 503
    order_id = desk.order()
    desk.tell()
    desk.live.clock.advance(PATIENCE.given_up_after_s - 1)
    desk.tell()
    assert desk.stored(order_id).state == "PENDING"
    desk.live.clock.advance(PATIENCE.longest_pause_s)
    desk.tell()
    desk.token = desk.live.token(desk.live.world.alder)
    shown = desk.shown(order_id)
    assert shown["state"] == "ERROR"
    [exception] = shown["exceptions"]
    assert exception["type"] == "NETWORK_UNREACHABLE"
    assert "within 24 hours" in exception["message"]
    assert "http_503" in exception["message"]


def test_the_day_begins_with_the_first_attempt_and_not_with_the_order(desk: Orders) -> None:
    order_id = desk.order()
    desk.live.clock.advance(7 * 86_400)  # nobody had set a network
    desk.network.judge = lambda _got: 503
    desk.tell()
    assert desk.stored(order_id).state == "PENDING"
    desk.live.clock.advance(PATIENCE.first_pause_s)
    desk.network.judge = lambda _got: 200
    assert desk.tell() == 1


def test_an_order_that_is_canceled_is_taken_back_after_it_was_told(desk: Orders) -> None:
    order_id, dispatch_id = desk.placed()
    desk.live.data(desk.token, "mutation c($id: ID!) { cancelOrder(id: $id) { state } }", {"id": order_id})
    assert desk.tell() == 1
    told = desk.told()[-1]
    assert (told["act"], told["takesBack"], told["orderId"]) == ("cancel", dispatch_id, order_id)
    assert told.keys() == {"dispatchId", "act", "orderId", "pharmacy", "takesBack"}
    assert desk.shown(order_id)["state"] == "CANCELED"


def test_a_dispatch_of_a_process_that_died_is_taken_over_when_its_lease_is_up(desk: Orders) -> None:
    order_id = desk.order()
    database = desk.live.server.database
    assert database.write(lambda tx: dispatches.claim(tx, NOW)) is not None
    desk.live.clock.advance(LEASE_S - 1)
    assert desk.tell() == 0
    desk.live.clock.advance(1)
    assert desk.tell() == 1
    assert desk.shown(order_id)["state"] == "PLACED"


def test_no_network_that_is_private_is_told_whatever_its_name_says(desk: Orders) -> None:
    """Threat M-24: the address is judged at each send."""
    order_id = desk.order()
    with capture_logs() as logged:
        assert desk.tell(networks=()) == 0
    assert desk.network.got == []
    assert [one["outcome"] for one in logged] == ["forbidden_address"]
    assert desk.shown(order_id)["state"] == "PENDING"


def test_an_answer_without_end_is_not_read_to_its_end(desk: Orders) -> None:
    desk.network.judge, desk.network.content = lambda _got: 422, b'{"reason":"' + b"A" * 5_000_000
    order_id = desk.order()
    assert desk.tell() == 0
    assert desk.shown(order_id)["state"] == "PENDING"


def test_a_report_may_come_before_the_answer(desk: Orders) -> None:
    order_id = desk.order()

    def report_at_once(_got: object) -> int:
        dispatch_id = desk.told()[-1]["dispatchId"]
        for state in ("RECEIVED", "READY"):
            assert desk.report(dispatch_id, state).json() == {"applied": True}
        return 202

    desk.network.judge = report_at_once
    assert desk.tell() == 1
    shown = desk.shown(order_id)
    assert (shown["state"], shown["fulfillment"]["state"]) == ("PLACED", "READY")


def test_no_log_line_has_the_url_the_secret_or_the_patient(desk: Orders) -> None:
    desk.order()
    desk.order()
    desk.network.judge, desk.network.content = lambda _got: 500 if len(desk.network.got) == 1 else 202, REFUSAL
    with capture_logs() as logged:
        desk.tell()
    assert {one["event"] for one in logged} == {"dispatch_taken", "dispatch_not_taken"}
    last_name = desk.told()[0]["patient"]["name"]["last"]
    for text in (desk.network.url, "127.0.0.1", SECRET, last_name, "Oak Street", "deliver"):
        assert text not in str(logged)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/o", "https://10.0.0.1/o", "http://network.example.com/o", "ftp://x/o"]
)
def test_no_server_starts_with_a_network_that_nothing_may_be_sent_to(url: str) -> None:
    """Threat M-24: at set."""
    settings = make_settings("sqlite:///unused", None, pharmacy_network_url=url, pharmacy_network_secret=SECRET)
    with pytest.raises(SettingsError, match="RXAUTH_PHARMACY_NETWORK_URL"):
        make_app(settings, StandingClock())


def waiting_order(desk: Orders, practice: Practice, token: str | None = None, **changes: str) -> str:
    """Orders a prescription that may not be filled before tomorrow."""
    desk.patient_id = practice.patients["NY"]
    written = practice.written(token, fillsAllowed=2, doNotFillBeforeDate="2026-11-24", **changes)
    return desk.order(prescriptionId=written["id"])


def test_an_order_waits_for_the_day_before_which_it_may_not_be_filled(desk: Orders) -> None:
    order_id = waiting_order(desk, Practice(desk.live))
    midnight_in_new_york = 1_795_496_400
    desk.live.clock.advance(midnight_in_new_york - NOW - 1)
    desk.token = desk.live.token(desk.live.world.alder)
    assert (desk.tell(), desk.shown(order_id)["state"]) == (0, "PENDING")
    desk.live.clock.advance(1)
    assert (desk.tell(), desk.shown(order_id)["state"]) == (1, "PLACED")


def test_an_order_that_waited_is_judged_once_more_before_it_is_sent(desk: Orders) -> None:
    """Decision 24: what was right when it was ordered may be wrong when it is sent."""
    practice = Practice(desk.live)
    expired_id = waiting_order(desk, practice, effectiveDate="2025-11-24")
    other = practice.holders.provider(Licence("NY", "778", LicenceStatus.ACTIVE, datetime.date(2030, 1, 1)))
    suspended_id = waiting_order(desk, practice, practice.token_of(other))
    practice.suspend(user_id=other)
    desk.live.clock.advance(3 * 86_400)
    desk.token = desk.live.token(desk.live.world.alder)
    assert (desk.tell(), desk.network.got) == (0, [])
    exceptions = "query($id: ID!) { order(id: $id) { state exceptions { type message } } }"
    for order_id, reason in ((expired_id, order_sending.PRESCRIPTION), (suspended_id, order_sending.WRITER)):
        order = desk.live.data(desk.token, exceptions, {"id": order_id})["order"]
        assert (order["state"], [one["type"] for one in order["exceptions"]]) == ("ERROR", [reason])
    [entry] = entries(desk.live.world, Event.PRESCRIPTION_REFUSED)
    assert (entry["actor"], entry["reason"]) == ({"kind": "server", "id": None}, "authority_suspended")


def test_what_an_earlier_attempt_may_have_told_is_taken_back_when_it_may_not_be_sent_any_more(desk: Orders) -> None:
    practice = Practice(desk.live)
    desk.patient_id = practice.patients["NY"]
    desk.network.judge = lambda _got: 503
    order_id = desk.order(prescriptionId=practice.written()["id"])
    assert desk.tell() == 0
    practice.suspend()
    desk.network.judge = lambda _got: 202
    desk.live.clock.advance(PATIENCE.first_pause_s)
    assert [desk.tell(), desk.tell()] == [1, 0]
    assert [one["act"] for one in desk.told()] == ["place", "cancel"]
    assert desk.told()[1]["takesBack"] == desk.told()[0]["dispatchId"]
    assert desk.shown(order_id)["state"] == "ERROR"

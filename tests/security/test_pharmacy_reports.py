"""Attacks on the reports of a pharmacy network: forged, replayed, oversized, or of an order that is elsewhere now."""

import json
from collections.abc import Iterator

import pytest

from rxauth.crypto.signed_messages import WINDOW_S
from rxauth.domain.audit import Event
from rxauth.edge.guards import BODY_LIMIT_BYTES
from tests.domain.test_audit import entries
from tests.live import Live
from tests.pharmacy_network import Orders, signed
from tests.world import NOW

UNPROVEN = {
    "error": "invalid_signature",
    "error_description": "The report is not signed with the shared secret, or its timestamp is not of this moment.",
}


@pytest.fixture
def desk(sqlite_live: Live) -> Iterator[Orders]:
    """The orders of a server."""
    made = Orders(sqlite_live)
    yield made
    made.stop()


def report(dispatch_id: str, state: str = "RECEIVED", **said: str) -> bytes:
    """Returns the body of a report."""
    return json.dumps({"dispatchId": dispatch_id, "state": state, **said}).encode()


def forgeries(body: bytes) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Returns bodies and headers that nobody who has the secret sent just now."""
    good = signed(body, NOW)
    return {
        "no signature": (body, good | {"x-rxauth-signature": ""}),
        "no timestamp": (body, good | {"x-rxauth-timestamp": ""}),
        "another secret": (body, signed(body, NOW, "a-secret-that-nobody-here-has-set-x")),
        "another body": (body.replace(b"RECEIVED", b"PICKED_UP"), good),
        "another time": (body, good | {"x-rxauth-timestamp": str(NOW + 1)}),
        "the signature of nothing": (body, good | {"x-rxauth-signature": signed(b"", NOW)["x-rxauth-signature"]}),
        "in capitals": (body, good | {"x-rxauth-signature": good["x-rxauth-signature"].upper()}),
        "cut short": (body, good | {"x-rxauth-signature": good["x-rxauth-signature"][:32]}),
        "no hex": (body, good | {"x-rxauth-signature": "\u00e9" * 64}),
        "too old": (body, signed(body, NOW - WINDOW_S - 1)),
        "of the future": (body, signed(body, NOW + WINDOW_S + 1)),
        "no number": (body, good | {"x-rxauth-timestamp": "now"}),
        "a number without end": (body, good | {"x-rxauth-timestamp": "9" * 5_000}),
    }


@pytest.mark.parametrize("which", forgeries(b"{}"))
def test_a_forged_or_old_report_changes_nothing(desk: Orders, which: str) -> None:
    order_id, dispatch_id = desk.placed()
    body, headers = forgeries(report(dispatch_id))[which]
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    answer = desk.live.http.post("/pharmacy-network/reports", content=body, headers=list(raw.items()))
    assert (answer.status_code, answer.json()) == (401, UNPROVEN)
    assert answer.headers["www-authenticate"] == 'HMAC-SHA256 realm="rxauth"'
    assert desk.shown(order_id)["fulfillment"]["state"] == "SENT"


def test_a_report_that_is_replayed_does_nothing_and_later_is_refused(desk: Orders) -> None:
    order_id, dispatch_id = desk.placed()
    body = report(dispatch_id)
    headers = signed(body, NOW)
    assert desk.send(body, **headers).json() == {"applied": True}
    assert desk.report(dispatch_id, "READY").json() == {"applied": True}
    replayed = desk.send(body, **headers)
    assert (replayed.status_code, replayed.json()) == (200, {"applied": False})
    assert desk.shown(order_id)["fulfillment"]["state"] == "READY"
    desk.live.clock.advance(WINDOW_S + 1)
    assert desk.live.http.post("/pharmacy-network/reports", content=body, headers=headers).status_code == 401


def test_a_dispatch_that_is_sent_back_is_no_report(desk: Orders) -> None:
    desk.placed()
    [got] = desk.network.got
    headers = {name: got.headers[name] for name in ("x-rxauth-timestamp", "x-rxauth-signature", "content-type")}
    answer = desk.live.http.post("/pharmacy-network/reports", content=got.body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_a_body_that_is_too_large_is_not_read(desk: Orders) -> None:
    answer = desk.send(b" " * (BODY_LIMIT_BYTES + 1))
    assert (answer.status_code, answer.json()["error"]) == (413, "invalid_request")


def test_a_form_of_a_foreign_page_is_not_read(desk: Orders) -> None:
    answer = desk.send(report("dsp_1"), content_type="text/plain")
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"dispatchId": "dsp_1"}',
        b'{"dispatchId": 1, "state": "READY"}',
        b'{"dispatchId": "dsp_\\u0000", "state": "READY"}',
        b'{"dispatchId": "dsp_1", "state": "EATEN"}',
        b'{"dispatchId": "dsp_1", "state": "REFUSED"}',
        b'{"dispatchId": "dsp_1", "state": "REFUSED", "reason": "two words"}',
        b'{"dispatchId": "dsp_1", "state": "SHIPPED", "carrier": "' + b"x" * 101 + b'"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_report_is_refused_and_not_repeated(desk: Orders, body: bytes) -> None:
    answer = desk.send(body)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "EATEN" not in answer.text


def test_an_unknown_dispatch_is_not_found(desk: Orders) -> None:
    answer = desk.report("dsp_01ARZ3NDEKTSV4RRFFQ69G5FAV", "READY")
    assert (answer.status_code, answer.json()["error"]) == (404, "unknown_dispatch")


def test_a_pharmacy_that_an_order_was_taken_from_says_nothing_of_it_any_more(desk: Orders) -> None:
    order_id, dispatch_id = desk.placed()
    desk.live.data(
        desk.token,
        "mutation r($id: ID!, $to: ID!) { rerouteOrder(id: $id, pharmacyId: $to) { id } }",
        {"id": order_id, "to": desk.pharmacies[1]},
    )
    answer = desk.report(dispatch_id, "PICKED_UP")
    assert (answer.status_code, answer.json()["error"]) == (409, "not_allowed")
    assert desk.shown(order_id)["state"] == "PENDING"


def test_a_step_that_the_order_does_not_allow_is_refused_with_what_it_allows(desk: Orders) -> None:
    order_id, dispatch_id = desk.placed()
    assert desk.report(dispatch_id, "RECEIVED").status_code == 200
    answer = desk.report(dispatch_id, "SHIPPED")
    assert (answer.status_code, answer.json()["error"]) == (409, "not_allowed")
    assert "RECEIVED, READY, PICKED_UP" in answer.json()["error_description"]
    assert desk.shown(order_id)["fulfillment"]["state"] == "RECEIVED"


def test_control_characters_get_into_no_order(desk: Orders) -> None:
    order_id, dispatch_id = desk.placed(desk.by_mail)
    answer = desk.report(dispatch_id, "SHIPPED", carrier="UPS\x00\x1b[31m")
    assert answer.status_code == 409
    assert desk.shown(order_id)["fulfillment"]["state"] == "SENT"


def test_without_a_network_nobody_can_report(desk: Orders) -> None:
    _, dispatch_id = desk.placed()
    desk.live.edge.pharmacy_network = None
    assert desk.report(dispatch_id, "READY").status_code == 404


def test_a_flood_of_forged_reports_is_one_record_and_a_number(desk: Orders) -> None:
    assert {desk.send(b"{}", x_rxauth_signature="00").status_code for _ in range(3)} == {401}
    desk.live.stop()
    refused = entries(desk.live.world, Event.REQUEST_REFUSED)
    assert sorted((one["reason"], one["count"]) for one in refused) == [("invalid_signature", n) for n in (1, 2)]

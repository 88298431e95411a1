"""Orders and their fills: read, searched, and reached from their patients."""

from typing import Any

import pytest

from tests.api.answers import code
from tests.api.documents import FILL, ORDER, ORDERS
from tests.live import Live

MAYA_ADDRESS = {
    "name": None,
    "city": "Brooklyn",
    "country": "US",
    "postalCode": "11201",
    "state": "NY",
    "street1": "18 Sample Pl",
    "street2": "Apt 4B",
}
STATES = {"ROUTING": 2, "PENDING": 0, "PLACED": 5, "COMPLETED": 13, "CANCELED": 1, "ERROR": 1}


def search(live: Live, token: str, **criteria: str | None) -> list[dict[str, Any]]:
    """Returns every order that a filter finds."""
    found = live.data(token, ORDERS, {"filter": criteria, "first": 100})["orders"]
    return list(found)


def test_an_order_shows_what_it_is_where_it_goes_and_how_far_it_is(reading: Live, reader: str) -> None:
    (listed,) = search(reading, reader, patientName="maya", state="PLACED")

    order = reading.data(reader, ORDER, {"id": listed["id"]})["order"]

    assert order == listed
    (fill,) = order["fills"]
    assert order == {
        "id": order["id"],
        "externalId": None,
        "state": "PLACED",
        "fills": [
            {
                "id": fill["id"],
                "prescription": {"id": fill["prescription"]["id"]},
                "treatment": {"name": "montelukast 10 MG Oral Tablet"},
                "state": "SENT",
                "requestedAt": "2026-11-21T12:00:00.000Z",
                "filledAt": None,
            }
        ],
        "patient": {
            "id": order["patient"]["id"],
            "externalId": "sample-001",
            "name": {"full": "Maya Okonkwo-Reyes"},
            "dateOfBirth": "1986-03-14",
            "sex": "FEMALE",
            "gender": "Woman",
            "email": "maya-okonkwo-reyes@example.com",
            "phone": "+17185550130",
            "address": MAYA_ADDRESS,
        },
        "pharmacy": {
            "id": order["pharmacy"]["id"],
            "name": "Sample Court Street Apothecary",
            "phone": "+17185550104",
            "address": {
                "name": None,
                "city": "Brooklyn",
                "country": "US",
                "postalCode": "11201",
                "state": "NY",
                "street1": "150 Court St",
                "street2": None,
            },
        },
        "fulfillment": {"type": "PICK_UP", "state": "READY", "carrier": None, "trackingNumber": None},
        "createdAt": "2026-11-21T12:00:00.000Z",
    }


@pytest.mark.parametrize("state", STATES)
def test_orders_are_filtered_by_state(reading: Live, reader: str, state: str) -> None:
    found = search(reading, reader, state=state)

    assert len(found) == STATES[state]
    assert {one["state"] for one in found} <= {state}


def test_an_order_whose_patient_has_yet_to_choose_has_no_pharmacy(reading: Live, reader: str) -> None:
    for order in search(reading, reader, state="ROUTING"):
        assert (order["pharmacy"], order["fulfillment"]) == (None, None)
        assert [fill["state"] for fill in order["fills"]] == ["NEW"]


def test_a_completed_order_says_when_it_was_filled(reading: Live, reader: str) -> None:
    for order in search(reading, reader, state="COMPLETED"):
        assert all(fill["filledAt"] == order["createdAt"] for fill in order["fills"])


@pytest.mark.parametrize("name", ["sean", "o'connell sean", "PATRICK"])
def test_orders_are_filtered_by_patient(reading: Live, reader: str, name: str) -> None:
    by_name = search(reading, reader, patientName=name)
    by_id = search(reading, reader, patientId=by_name[0]["patient"]["id"])

    assert len(by_name) == 3
    assert by_name == by_id
    assert [one["createdAt"] for one in by_name] == sorted((one["createdAt"] for one in by_name), reverse=True)
    for name_of_nobody in ("connell", "%", ""):
        assert search(reading, reader, patientName=name_of_nobody) == []
    assert search(reading, reader, patientId="pat_nobody") == []


def test_criteria_hold_together(reading: Live, reader: str) -> None:
    (placed,) = search(reading, reader, patientName="sean", state="PLACED")
    patient_id = placed["patient"]["id"]

    assert search(reading, reader, patientName="sean", state="PLACED", patientId=patient_id) == [placed]
    assert search(reading, reader, patientName="maya", patientId=patient_id) == []
    assert search(reading, reader, patientName="sean", state="ERROR") == []
    assert len(search(reading, reader, patientName=None, state=None, patientId=None)) == 22


def test_a_patient_shows_a_page_of_its_orders(reading: Live, reader: str) -> None:
    document = """
    query($after: ID, $first: Int, $state: OrderState) {
      patient(id: "sample-002") { orders(filter: {state: $state}, after: $after, first: $first) { id state } }
    }"""

    def page(**variables: Any) -> list[dict[str, str]]:
        return list(reading.data(reader, document, variables)["patient"]["orders"])

    whole = page()
    assert [one["id"] for one in whole] == [one["id"] for one in search(reading, reader, patientName="sean")]
    assert page(first=2) == whole[:2]
    assert page(first=2, after=whole[1]["id"]) == whole[2:]
    assert page(state="COMPLETED") == whole[1:]
    assert page(state="COMPLETED", first=1) == whole[1:2]
    assert page(state="ROUTING") == []


def test_each_patient_of_a_list_shows_a_page_of_its_own_orders(reading: Live, reader: str) -> None:
    document = "{ patients(first: 100) { id orders(first: 1) { id patient { id } } } }"

    shown = reading.data(reader, document)["patients"]

    newest: dict[str, str] = {}
    for order in search(reading, reader):
        newest.setdefault(order["patient"]["id"], order["id"])
    assert {one["id"]: one["orders"][0]["id"] for one in shown if one["orders"]} == newest
    assert all(order["patient"]["id"] == one["id"] for one in shown for order in one["orders"])


def test_a_fill_is_read_by_itself(reading: Live, reader: str) -> None:
    (order,) = search(reading, reader, patientName="maya", state="PLACED")
    (of_order,) = order["fills"]

    fill = reading.data(reader, FILL, {"id": of_order["id"]})["fill"]

    assert fill == {
        "id": of_order["id"],
        "treatment": {
            "id": fill["treatment"]["id"],
            "name": "montelukast 10 MG Oral Tablet",
            "codes": {"rxcui": None},
        },
        "prescription": {"id": of_order["prescription"]["id"], "externalId": None},
        "state": "SENT",
        "requestedAt": "2026-11-21T12:00:00.000Z",
        "filledAt": None,
        "order": {"id": order["id"]},
    }


@pytest.mark.parametrize("field", ["order", "fill", "prescription"])
@pytest.mark.parametrize("identifier", ["", "nothing", "ord_01M844DZG0XYZXYZXYZXYZXYZX"])
def test_what_is_not_there_is_null(reading: Live, reader: str, field: str, identifier: str) -> None:
    document = f"query($id: ID!) {{ {field}(id: $id) {{ id }} }}"

    assert reading.data(reader, document, {"id": identifier}) == {field: None}


@pytest.mark.parametrize("state", ["placed", "SENT", 1, ["PLACED", "ROUTING"]])
def test_a_state_that_no_order_has_is_refused(reading: Live, reader: str, state: Any) -> None:
    assert code(reading.graphql(reader, ORDERS, {"filter": {"state": state}})) == "BAD_USER_INPUT"

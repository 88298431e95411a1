"""Orders: made, added to, routed, canceled, and refused with what would do."""

import datetime
from collections.abc import Callable
from typing import Any

import pytest

from rxauth.domain.ordering import FILLS_LIMIT
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error, unique
from tests.api.documents import CREATE_ORDER
from tests.ordering import Counter
from tests.prescribing import CANCEL, CREATE_ALL

ADDRESS = {"street1": "1 Main St", "city": "Albany", "state": "NY", "postalCode": "12207", "country": "US"}


def refused(answer: Any, code_wanted: str = "BAD_USER_INPUT") -> str:
    """Returns the message of the only error, which has a code."""
    assert code(answer) == code_wanted
    return str(the_error(answer)["message"])


def test_the_published_sdk_orders_a_prescription(counter: Counter) -> None:
    prescription, external_id = counter.prescription(2), unique()
    values = {
        "externalId": external_id,
        "patientId": counter.patient_id,
        "fills": [{"prescriptionId": prescription}],
        "address": ADDRESS,
        "pharmacyId": counter.pharmacies[0],
    }

    made = counter.live.data(counter.token, CREATE_ORDER, values)["createOrder"]

    shown = counter.shown(made["id"])
    assert made == {name: shown[name] for name in made}
    assert (shown["state"], shown["externalId"], shown["fulfillment"]) == ("PENDING", external_id, None)
    assert shown["pharmacy"]["id"] == counter.pharmacies[0]
    [fill] = shown["fills"]
    assert (fill["state"], fill["prescription"], fill["filledAt"]) == ("NEW", {"id": prescription}, None)
    assert fill["requestedAt"] == shown["createdAt"]
    assert (shown["address"]["street1"], shown["exceptions"]) == ("1 Main St", [])
    assert shown["address"]["id"].startswith("adr_")
    assert counter.left(prescription) == ("ACTIVE", 1)


def test_the_last_fill_depletes_a_prescription_and_a_canceled_order_gives_it_back(counter: Counter) -> None:
    one, other = counter.prescription(1), counter.prescription(3)
    made = counter.order(one, other)
    assert (counter.left(one), counter.left(other)) == (("DEPLETED", 0), ("ACTIVE", 2))
    assert "is DEPLETED" in refused(counter.ask(other, one))

    answer = counter.cancel(made["id"], "the patient changed her mind")

    assert answer.json()["data"]["cancelOrder"] == {"id": made["id"], "state": "CANCELED"}
    assert (counter.left(one), counter.left(other)) == (("ACTIVE", 1), ("ACTIVE", 3))
    assert [fill["state"] for fill in counter.shown(made["id"])["fills"]] == ["CANCELED"] * 2
    assert "is CANCELED cannot be canceled; it is over" in refused(counter.cancel(made["id"]))
    assert counter.left(one) == ("ACTIVE", 1)


@pytest.mark.parametrize("nothing", [None, ""])
def test_without_a_pharmacy_the_patient_chooses_and_the_order_is_routed_later(
    counter: Counter, nothing: str | None
) -> None:
    """Published clients send an empty identifier where the patient is to choose, and variables they do not declare."""
    made = counter.order(
        counter.prescription(), pharmacyId=nothing, fulfillmentType="PICK_UP", groupId=nothing, supervisorId=nothing
    )
    assert (made["state"], made["pharmacy"]) == ("ROUTING", None)

    assert counter.route(made["id"], counter.pharmacies[1]).json()["data"]["routeOrder"] == {"id": made["id"]}

    shown = counter.shown(made["id"])
    assert (shown["state"], shown["pharmacy"]["id"]) == ("PENDING", counter.pharmacies[1])
    assert "is PENDING cannot be routed; it can be" in refused(counter.route(made["id"], counter.pharmacies[0]))


def test_an_order_that_is_routing_takes_more_fills_and_keeps_once_what_it_has(counter: Counter) -> None:
    one, other = counter.prescription(5), counter.prescription(1)
    made = counter.order(one, pharmacyId=None)

    for _ in range(2):
        updated = counter.add(made["id"], one, other).json()["data"]["updateOrder"]
        assert sorted(fill["prescription"]["id"] for fill in updated["fills"]) == sorted([one, other])
    assert (counter.left(one), counter.left(other)) == (("ACTIVE", 4), ("DEPLETED", 0))

    assert "is DEPLETED" in refused(counter.ask(other))
    counter.route(made["id"], counter.pharmacies[0])
    assert "is PENDING cannot be updated" in refused(counter.add(made["id"], counter.prescription()))


def test_the_address_is_the_patients_unless_another_is_given(counter: Counter) -> None:
    own = counter.live.data(
        counter.token, "query($id: ID!) { patient(id: $id) { address { id street1 } } }", {"id": counter.patient_id}
    )["patient"]["address"]

    assert counter.order(counter.prescription())["address"] == own
    assert counter.order(counter.prescription(), addressId=own["id"], address=ADDRESS)["address"] == own
    given = counter.order(counter.prescription(), address=ADDRESS, addressId="")["address"]
    assert given == {"id": given["id"], "street1": "1 Main St"}
    assert "addressId" in refused(counter.ask(counter.prescription(), addressId="adr_x"), "NOT_FOUND")
    blank = ADDRESS | {"street1": " "}
    assert "address.street1" in refused(counter.ask(counter.prescription(), address=blank))


def test_equipment_and_over_the_counter_products_take_no_prescription_and_everything_else_does(
    counter: Counter,
) -> None:
    """Decision 24."""
    made = counter.order({"treatmentId": counter.equipment}, {"treatmentId": counter.over_the_counter})
    assert [fill["prescription"] for fill in made["fills"]] == [None, None]
    for treatment in (counter.practice.treatment, counter.practice.controlled):
        assert "takes a prescription" in refused(counter.ask({"treatmentId": treatment}))
    assert "no such treatment" in refused(counter.ask({"treatmentId": "med_x"}), "NOT_FOUND")
    prescription = counter.prescription()
    both = {"prescriptionId": prescription, "treatmentId": counter.equipment}
    assert "for another treatment" in refused(counter.ask(both))
    assert counter.order(both | {"treatmentId": counter.practice.treatment})["state"] == "PENDING"


WRONG: dict[str, tuple[Callable[[Counter], tuple[Any, dict[str, Any]]], str, str]] = {
    "no fill": (lambda _one: ([], {}), "BAD_USER_INPUT", "fills: an order has 1 to 50"),
    "an empty fill": (lambda _one: ([{}], {}), "BAD_USER_INPUT", "fills[0]: a fill has prescriptionId or treatmentId"),
    "twice the same": (
        lambda one: ([one.equipment_fill(), one.equipment_fill()], {}),
        "BAD_USER_INPUT",
        "fills[1]: the same is in fills[0]",
    ),
    "too many": (
        lambda _one: ([{"prescriptionId": f"rx_{number}"} for number in range(FILLS_LIMIT + 1)], {}),
        "BAD_USER_INPUT",
        "fills: an order has 1 to 50",
    ),
    "no such prescription": (lambda _one: (["rx_x"], {}), "NOT_FOUND", "fills[0]: there is no such prescription"),
    "no such patient": (lambda one: ([one.equipment_fill()], {"patientId": "pat_x"}), "NOT_FOUND", "no such patient"),
    "no such pharmacy": (
        lambda one: ([one.equipment_fill()], {"pharmacyId": "phr_x"}),
        "NOT_FOUND",
        "no such pharmacy",
    ),
    "a group": (
        lambda one: ([one.equipment_fill()], {"groupId": "grp_1"}),
        "NOT_FOUND",
        "groupId: there are no groups",
    ),
    "a supervisor": (
        lambda one: ([one.equipment_fill()], {"supervisorId": "sup_1"}),
        "NOT_FOUND",
        "supervisorId: there are no supervisors",
    ),
    "a blank externalId": (lambda one: ([one.equipment_fill()], {"externalId": " "}), "BAD_USER_INPUT", "externalId"),
    "another patient's prescription": (
        lambda one: ([one.prescription()], {"patientId": one.practice.patients["CA"]}),
        "BAD_USER_INPUT",
        "fills[0]: the prescription is another patient's",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_cannot_be_ordered_is_refused_by_name(counter: Counter, case: str) -> None:
    make, code_wanted, message = WRONG[case]
    fills, changes = make(counter)

    assert message in refused(counter.ask(*fills, **changes), code_wanted)


def test_an_external_id_names_one_order(counter: Counter) -> None:
    external_id = unique()
    first, second = counter.prescription(), counter.prescription()
    counter.order(first, externalId=external_id)

    assert "externalId" in refused(counter.ask(second, externalId=external_id), "CONFLICT")
    assert counter.left(second) == ("ACTIVE", 1)


def test_a_prescription_that_is_canceled_is_not_ordered(counter: Counter) -> None:
    canceled = counter.prescription(2)
    counter.live.data(counter.practice.token, CANCEL, {"id": canceled})

    assert "fills[0]: the prescription is CANCELED; one that is ACTIVE can be ordered" in refused(counter.ask(canceled))


@pytest.mark.parametrize("chosen", [True, False], ids=["sent", "the patient chooses"])
def test_a_prescription_of_which_an_order_is_under_way_is_canceled_after_the_order(
    counter: Counter, *, chosen: bool
) -> None:
    one = counter.prescription(2)
    order_id = counter.order(one, pharmacyId=counter.pharmacies[0] if chosen else None)["id"]

    answer = counter.live.graphql(counter.practice.token, CANCEL, {"id": one})
    assert f"order {order_id} of this prescription is under way" in refused(answer)
    assert counter.left(one) == ("ACTIVE", 1)

    counter.cancel(order_id)
    counter.live.data(counter.practice.token, CANCEL, {"id": one})
    assert counter.left(one) == ("CANCELED", 2)


def test_an_order_of_nobody_is_not_found(counter: Counter) -> None:
    operations = counter.practice.token_of(counter.practice.holders.person(Role.MEDICAL_OPERATIONS))
    pharmacy = counter.pharmacies[0]
    for answer in (
        counter.cancel("ord_x"),
        counter.route("ord_x", pharmacy),
        counter.reroute("ord_x", pharmacy),
        counter.resend("ord_x", operations),
        counter.add("ord_x", "rx_x"),
    ):
        assert "no such order" in refused(answer, "NOT_FOUND")


def test_a_fill_waits_for_the_day_before_which_it_may_not_be_filled(counter: Counter) -> None:
    today = datetime.datetime.fromtimestamp(counter.live.clock.seconds(), datetime.UTC).date()
    later = (today + datetime.timedelta(days=30)).isoformat()
    one, other = counter.prescription(doNotFillBeforeDate=later), counter.prescription(doNotFillBeforeDate=str(today))

    made = counter.order(one, other)

    assert made["state"] == "PENDING"
    assert [fill["state"] for fill in made["fills"]] == ["SCHEDULED", "NEW"]


def test_a_reason_that_is_no_text_cancels_nothing(counter: Counter) -> None:
    made = counter.order(counter.prescription())

    assert "reason" in refused(counter.cancel(made["id"], " "))
    assert counter.shown(made["id"])["state"] == "PENDING"


@pytest.mark.parametrize("role", [Role.SUPPORT, Role.STAFF, Role.ADMINISTRATOR])
def test_who_may_not_order_does_not(counter: Counter, role: Role) -> None:
    token = counter.practice.token_of(counter.practice.holders.person(role))
    made = counter.order(counter.prescription(), pharmacyId=None)
    for answer in (
        counter.ask(counter.prescription(), token=token),
        counter.cancel(made["id"], token=token),
        counter.route(made["id"], counter.pharmacies[0], token=token),
        counter.add(made["id"], counter.prescription(), token=token),
    ):
        refused(answer, "FORBIDDEN")


def test_all_the_fills_of_an_order_are_taken_or_none(counter: Counter) -> None:
    drafts = [counter.practice.draft(fillsAllowed=2) for _ in range(3)]
    written = counter.live.data(counter.practice.token, CREATE_ALL, {"prescriptions": drafts})["createPrescriptions"]
    ids = [one["id"] for one in written]

    refused(counter.ask(*ids, "rx_x"), "NOT_FOUND")

    assert [counter.left(one) for one in ids] == [("ACTIVE", 2)] * 3
    counter.order(*ids)
    assert [counter.left(one) for one in ids] == [("ACTIVE", 1)] * 3

"""What becomes of orders: the pharmacy takes, fills or refuses them; they are rerouted, resent and heard of."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from rxauth.domain import fulfillment
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.fulfillment import Accepted
from rxauth.policy.roles import Role
from tests.api.answers import code, the_error
from tests.live import Live
from tests.ordering import Counter, told


def support(counter: Counter) -> str:
    """Returns the token of somebody who reroutes and resends, and does nothing else with orders."""
    return counter.practice.token_of(counter.practice.holders.person(Role.SUPPORT))


def of_order(counter: Counter, order_id: str) -> list[tuple[str, Any]]:
    """Returns what webhooks were told of an order; each has its identifier and the patient's."""
    events = told(counter.database, counter.organization_id, order_id)
    assert all(data["id"] == order_id and data["patient"]["id"] == counter.patient_id for _, data in events)
    return [(name, {key: data[key] for key in data if key not in {"id", "patient"}}) for name, data in events]


def fulfilled(kind: str, state: str, **more: str) -> tuple[str, Any]:
    """Returns what is told of a step."""
    return "order:fulfillment", {
        "fulfillment": {"type": kind, "state": state, "carrier": None, "trackingNumber": None} | more
    }


@pytest.mark.parametrize("kind", ["PICK_UP", "MAIL_ORDER"])
def test_the_whole_life_of_an_order_is_shown_and_heard_of(counter: Counter, kind: str) -> None:
    is_pick_up = kind == "PICK_UP"
    pharmacy = (counter.pharmacies if is_pick_up else counter.mail_pharmacies)[0]
    steps = ("RECEIVED", "READY", "PICKED_UP") if is_pick_up else ("FILLING", "SHIPPED", "DELIVERED")
    prescription = counter.prescription(1, externalId=None)
    made = counter.order(prescription, pharmacyId=pharmacy)

    assert counter.accept(made["id"])
    placed = counter.shown(made["id"])
    assert placed["state"] == "PLACED"
    assert placed["fulfillment"] == {"type": kind, "state": "SENT", "carrier": None, "trackingNumber": None}
    assert [fill["state"] for fill in placed["fills"]] == ["SENT"]
    for step in steps:
        counter.live.clock.advance(1)
        assert counter.go_on(made["id"], step)

    done = counter.shown(made["id"])
    assert (done["state"], done["fulfillment"]["state"]) == ("COMPLETED", steps[-1])
    assert [fill["state"] for fill in done["fills"]] == ["SENT"]
    assert all(fill["filledAt"] > fill["requestedAt"] for fill in done["fills"])
    created, was_placed, *progress, completed = of_order(counter, made["id"])
    fills = [{"id": made["fills"][0]["id"], "prescription": {"id": prescription}}]
    assert created == ("order:created", {"pharmacyId": pharmacy, "fills": fills, "createdAt": made["createdAt"]})
    assert (was_placed[0], was_placed[1]["pharmacy"]["id"]) == ("order:placed", pharmacy)
    assert set(was_placed[1]["pharmacy"]) == {"id", "name", "phone", "address"}
    assert progress == [fulfilled(kind, step) for step in steps]
    assert completed == ("order:completed", {})
    assert [name for name, _ in told(counter.database, counter.organization_id, prescription)] == [
        "prescription:created",
        "prescription:depleted",
    ]
    assert "is COMPLETED cannot be canceled; it is over" in the_error(counter.cancel(made["id"]))["message"]


def test_what_is_said_twice_or_late_changes_nothing_and_is_not_told_again(counter: Counter) -> None:
    made = counter.order(counter.prescription(), pharmacyId=counter.mail_pharmacies[0])
    said: tuple[tuple[Callable[[], bool], list[bool]], ...] = (
        (lambda: counter.accept(made["id"]), [True, False]),
        (lambda: counter.go_on(made["id"], "SHIPPED", carrier="A carrier", tracking_number="1Z"), [True, False]),
        (lambda: counter.go_on(made["id"], "FILLING"), [False, False]),
        (lambda: counter.accept(made["id"]), [False, False]),
        (lambda: counter.go_on(made["id"], "SHIPPED", tracking_number="2Z"), [True, False]),
        (lambda: counter.go_on(made["id"], "DELIVERED"), [True, False]),
    )
    for say, news in said:
        assert [say(), say()] == news

    parcel = {"carrier": "A carrier"}
    assert of_order(counter, made["id"])[2:] == [
        fulfilled("MAIL_ORDER", "SHIPPED", **parcel, trackingNumber="1Z"),
        fulfilled("MAIL_ORDER", "SHIPPED", **parcel, trackingNumber="2Z"),
        fulfilled("MAIL_ORDER", "DELIVERED", **parcel, trackingNumber="2Z"),
        ("order:completed", {}),
    ]


def test_a_step_that_comes_first_says_that_the_pharmacy_has_the_order(counter: Counter) -> None:
    made = counter.order(counter.prescription())

    assert counter.go_on(made["id"], "READY")
    assert not counter.accept(made["id"])

    shown = counter.shown(made["id"])
    assert (shown["state"], shown["fulfillment"]["state"]) == ("PLACED", "READY")
    assert [name for name, _ in of_order(counter, made["id"])] == [
        "order:created",
        "order:placed",
        "order:fulfillment",
    ]


def test_a_refused_order_says_why_and_is_resent_rerouted_or_canceled(counter: Counter) -> None:
    prescription, token = counter.prescription(1), support(counter)
    made = counter.order(prescription)
    assert counter.refuse(made["id"], "OUT_OF_STOCK", "none until Monday")
    assert not counter.refuse(made["id"], "OUT_OF_STOCK")
    [exception] = counter.shown(made["id"])["exceptions"]
    assert (exception["type"], exception["message"]) == ("OUT_OF_STOCK", "none until Monday")
    assert exception["createdAt"] is not None
    assert exception["resolvedAt"] is None
    with pytest.raises(InvalidError, match="is ERROR cannot be placed; it can be canceled, rerouted or resent"):
        counter.accept(made["id"])

    assert counter.resend(made["id"], token).json()["data"]["resendOrder"] == {"id": made["id"], "state": "PENDING"}
    assert counter.shown(made["id"])["exceptions"][0]["resolvedAt"] is not None
    counter.live.clock.advance(1)
    assert counter.refuse(made["id"], "NO_LONGER_STOCKED")
    moved = counter.reroute(made["id"], counter.pharmacies[1], token).json()["data"]["rerouteOrder"]
    assert moved == {"id": made["id"], "state": "PENDING", "pharmacy": {"id": counter.pharmacies[1]}}
    counter.live.clock.advance(1)
    assert counter.refuse(made["id"], "CLOSED")
    counter.cancel(made["id"])

    shown = counter.shown(made["id"])
    assert [one["type"] for one in shown["exceptions"]] == ["OUT_OF_STOCK", "NO_LONGER_STOCKED", "CLOSED"]
    assert all(one["resolvedAt"] for one in shown["exceptions"])
    assert counter.left(prescription) == ("ACTIVE", 1)
    events = of_order(counter, made["id"])
    assert [name.removeprefix("order:") for name, _ in events] == [
        *("created", "error", "error", "rerouted", "error", "canceled"),
    ]
    assert [data["reason"] for name, data in events if name == "order:error"] == [
        *("OUT_OF_STOCK", "NO_LONGER_STOCKED", "CLOSED"),
    ]
    assert [name for name, _ in told(counter.database, counter.organization_id, prescription)][1:] == [
        "prescription:depleted",
        "prescription:active",
    ]


def test_a_pharmacy_from_which_an_order_was_taken_says_nothing_of_it_any_more(counter: Counter) -> None:
    made = counter.order(counter.prescription())
    before = counter.dispatch(made["id"])
    counter.accept(made["id"])
    counter.reroute(made["id"], counter.pharmacies[1])
    fills = counter.shown(made["id"])["fills"]
    assert [fill["state"] for fill in fills] == ["NEW"]
    now_ms = counter.live.clock.milliseconds()

    with pytest.raises(InvalidError, match="only its last dispatch counts"):
        counter.database.write(
            lambda tx: fulfillment.report(tx, counter.organization_id, made["id"], Accepted(before or ""), now_ms)
        )

    assert counter.accept(made["id"])
    with pytest.raises(AbsentError, match="no such order"):
        counter.database.write(
            lambda tx: fulfillment.report(tx, counter.organization_id, "ord_x", Accepted(""), now_ms)
        )


# How far an order is, and what it then refuses: the acts that clients ask for.
STANDINGS: dict[str, tuple[Sequence[Callable[[Counter, str], Any]], set[str], str]] = {
    "PENDING": ((), {"route", "resend", "add"}, "canceled, placed, refused or rerouted"),
    "PLACED": (
        (lambda counter, order_id: counter.accept(order_id),),
        {"route", "resend", "add"},
        "canceled, completed, fulfilled, refused or rerouted",
    ),
    "ERROR": (
        (lambda counter, order_id: counter.refuse(order_id),),
        {"route", "add"},
        "canceled, rerouted or resent",
    ),
    "SHIPPED": (
        (lambda counter, order_id: counter.go_on(order_id, "SHIPPED"),),
        {"route", "resend", "add", "reroute", "cancel"},
        "completed or fulfilled",
    ),
    "COMPLETED": (
        (lambda counter, order_id: counter.go_on(order_id, "DELIVERED"),),
        {"route", "resend", "add", "reroute", "cancel"},
        "it is over",
    ),
    "CANCELED": (
        (lambda counter, order_id: counter.cancel(order_id),),
        {"route", "resend", "add", "reroute", "cancel"},
        "it is over",
    ),
}


@pytest.mark.parametrize("standing", STANDINGS)
def test_an_act_that_an_order_does_not_allow_is_refused_with_what_it_does(counter: Counter, standing: str) -> None:
    before, refused, allowed = STANDINGS[standing]
    mail, token = counter.mail_pharmacies[0], support(counter)
    made = counter.order(counter.prescription(), pharmacyId=mail)["id"]
    for step in before:
        step(counter, made)
    shown = counter.shown(made)
    tries = {
        "route": lambda: counter.route(made, counter.pharmacies[0]),
        "resend": lambda: counter.resend(made, token),
        "add": lambda: counter.add(made, counter.prescription()),
        "reroute": lambda: counter.reroute(made, counter.pharmacies[0]),
        "cancel": lambda: counter.cancel(made),
    }

    for name in refused:
        error = the_error(tries[name]())
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert allowed in error["message"], name
    assert counter.shown(made) == shown


def test_an_order_is_not_rerouted_to_where_it_is(counter: Counter) -> None:
    made = counter.order(counter.prescription())

    error = the_error(counter.reroute(made["id"], counter.pharmacies[0]))

    assert "at this pharmacy already" in error["message"]
    assert error["extensions"]["field"] == "pharmacyId"


def test_a_step_that_the_pharmacy_cannot_take_is_refused_with_those_it_can(counter: Counter) -> None:
    made = counter.order(counter.prescription())["id"]
    counter.accept(made)

    with pytest.raises(InvalidError, match="with PICK_UP it is one of SENT, RECEIVED, READY, PICKED_UP"):
        counter.go_on(made, "SHIPPED")
    with pytest.raises(InvalidError, match="reason"):
        counter.refuse(made, " ")
    routing = counter.order(counter.prescription(), pharmacyId=None)["id"]
    with pytest.raises(InvalidError):
        counter.go_on(routing, "READY")


def test_an_order_with_a_prescription_that_is_over_goes_nowhere_but_back(live: Live) -> None:
    counter = Counter(live)
    prescription = counter.prescription(2, effectiveDate="2025-11-24")
    made = counter.order(prescription)["id"]
    counter.refuse(made)
    counter.live.clock.advance(3 * 86_400)
    counter.token = counter.live.token(counter.live.world.alder)
    token = support(counter)

    for answer in (counter.resend(made, token), counter.reroute(made, counter.pharmacies[1], token)):
        assert "the prescription is EXPIRED; cancel the order" in the_error(answer)["message"]
    assert counter.cancel(made).json()["data"]["cancelOrder"]["state"] == "CANCELED"
    assert counter.left(prescription) == ("EXPIRED", 2)


def test_rerouting_and_resending_take_their_own_permission(counter: Counter) -> None:
    made = counter.order(counter.prescription())["id"]
    developer = counter.practice.token_of(counter.practice.holders.person(Role.DEVELOPER))

    assert code(counter.reroute(made, counter.pharmacies[1], developer)) == "FORBIDDEN"
    assert code(counter.resend(made, counter.token)) == "FORBIDDEN"  # a backend has no reroute:order from the start
    assert code(counter.cancel(made, token=support(counter))) == "FORBIDDEN"

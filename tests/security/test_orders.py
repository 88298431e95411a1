"""Orders of what nobody may dispense any more, and orders at the same moment: held open by hand, on both engines."""

import datetime
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any

import httpx
import pytest

from rxauth.api.execute import Api
from rxauth.domain import audit, memberships
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from tests.api.answers import the_error
from tests.domain.test_audit import entries
from tests.live import PATIENCE_S, Live
from tests.ordering import Counter
from tests.prescribing import number_of_fills, suspend
from tests.security.test_prescribing import DAY_AFTER, HeldDatabase, thread, until_it_waits
from tests.world import NOW

__all__ = ["thread"]


@pytest.fixture
def counter(live: Live) -> Counter:
    """A counter on each engine."""
    return Counter(live)


@pytest.fixture
def quick(sqlite_live: Live) -> Counter:
    """A counter, for what does not depend on the engine."""
    return Counter(sqlite_live)


def lose_role(counter: Counter) -> None:
    """Takes the role away, without telling the server."""
    practice = counter.practice
    roles = [Role.STAFF]
    counter.database.write(
        lambda tx: memberships.set_roles(tx, practice.organization_id, practice.provider_id, roles, NOW)
    )


def leave(counter: Counter) -> None:
    """Has the provider leave the organization."""
    practice = counter.practice
    counter.database.write(lambda tx: memberships.remove(tx, practice.organization_id, practice.provider_id, NOW))


def move(counter: Counter) -> None:
    """Has the patient move to a state in which the provider has no licence."""
    document = "mutation($id: ID!, $address: AddressInput) { updatePatient(id: $id, address: $address) { id } }"
    address = {"street1": "1 Main St", "city": "Oakland", "state": "CA", "postalCode": "94601", "country": "US"}
    counter.live.data(counter.token, document, {"id": counter.patient_id, "address": address})


LOST: dict[str, tuple[Callable[[Counter], object], str]] = {
    "authority": (lambda counter: counter.practice.suspend(), "authority_suspended"),
    "the role": (lose_role, "role_missing"),
    "the membership": (leave, "not_a_member"),
    "the patient's state": (move, "licence_missing"),
}


def refused(counter: Counter, answer: httpx.Response, reason: str) -> None:
    """Checks that an order was refused for its writer, and that a record names the prescription and nothing else."""
    error = the_error(answer)
    assert error["extensions"] == {"code": "CONFLICT", "reason": reason}
    assert error["message"].startswith("fills[0]: who wrote the prescription may not any more: ")
    entry = entries(counter.live.world, audit.Event.PRESCRIPTION_REFUSED)[-1]
    assert (entry["outcome"], entry["reason"]) == ("failure", reason)
    assert str(entry["target"]).startswith("rx_")
    assert counter.practice.treatment not in str(entry)
    assert counter.patient_id not in str(entry)


@pytest.mark.parametrize("case", LOST)
def test_nothing_is_ordered_or_sent_on_the_word_of_somebody_who_may_not_prescribe_any_more(
    quick: Counter, case: str
) -> None:
    """Decision 24."""
    lose, reason = LOST[case]
    prescription = quick.prescription(9)
    routing, placed, failed = (quick.order(prescription, pharmacyId=None)["id"] for _ in range(3))
    for one in (placed, failed):
        quick.route(one, quick.pharmacies[0])
    quick.refuse(failed)
    operations = quick.practice.token_of(quick.practice.holders.person(Role.MEDICAL_OPERATIONS))
    more, fills = quick.prescription(2), number_of_fills(quick.database, quick.organization_id)
    before = [quick.shown(one) for one in (routing, placed, failed)]
    lose(quick)
    asked: tuple[Callable[[], httpx.Response], ...] = (
        lambda: quick.ask(prescription),
        lambda: quick.add(routing, more),
        lambda: quick.route(routing, quick.pharmacies[0]),
        lambda: quick.reroute(placed, quick.pharmacies[1]),
        lambda: quick.resend(failed, operations),
    )

    for number, ask in enumerate(asked, 1):
        refused(quick, ask(), reason)
        assert len(entries(quick.live.world, audit.Event.PRESCRIPTION_REFUSED)) == number

    assert number_of_fills(quick.database, quick.organization_id) == fills
    after = [quick.shown(one) for one in (routing, placed, failed)]
    assert [one | {"patient": None} for one in after] == [one | {"patient": None} for one in before]
    # Nobody needs authority to stop what was sent.
    assert quick.cancel(placed).json()["data"]["cancelOrder"]["state"] == "CANCELED"


def test_a_licence_that_lapsed_stops_orders_from_the_very_next_moment(quick: Counter) -> None:
    user_id = quick.practice.holders.provider(Licence("NY", "777", LicenceStatus.ACTIVE, datetime.date(2026, 11, 23)))
    prescription = quick.practice.written(quick.practice.token_of(user_id), fillsAllowed=9)["id"]
    quick.live.clock.advance(DAY_AFTER - NOW - 1)
    quick.order(prescription)
    quick.live.clock.advance(1)

    refused(quick, quick.ask(prescription), "licence_lapsed")


def test_one_writer_who_may_not_any_more_stops_the_whole_order(quick: Counter) -> None:
    practice = quick.practice
    other = practice.holders.provider(Licence("NY", "778", LicenceStatus.ACTIVE, datetime.date(2030, 1, 1)))
    good, bad = quick.prescription(2), practice.written(practice.token_of(other), fillsAllowed=2)["id"]
    practice.suspend(user_id=other)

    error = the_error(quick.ask(good, bad))

    assert error["extensions"]["reason"] == "authority_suspended"
    assert error["message"].startswith("fills[1]: ")
    assert (quick.left(good), quick.left(bad)) == (("ACTIVE", 2), ("ACTIVE", 2))


def test_an_order_that_comes_while_a_suspension_commits_waits_for_it_and_is_refused(
    counter: Counter, thread: ThreadPoolExecutor
) -> None:
    prescription = counter.prescription(2)

    def work(transaction: Transaction) -> Future[httpx.Response]:
        suspend(transaction, counter.practice)
        asked = thread.submit(counter.ask, prescription)
        until_it_waits(counter.practice, asked)
        return asked

    with closing(counter.live.world.open()) as elsewhere:
        answer = elsewhere.write(work).result(timeout=PATIENCE_S)

    refused(counter, answer, "authority_suspended")
    assert counter.left(prescription) == ("ACTIVE", 2)


@pytest.fixture
def held(counter: Counter, thread: ThreadPoolExecutor) -> Callable[..., Any]:
    """Runs one act, and before it commits another, which waits for it; returns what the other got."""

    def race(first: Callable[[], Any], second: Callable[[], Any]) -> Any:
        live = counter.live
        asked: list[Future[Any]] = []

        def hold() -> None:
            live.edge.api = api
            asked.append(thread.submit(second))
            until_it_waits(counter.practice, asked[0])

        api = live.edge.api
        with closing(HeldDatabase(live.world.settings.database_url, hold)) as holding:
            live.edge.api = Api(api.schema, holding, live.clock)
            answer = first()
            assert "errors" not in answer.json(), answer.text
        return asked[0].result(timeout=PATIENCE_S)

    return race


def test_of_two_orders_for_the_last_fill_exactly_one_wins(counter: Counter, held: Callable[..., Any]) -> None:
    prescription, other = counter.prescription(1), counter.prescription(3)
    fills = number_of_fills(counter.database, counter.organization_id)

    answer = held(lambda: counter.ask(prescription, other), lambda: counter.ask(other, prescription))

    assert "fills[1]: the prescription is DEPLETED" in the_error(answer)["message"]
    assert (counter.left(prescription), counter.left(other)) == (("DEPLETED", 0), ("ACTIVE", 2))
    assert number_of_fills(counter.database, counter.organization_id) == fills + 2


def test_an_order_that_is_canceled_twice_at_once_gives_its_fill_back_once(
    counter: Counter, held: Callable[..., Any]
) -> None:
    prescription = counter.prescription(1)
    order_id = counter.order(prescription)["id"]

    answer = held(lambda: counter.cancel(order_id), lambda: counter.cancel(order_id))

    assert "is CANCELED cannot be canceled" in the_error(answer)["message"]
    assert counter.left(prescription) == ("ACTIVE", 1)


def test_of_an_order_and_the_end_of_its_prescription_one_comes_first(
    counter: Counter, held: Callable[..., Any]
) -> None:
    prescription = counter.prescription(2)
    document = "mutation($id: ID!) { cancelPrescription(id: $id) { id state } }"

    answer = held(
        lambda: counter.live.graphql(counter.practice.token, document, {"id": prescription}),
        lambda: counter.ask(prescription),
    )

    assert "fills[0]: the prescription is CANCELED" in the_error(answer)["message"]
    assert counter.left(prescription) == ("CANCELED", 2)


def test_another_organizations_order_is_not_there_whatever_is_asked_of_it(quick: Counter) -> None:
    """M-10, for what the published clients do not know too."""
    live = quick.live
    birch = live.token(live.world.birch)
    theirs = live.data(birch, "{ orders(first: 1, filter: {state: ERROR}) { id state } }")["orders"][0]
    operations = quick.practice.token_of(quick.practice.holders.person(Role.MEDICAL_OPERATIONS))
    pharmacy = quick.pharmacies[0]

    for order_id in (theirs["id"], "ord_nobody"):
        for answer in (
            quick.reroute(order_id, pharmacy, operations),
            quick.resend(order_id, operations),
            quick.route(order_id, pharmacy),
            quick.cancel(order_id),
            quick.add(order_id, quick.prescription()),
        ):
            error = the_error(answer)
            assert (error["message"], error["extensions"]["code"]) == ("there is no such order", "NOT_FOUND")
    assert live.data(birch, "query($id: ID!) { order(id: $id) { id state } }", {"id": theirs["id"]})["order"] == theirs


def test_members_that_only_the_server_sets_are_refused(quick: Counter) -> None:
    """M-12: the order's state, owner and fulfillment are no arguments, and a fill has no state."""
    prescription = quick.prescription()
    for name in ("state", "organizationId", "fulfillment", "createdAt"):
        document = f'mutation($id: ID!) {{ createOrder(patientId: $id, fills: [], {name}: "PLACED") {{ id }} }}'
        error = the_error(quick.live.graphql(quick.token, document, {"id": quick.patient_id}))
        assert (name in error["message"], error["extensions"]["code"]) == (True, "GRAPHQL_VALIDATION_FAILED")
    answer = quick.ask({"prescriptionId": prescription, "state": "SENT"})
    assert the_error(answer)["extensions"]["code"] == "BAD_USER_INPUT"
    assert quick.left(prescription) == ("ACTIVE", 1)


def test_an_identifier_of_another_type_is_refused_before_anything_runs(quick: Counter) -> None:
    """G-17."""
    wrong: tuple[Any, ...] = ([], {}, 1.5, True, ["rx_1"], {"id": "rx_1"})
    asked: list[dict[str, Any]] = [{"fills": None}, {"fills": [None]}]
    for one in wrong:
        asked += [{"patientId": one}, {"pharmacyId": one}, {"addressId": one}, {"fills": [{"prescriptionId": one}]}]
        asked += [{"fills": [{"treatmentId": one}]}]
        asked += [{"fills": one}, {"fills": [one]}] if one not in ([], {}) else []
    for values in asked:
        answer = quick.ask(quick.equipment_fill(), **values)
        codes = {error["extensions"]["code"] for error in answer.json()["errors"]}
        assert codes == {"BAD_USER_INPUT"}, values

"""Random histories of one patient's orders on a real server: after each step, all is as the oracle has it."""

import datetime
from collections import Counter as Tally
from collections.abc import Callable
from typing import Any

import httpx
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rxauth.domain.errors import InvalidError
from rxauth.domain.prescription_expiry import Expiry
from rxauth.policy.licences import Licence, LicenceStatus
from rxauth.policy.roles import Role
from tests.model.order_oracle import NEW_YORK, STEPS, OrderOracle, Written
from tests.ordering import Counter

LICENCE = Licence("NY", "778", LicenceStatus.ACTIVE, datetime.date(2200, 1, 1))
ADD_PATIENT = """mutation { createPatient(name: {first: "A", last: "Patient"}, sex: UNKNOWN, dateOfBirth: "1950-01-01",
    phone: "+12025550177", address: {street1: "1 Main St", city: "Albany", state: "NY", postalCode: "12207",
    country: "US"}) { id } }"""
SEEN = """query($id: ID!) { patient(id: $id) {
    orders(first: 100) {
      id state pharmacy { id } fulfillment { state } exceptions { resolvedAt }
      fills { id state filledAt prescription { id } }
    }
    prescriptions(first: 100) { id state fillsAllowed fillsRemaining }
} }"""
LISTED = """query($id: ID!, $state: PrescriptionState) {
    prescriptions(filter: {patientId: $id, state: $state}, first: 100) { id } }"""
PHARMACIES = ("shop 0", "shop 1", "mail 0")
PICKS = st.lists(st.integers(0, 11), min_size=1, max_size=3, unique=True)
PICK = st.integers(0, 11)


class OrderHistory(RuleBasedStateMachine):
    """A provider, a backend, a pharmacy, and time."""

    counter: Counter  # of the server that the histories are played on
    seen: Tally[str]  # what the histories came to, all together

    def __init__(self) -> None:
        super().__init__()
        practice = self.counter.practice
        self.live = self.counter.live
        self.oracle = OrderOracle()
        self.provider = practice.holders.provider(LICENCE)
        self.operations = practice.holders.person(Role.MEDICAL_OPERATIONS)
        self._renew()
        self.patient = self.live.data(self.counter.token, ADD_PATIENT)["createPatient"]["id"]
        self.counter.patient_id = self.patient
        self.prescriptions: list[str] = []
        self.orders: list[str] = []
        shops, mail = self.counter.pharmacies, self.counter.mail_pharmacies
        self.pharmacies = dict(zip(PHARMACIES, (shops[0], shops[1], mail[0]), strict=True))

    @property
    def now(self) -> int:
        """The server's clock."""
        return self.live.clock.seconds()

    def _renew(self) -> None:
        """Gets the tokens, which an hour may have ended."""
        practice = self.counter.practice
        self.counter.token = self.live.token(self.live.world.alder)
        self.of_operations = practice.token_of(self.operations)
        self.of_provider = practice.token_of(self.provider)

    @initialize(pharmacies=st.lists(st.sampled_from([None, *PHARMACIES]), min_size=2, max_size=3))
    def begin(self, pharmacies: list[str | None]) -> None:
        """Begins with prescriptions and orders: what becomes of them is what is asked."""
        for fills, days, waits in ((1, 365, None), (2, 1, None), (3, 2, 1), (9, 365, None)):
            self.write(fills, days, waits)
        for number, pharmacy in enumerate(pharmacies):
            self.order([number, 3], pharmacy)

    @precondition(lambda self: self.oracle.may_prescribe and len(self.prescriptions) < 8)
    @rule(fills=st.integers(1, 3), days=st.sampled_from([0, 1, 2, 365]), waits=st.sampled_from([None, None, 1, 2]))
    def write(self, fills: int, days: int, waits: int | None) -> None:
        """The provider writes a prescription that is over in some days."""
        today = datetime.datetime.fromtimestamp(self.now, NEW_YORK).date()
        effective = today - datetime.timedelta(365 - days)
        last_day = effective.replace(year=effective.year + 1)
        from_day = None if waits is None or waits > days else today + datetime.timedelta(waits)
        made = self.counter.practice.written(
            self.of_provider,
            patientId=self.patient,
            fillsAllowed=fills,
            effectiveDate=effective.isoformat(),
            doNotFillBeforeDate=from_day and from_day.isoformat(),
        )
        self.prescriptions.append(made["id"])
        self.oracle.written.append(Written(fills, last_day, from_day))

    @precondition(lambda self: self.prescriptions)
    @rule(picks=PICKS, pharmacy=st.sampled_from([None, None, *PHARMACIES]))
    def order(self, picks: list[int], pharmacy: str | None) -> None:
        """The backend orders."""
        wanted = [one % len(self.prescriptions) for one in picks]
        answer = self.counter.ask(
            *(self.prescriptions[one] for one in wanted), pharmacyId=pharmacy and self.pharmacies[pharmacy]
        )
        if self._agree("order", answer, is_done=self.oracle.order(wanted, pharmacy, self.now)):
            self.orders.append(answer.json()["data"]["createOrder"]["id"])

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, picks=PICKS)
    def add(self, pick: int, picks: list[int]) -> None:
        """The backend adds fills."""
        number, wanted = pick % len(self.orders), [one % len(self.prescriptions) for one in picks]
        answer = self.counter.add(self.orders[number], *(self.prescriptions[one] for one in wanted))
        self._agree("add", answer, is_done=self.oracle.add(number, wanted, self.now))

    @precondition(lambda self: self.orders)
    @rule(act=st.sampled_from(["route", "route", "reroute", "resend"]), pick=PICK, where=st.sampled_from(PHARMACIES))
    def send(self, act: str, pick: int, where: str) -> None:
        """Somebody sends an order."""
        number = pick % len(self.orders)
        order_id, pharmacy = self.orders[number], self.pharmacies[where]
        if act == "resend":
            answer = self.counter.resend(order_id, self.of_operations)
        else:
            answer = getattr(self.counter, act)(order_id, pharmacy, self.of_operations)
        self._agree(act, answer, is_done=self.oracle.send(act, number, where, self.now))

    @precondition(lambda self: self.orders)
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        """The backend cancels an order."""
        number = pick % len(self.orders)
        self._agree("cancel", self.counter.cancel(self.orders[number]), is_done=self.oracle.cancel(number))

    @precondition(lambda self: self.prescriptions)
    @rule(pick=PICK)
    def cancel_prescription(self, pick: int) -> None:
        """The provider cancels a prescription."""
        number = pick % len(self.prescriptions)
        document = "mutation($id: ID!) { cancelPrescription(id: $id) { id } }"
        answer = self.live.graphql(self.of_provider, document, {"id": self.prescriptions[number]})
        self._agree("cancel a prescription", answer, is_done=self.oracle.cancel_prescription(number, self.now))

    @precondition(lambda self: self.orders)
    @rule(pick=PICK, what=st.sampled_from(["accept", "accept", "refuse", *STEPS["shop"], *STEPS["mail"]]))
    def say(self, pick: int, what: str) -> None:
        """The pharmacy says something of an order."""
        number = pick % len(self.orders)
        order_id = self.orders[number]
        said: dict[str, tuple[Callable[[], bool], Callable[[], bool | None]]] = {
            "accept": (lambda: self.counter.accept(order_id), lambda: self.oracle.accept(number)),
            "refuse": (lambda: self.counter.refuse(order_id), lambda: self.oracle.refuse(number)),
        }
        step = (lambda: self.counter.go_on(order_id, what), lambda: self.oracle.go_on(number, what))
        say, expect = said.get(what, step)
        found: bool | None = None
        try:
            found = say()
        except InvalidError:
            self.seen[f"{what}: refused"] += 1
        else:
            self.seen[f"{what}: {'news' if found else 'known'}"] += 1
        assert found == expect()

    @rule(hours=st.sampled_from([1, 7, 24]))
    def pass_time(self, hours: int) -> None:
        """Moves the clock."""
        self.live.clock.advance(hours * 3_600)
        self._renew()

    @rule()
    def sweep(self) -> None:
        """Stores what is over."""
        self.seen["stored as over"] += Expiry(self.counter.database, self.live.clock).work_once()

    @precondition(lambda self: self.oracle.may_prescribe and len(self.orders) > 5)
    @rule()
    def suspend(self) -> None:
        """Somebody suspends the provider."""
        self.counter.practice.suspend(user_id=self.provider)
        self.oracle.may_prescribe = False

    @invariant()
    def all_is_as_the_oracle_has_it(self) -> None:
        """States agree, and fills add up."""
        found = self.live.data(self.counter.token, SEEN, {"id": self.patient})["patient"]
        orders = {one["id"]: one for one in found["orders"]}
        assert set(orders) == set(self.orders)
        for order_id, wanted in zip(self.orders, self.oracle.ordered, strict=True):
            shown = orders[order_id]
            assert shown["state"] == wanted.state
            assert (shown["pharmacy"] and shown["pharmacy"]["id"]) == (
                wanted.pharmacy and self.pharmacies[wanted.pharmacy]
            )
            is_under_way = shown["state"] in {"PLACED", "COMPLETED"}
            assert not is_under_way or shown["fulfillment"]["state"] == wanted.step
            assert len(shown["exceptions"]) == wanted.refusals
            assert any(one["resolvedAt"] is None for one in shown["exceptions"]) == (shown["state"] == "ERROR")
            states = {fill["prescription"]["id"]: fill["state"] for fill in shown["fills"]}
            assert states == {self.prescriptions[one]: wanted.fill(one) for one in wanted.of}
            assert {fill["filledAt"] is not None for fill in shown["fills"]} == {shown["state"] == "COMPLETED"}
        taken = Tally(
            fill["prescription"]["id"]
            for one in found["orders"]
            for fill in one["fills"]
            if fill["state"] != "CANCELED"
        )
        for one in found["prescriptions"]:
            number = self.prescriptions.index(one["id"])
            assert one["fillsRemaining"] == one["fillsAllowed"] - taken[one["id"]] == self.oracle.left(number)
            assert one["state"] == self.oracle.state(number, self.now)

    def teardown(self) -> None:
        """Asks for each state once: what is listed under it is what shows it."""
        for state in ("ACTIVE", "DEPLETED", "EXPIRED", "CANCELED"):
            listed = self.live.data(self.counter.token, LISTED, {"id": self.patient, "state": state})["prescriptions"]
            expected = {
                one for number, one in enumerate(self.prescriptions) if self.oracle.state(number, self.now) == state
            }
            assert {one["id"] for one in listed} == expected

    def _agree(self, what: str, answer: httpx.Response, *, is_done: bool) -> bool:
        error: Any = answer.json().get("errors")
        assert (error is None) == is_done, (what, answer.text)
        if error is not None:
            assert {one["extensions"]["code"] for one in error} <= {"BAD_USER_INPUT", "CONFLICT"}
        self.seen[f"{what}: {'done' if is_done else 'refused'}"] += 1
        return is_done

"""The guide to orders: what it shows is run, and its table is that of the states."""

import json
import re

from rxauth.domain import ordering
from rxauth.domain.order_states import STEPS, OrderAct, OrderState, allowed
from tests.contract.test_docs import DOCS, table
from tests.live import Live
from tests.ordering import Counter

GUIDE = DOCS / "guides" / "orders.md"
FIELDS = {
    OrderAct.UPDATE: "updateOrder",
    OrderAct.ROUTE: "routeOrder",
    OrderAct.REROUTE: "rerouteOrder",
    OrderAct.RESEND: "resendOrder",
    OrderAct.CANCEL: "cancelOrder",
}


def block(language: str) -> str:
    """Returns the guide's block in a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    return str(found)


def test_the_order_of_the_guide_is_made_and_answers_what_it_shows(sqlite_live: Live) -> None:
    counter = Counter(sqlite_live)
    variables = {
        "patientId": counter.patient_id,
        "prescriptionId": counter.prescription(3),
        "pharmacyId": counter.pharmacies[0],
    }
    assert sqlite_live.data(counter.token, block("graphql"), variables) == json.loads(block("json"))


def test_the_guide_says_of_every_state_what_can_be_done() -> None:
    rows = table(GUIDE, "What may become of it")
    assert sorted(state.strip("`") for state, _, _ in rows) == sorted(OrderState)
    for state, _, acts in rows:
        can = [FIELDS[act] for act in FIELDS if act in allowed(state.strip("`"), None)]
        assert re.findall(r"`(\w+)`", acts) == can, state


def test_the_guide_names_every_step_and_the_limit() -> None:
    text = GUIDE.read_text()
    assert f"1 to {ordering.FILLS_LIMIT} fills" in text
    assert all(f"`{step}`" in text for steps in STEPS.values() for step in steps)

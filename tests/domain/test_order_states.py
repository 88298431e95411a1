"""The tables of states: nothing leads nowhere, what is over stays over, and a refusal says what is left."""

import pytest

from rxauth.domain import fill_states, prescription_states
from rxauth.domain.errors import InvalidError
from rxauth.domain.fill_states import FillState
from rxauth.domain.order_states import OUT_OF_REACH, STEPS, OrderAct, OrderState, after, allowed
from rxauth.domain.prescription_states import PrescriptionState

# Stated here again: from where which act leads where.
MOVES = """
    ROUTING updated ROUTING, ROUTING routed PENDING, ROUTING canceled CANCELED,
    PENDING rerouted PENDING, PENDING canceled CANCELED, PENDING placed PLACED, PENDING refused ERROR,
    PLACED rerouted PENDING, PLACED canceled CANCELED, PLACED fulfilled PLACED, PLACED completed COMPLETED,
    PLACED refused ERROR, ERROR rerouted PENDING, ERROR resent PENDING, ERROR canceled CANCELED
    """
EXPECTED = {tuple(move.split()) for move in MOVES.split(",")}


def test_those_are_all_the_moves_of_an_order() -> None:
    assert {(state, act, to) for state in OrderState for act, to in allowed(state, None).items()} == EXPECTED


@pytest.mark.parametrize("state", OrderState)
@pytest.mark.parametrize("act", OrderAct)
def test_every_other_act_is_refused_and_says_what_is_left(state: OrderState, act: OrderAct) -> None:
    leads = {to for where, what, to in EXPECTED if (where, what) == (state, act)}
    if leads:
        assert {after(state, None, act)} == leads
        return
    with pytest.raises(InvalidError) as refused:
        after(state, None, act)
    left = {what for where, what, _ in EXPECTED if where == state}
    assert str(refused.value).startswith(f"an order that is {state} cannot be {act}; ")
    assert all(what in str(refused.value).partition("; ")[2] for what in left)
    assert left or str(refused.value).endswith("it is over")


@pytest.mark.parametrize("step", [step for steps in STEPS.values() for step in steps])
def test_what_left_the_pharmacy_goes_on_or_is_complete_and_nothing_else(step: str) -> None:
    is_gone = step in {"PICKED_UP", "SHIPPED", "DELIVERED"}
    assert (step in OUT_OF_REACH) == is_gone
    assert (set(allowed("PLACED", step)) == {OrderAct.PROGRESS, OrderAct.COMPLETE}) == is_gone


def test_a_fill_that_is_canceled_stays_so_and_a_depleted_prescription_does_not() -> None:
    assert fill_states.MOVES[FillState.CANCELED] == frozenset()
    assert fill_states.before(FillState.SENT) == [FillState.SCHEDULED, FillState.NEW]
    assert {one for one, to in prescription_states.MOVES.items() if not to} == {
        PrescriptionState.EXPIRED,
        PrescriptionState.CANCELED,
    }
    assert prescription_states.before(PrescriptionState.ACTIVE) == ["DRAFT", "DEPLETED"]

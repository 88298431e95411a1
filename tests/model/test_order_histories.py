"""Random histories of orders on a real server, on both engines: after every step, states agree and fills add up."""

from collections import Counter as Tally

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.live import Live
from tests.model.order_histories import OrderHistory
from tests.ordering import Counter

pytestmark = pytest.mark.proof


def test_no_history_of_orders_loses_a_fill_or_a_state(live: Live, is_whole: bool) -> None:
    class Histories(OrderHistory):
        """Those on this server."""

    Histories.counter = Counter(live)
    Histories.seen = Tally()
    examples, steps = (100, 50) if is_whole else (4, 30)
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    print(", ".join(f"{number} {what}" for what, number in sorted(Histories.seen.items())))

"""Random histories of a provider on a real server, on both engines: after every step, every promise."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.live import Live
from tests.model.histories import ProviderHistory
from tests.token_holders import Holders

pytestmark = pytest.mark.proof


def test_no_history_breaks_a_promise(live: Live, is_whole: bool) -> None:
    class Histories(ProviderHistory):
        """Those on this server."""

    Histories.holders = Holders(live)
    Histories.seen = Counter()
    examples, steps = (100, 50) if is_whole else (4, 30)
    run_state_machine_as_test(
        Histories,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    print(", ".join(f"{number} {what}" for what, number in sorted(Histories.seen.items())))

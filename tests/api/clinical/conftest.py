"""What tests of orders share: a counter on each engine, at which every test orders what it wrote itself."""

import pytest

from tests.api.answers import Clinics
from tests.ordering import Counter
from tests.webhook_receiver import Post

_counters: dict[int, Counter] = {}


@pytest.fixture
def counter(clinics: Clinics, engine: str) -> Counter:
    """A counter on each engine, whose organization has a webhook."""
    live = clinics.serve(engine, "ordering")
    if id(live) not in _counters:
        _counters[id(live)] = Counter(live)
        Post(live.world, live.clock, live.server.database).webhook("https://receiver.example/hook")
    return _counters[id(live)]

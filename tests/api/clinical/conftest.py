"""What the tests of the clinical API share on each engine: a provider at work, and a counter where orders are made."""

import pytest

from tests.api.answers import Clinics
from tests.ordering import Counter
from tests.prescribing import Practice
from tests.webhook_receiver import Post

_counters: dict[int, Counter] = {}


@pytest.fixture(scope="session")
def practices() -> dict[str, Practice]:
    """One on each engine, made when it is first asked for."""
    return {}


@pytest.fixture
def practice(clinics: Clinics, engine: str, practices: dict[str, Practice]) -> Practice:
    """A provider at work on each engine."""
    if engine not in practices:
        practices[engine] = Practice(clinics.serve(engine, "prescribing"))
    return practices[engine]


@pytest.fixture
def counter(clinics: Clinics, engine: str) -> Counter:
    """A counter on each engine, whose organization has a webhook."""
    live = clinics.serve(engine, "ordering")
    if id(live) not in _counters:
        _counters[id(live)] = Counter(live)
        Post(live.world, live.clock, live.server.database).webhook("https://receiver.example/hook")
    return _counters[id(live)]

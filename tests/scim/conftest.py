"""An identity provider of Alder Clinic, on each engine."""

from collections.abc import Iterator

import pytest

from tests.live import Live
from tests.provisioning import Provider


@pytest.fixture
def provider(live: Live) -> Iterator[Provider]:
    """An identity provider, on each engine."""
    made = Provider(live)
    yield made
    made.http.close()


@pytest.fixture
def lone_provider(sqlite_live: Live) -> Iterator[Provider]:
    """An identity provider, on one engine: for what does not depend on it."""
    made = Provider(sqlite_live)
    yield made
    made.http.close()

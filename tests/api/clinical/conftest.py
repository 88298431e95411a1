"""What the tests of the clinical API may ask for beside the common fixtures: a provider at work."""

import pytest

from tests.api.answers import Clinics
from tests.prescribing import Practice


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

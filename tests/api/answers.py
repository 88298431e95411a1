"""What the tests of the API do with a server and its answers."""

import uuid
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.conftest import make_world
from tests.live import Live
from tests.world import StandingClock, Template

WHOLE_PATIENT = """
  id externalId name { title first middle last full } dateOfBirth sex gender email phone
  address { id name { title first middle last } street1 street2 city state postalCode country }
  allergies { allergen { id name } comment onset }
  medicationHistory { medication { id name } prescription { id } active comment }
  preferredPharmacies { id name }
"""
MODERN = "application/graphql-response+json"


class Clinics:
    """Servers that several tests share, so that a test costs its requests only."""

    def __init__(self, templates: dict[str, Template], factory: pytest.TempPathFactory) -> None:
        self._templates = templates
        self._factory = factory
        self._running: dict[tuple[str, str], Live] = {}

    def serve(self, engine: str, purpose: str = "") -> Live:
        """Returns the server of an engine and a purpose."""
        if (engine, purpose) not in self._running:
            world = make_world(engine, self._templates, self._factory)
            self._running[engine, purpose] = Live(world, StandingClock())
        return self._running[engine, purpose]

    def stop(self) -> None:
        """Stops every server."""
        for running in self._running.values():
            running.stop()


def errors(answer: httpx.Response) -> list[dict[str, Any]]:
    """Returns the errors of an answer that a client of application/json can read."""
    assert answer.status_code == 200, answer.text
    found = answer.json()["errors"]
    assert isinstance(found, list)
    return found


def the_error(answer: httpx.Response) -> dict[str, Any]:
    """Returns the only error of such an answer."""
    found = errors(answer)
    assert len(found) == 1, found
    return dict(found[0])


def code(answer: httpx.Response) -> str:
    """Returns the code of the only error."""
    return str(the_error(answer)["extensions"]["code"])


def whole_patient(live: Live, token: str, reference: str) -> Any:
    """Returns everything that is known of a patient, by identifier or externalId; None if there is no such patient."""
    document = f"query($id: ID!) {{ patient(id: $id) {{ {WHOLE_PATIENT} }} }}"
    return live.data(token, document, {"id": reference})["patient"]


def patient_ids(live: Live, token: str) -> list[str]:
    """Returns the identifiers of the newest hundred patients."""
    return [one["id"] for one in live.data(token, "{ patients(first: 100) { id } }")["patients"]]


def sample_id(live: Live, token: str, external_id: str = "sample-001") -> str:
    """Returns the identifier of a patient of the sample data."""
    found = live.data(token, "query($id: ID!) { patient(id: $id) { id } }", {"id": external_id})["patient"]
    return str(found["id"])


def every_page(fetch: Callable[[list[str]], list[str]]) -> list[str]:
    """Returns what all pages show; `fetch` gets what was shown so far, and an empty page is the end."""
    shown: list[str] = []
    for _ in range(200):
        found = fetch(shown)
        if not found:
            return shown
        shown += found
    raise AssertionError("there is no end to the pages")


def unique(prefix: str = "emr") -> str:
    """Returns an externalId that no other test uses."""
    return f"{prefix}-{uuid.uuid4()}"

"""The guide to the pharmacy network: its signature, its bodies and its figures are those of the server."""

import json
import re
from typing import Any

import pytest

from rxauth.crypto import signed_messages
from rxauth.domain.dispatches import PATIENCE
from rxauth.edge import rounds
from rxauth.edge.http_pharmacy_network import REASON_LIMIT_CHARACTERS
from rxauth.sandbox import pharmacy, pharmacy_book
from rxauth.sandbox.pharmacy_book import MAIL_ORDER, PICK_UP
from tests.contract.test_docs import DOCS, table
from tests.live import Live
from tests.pharmacy_network import SECRET, Orders
from tests.prescribing import Practice

GUIDE = DOCS / "guides" / "pharmacy-network.md"


def blocks(language: str) -> list[str]:
    """Returns the guide's blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)


def form(value: Any) -> Any:
    """Returns the names in a body, in their order."""
    if isinstance(value, dict):
        return {name: form(one) for name, one in value.items()}
    return [form(one) for one in value] if isinstance(value, list) and value and isinstance(value[0], dict) else None


def test_what_is_sent_has_the_form_and_the_signature_of_the_guide(sqlite_live: Live) -> None:
    written: dict[str, Any] = {}
    exec(blocks("python")[0], written)
    practice, desk = Practice(sqlite_live), Orders(sqlite_live)
    desk.patient_id = practice.patients["NY"]
    desk.order(token=practice.token, prescriptionId=practice.written()["id"])
    desk.tell()
    desk.stop()
    [got] = desk.network.got
    assert got.headers["x-rxauth-signature"] == written["signature"](
        SECRET, got.headers["x-rxauth-timestamp"], got.body
    )
    assert json.dumps(form(desk.told()[0])) == json.dumps(form(json.loads(blocks("json")[0])))


def test_the_guides_report_is_taken(sqlite_live: Live) -> None:
    desk = Orders(sqlite_live)
    _, dispatch_id = desk.placed(desk.by_mail)
    desk.stop()
    example = json.loads(blocks("json")[1])
    assert desk.send(json.dumps(example | {"dispatchId": dispatch_id}).encode()).json() == {"applied": True}
    assert desk.send(json.dumps(example).encode()).status_code == 404


def test_the_guide_lists_the_steps_of_both_ways() -> None:
    rows = [set(re.findall(r"`([A-Z_]+)`", states)) for states, _ in table(GUIDE, "Report")]
    assert rows == [{"ACCEPTED"}, set(PICK_UP), set(MAIL_ORDER), {"REFUSED"}]


@pytest.mark.parametrize(
    "figure",
    [
        f"older than {signed_messages.WINDOW_S} seconds",
        f"within {rounds.ATTEMPT_S} seconds",
        f"from {PATIENCE.first_pause_s} seconds to {PATIENCE.longest_pause_s // 60} minutes",
        f"After {PATIENCE.given_up_after_s // 3_600} hours",
        f"at most {REASON_LIMIT_CHARACTERS} letters",
        f"a step every {pharmacy.SECONDS_A_STEP:g} seconds",
        f"`{pharmacy_book.REFUSE}`",
        f"`{pharmacy_book.REFUSE_LATER}`",
        f"`{pharmacy_book.REFUSING_NAME}` in its name",
        f"`POST {pharmacy.REPORTS_PATH}`",
    ],
)
def test_the_guides_figures_are_those_of_the_server(figure: str) -> None:
    assert figure in " ".join(GUIDE.read_text().split())


def test_the_pharmacy_that_refuses_is_among_the_samples(sqlite_live: Live) -> None:
    [name] = re.findall(r"send it to `(Sample [^`]*)`", GUIDE.read_text())
    found = sqlite_live.data(
        sqlite_live.token(sqlite_live.world.alder),
        "query p($name: String) { pharmacies(name: $name) { name } }",
        {"name": name},
    )
    assert found["pharmacies"] == [{"name": name}]
    assert pharmacy_book.REFUSING_NAME in name

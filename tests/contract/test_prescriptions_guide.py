"""The guide to prescriptions: what it shows is run, and the reasons that it lists are those that policy gives."""

import inspect
import json
import re
from pathlib import Path

from rxauth.domain import signing
from rxauth.policy import authority, controlled, decide, prescribing
from tests.live import Live
from tests.prescribing import Practice

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "prescriptions.md").read_text()
# What no caller of the mutations can meet: it says why a token never got the permission.
ELSEWHERE = {"organization_missing", "not_given", "role_pending"}
PLACEHOLDER = "authority_{authority.state}"


def block(language: str) -> str:
    """Returns the guide's block in a language."""
    [found] = re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    return str(found)


def test_the_prescription_of_the_guide_is_written_and_answers_what_it_shows(sqlite_live: Live) -> None:
    practice = Practice(sqlite_live)
    variables = {"patientId": practice.patients["NY"], "treatmentId": practice.treatment}

    assert sqlite_live.data(practice.token, block("graphql"), variables) == json.loads(block("json"))


def test_the_guide_lists_every_reason() -> None:
    listed = set(re.findall(r"`([a-z_]+)`", "\n".join(re.findall(r"^\|[^|]*\|([^|]*)\|", GUIDE, re.MULTILINE))))
    sources = "\n".join(inspect.getsource(module) for module in (prescribing, controlled, decide, signing))
    given = set(re.findall(r'Refusal\(\s*f?"([^"]+)"', sources)) - ELSEWHERE
    states = {f"authority_{one}" for one in authority.State if one not in {authority.State.APPROVED, "expired"}}

    assert PLACEHOLDER in given
    assert listed == (given - {PLACEHOLDER}) | states

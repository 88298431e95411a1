"""The guide to safety checks: what it shows is asked, and the numbers that it names are those of the checks."""

import json
import re
from pathlib import Path

from rxauth.domain import screening
from tests.live import Live

GUIDE = (Path(__file__).parents[2] / "docs" / "guides" / "screening.md").read_text()


def test_the_example_of_the_guide_is_among_the_alerts(sqlite_live: Live) -> None:
    token = sqlite_live.token(sqlite_live.world.alder)
    [document] = re.findall(r"```graphql\n(.*?)```", GUIDE, re.DOTALL)
    [shown] = re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)
    find = 'query { medications(filter: { drug: { name: "amoxicillin 500 MG Oral Capsule" } }) { id } }'
    treatment_id = sqlite_live.data(token, find)["medications"][0]["id"]

    answer = sqlite_live.data(token, document, {"patientId": "sample-001", "treatmentId": treatment_id})

    alerts = [{name: one[name] for name in json.loads(shown)} for one in answer["prescriptionScreen"]["alerts"]]
    assert json.loads(shown) in alerts


def test_the_limits_of_the_guide_are_those_of_the_checks() -> None:
    assert f"Up to {screening.DRAFTS_LIMIT} drafts and {screening.CONDITIONS_LIMIT} diagnoses" in GUIDE
    assert f"the newest {screening.EXISTING_LIMIT}\n" in GUIDE

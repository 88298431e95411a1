"""What the guides to the audit log and the access log show: every document is one that the API takes."""

import re
from pathlib import Path

import pytest

from rxauth.policy.roles import Role
from tests.api.answers import the_error
from tests.api.management.sign_ins import token
from tests.live import Live
from tests.token_holders import Holders

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
SHOWN = [
    (name, document)
    for name in ("audit.md", "access-log.md")
    for document in re.findall(r"```graphql\n(.*?)```", (GUIDES / name).read_text(), re.DOTALL)
]


@pytest.mark.parametrize(("guide", "document"), SHOWN, ids=[guide for guide, _ in SHOWN])
def test_a_document_of_the_guide_is_answered(sqlite_live: Live, guide: str, document: str) -> None:
    holders = Holders(sqlite_live)
    reader = token(holders, holders.person(Role.ADMINISTRATOR))
    answer = sqlite_live.graphql(reader, document)
    if "patientAccess" in document:
        assert the_error(answer)["extensions"]["code"] == "NOT_FOUND", guide  # pat_… is nobody
    else:
        assert "errors" not in answer.json(), answer.text

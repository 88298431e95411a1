"""The reasons for which a permission is refused are codes that clients rely on: each is documented, and no other."""

import ast
from pathlib import Path

import pytest

import rxauth
from rxauth.policy.authority import State
from tests.contract.test_docs import DOCS, code, table

POLICY = Path(rxauth.__file__).parent / "policy"
_REFUSED = [state for state in State if state is not State.APPROVED]
JUDGES = ("decide.py", "prescribing.py", "controlled.py")


def _codes(file: str) -> set[str]:
    """Returns the codes of the refusals that a module makes; one is spelled with a state."""
    calls = (node for node in ast.walk(ast.parse((POLICY / file).read_text())) if isinstance(node, ast.Call))
    found = set()
    for call in calls:
        if getattr(call.func, "id", None) == "Refusal":
            written = ast.unparse(call.args[0])
            found |= {written.strip("'")} if written[0] == "'" else {f"authority_{one}" for one in _REFUSED}
    return found


def test_every_reason_is_documented() -> None:
    rows = table(DOCS / "permissions.md", "Why a permission is refused")

    assert {row[0] for row in rows} == {code(one) for file in JUDGES for one in _codes(file)}
    assert len({row[0] for row in rows}) == len(rows)


@pytest.mark.parametrize("file", JUDGES)
def test_the_codes_of_a_judge_are_found(file: str) -> None:
    assert _codes(file)

"""docs/guides/providers.md says with which codes acts on authorities are refused: all of them, and no other."""

import ast
import re
from pathlib import Path

import rxauth
from rxauth.domain.nppes import Problem

SOURCE = Path(rxauth.__file__).parent
GUIDE = SOURCE.parents[1] / "docs" / "guides" / "providers.md"
JUDGES = ("policy/authority.py", "domain/provider_acts.py", "domain/provider_checks.py")


def test_every_code_of_a_refused_act_is_documented() -> None:
    section = GUIDE.read_text().partition("\n## Refusals\n")[2]
    documented = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    assert len(documented) == len(set(documented))
    assert set(documented) == {*Problem, *(code for file in JUDGES for code in codes(SOURCE / file))}


def codes(file: Path) -> set[str]:
    """Returns the codes that a module writes into its refusals."""
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    first = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Refusal"]
    return {str(one.value) for one in first if isinstance(one, ast.Constant)}

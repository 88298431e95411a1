"""The console's promise: what it can see and do is one module, whose functions nobody calls without a proof."""

import ast
from collections.abc import Iterator
from pathlib import Path

import rxauth

SOURCE = Path(rxauth.__file__).parent
# Beside the console itself: records that it returns, its errors, and what an operator's own session needs.
KNOWN = {
    "rxauth.domain.audit_tail", "rxauth.domain.audit_verifications", "rxauth.domain.console", "rxauth.domain.errors",
    "rxauth.domain.health", "rxauth.domain.key_removal", "rxauth.domain.mails", "rxauth.domain.operators",
    "rxauth.domain.paging", "rxauth.domain.sessions", "rxauth.domain.signing_keys",
}  # fmt: skip


def calls(name: str) -> set[str]:
    """Returns the modules that call something of this name."""
    return {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    }


def test_the_proof_of_an_operator_is_made_by_the_policy_for_the_one_way_in() -> None:
    assert calls("Operator") == {"policy/operators.py"}
    assert calls("as_operator") == {"edge/admin/entry.py"}


def test_the_pages_reach_the_domain_through_the_console_alone() -> None:
    assert set(_imported()) <= KNOWN


def test_nothing_beside_its_pages_and_tests_asks_the_console() -> None:
    users = {
        path.relative_to(SOURCE).parts[:2]
        for path in SOURCE.rglob("*.py")
        if "rxauth.domain.console" in set(_imports(path))
    }
    assert users == {("edge", "admin")}


def _imported() -> Iterator[str]:
    for path in (SOURCE / "edge" / "admin").glob("*.py"):
        yield from (name for name in _imports(path) if name.startswith("rxauth.domain"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "rxauth.domain":
            yield from (f"rxauth.domain.{one.name}" for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module

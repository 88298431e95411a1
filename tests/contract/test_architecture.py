"""The shape of the source: imports go down only, modules are small and say what they are."""

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rxauth

ROOT = Path(__file__).parents[2]
SOURCE = Path(rxauth.__file__).parent
TREES = {path.relative_to(SOURCE).as_posix(): ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}
REVISIONS = "storage/migrations/versions/"  # lists of statements, that nobody opens to change them
LINES_LIMIT = 300
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)

# A module, and the import that it may not have.
PLANTED = [
    ("policy/roles.py", "import sqlalchemy"),
    ("storage/moments.py", "from rxauth.crypto import secrets"),
    ("domain/clients.py", "from rxauth.oauth import tokens"),
    ("oauth/tokens.py", "import starlette.requests"),
    ("oauth/tokens.py", "from rxauth.api import execute"),
    ("scim/users.py", "import sqlalchemy"),
    ("scim/users.py", "from rxauth.oauth import tokens"),
    ("edge/token.py", "from rxauth import app"),
    ("everywhere.py", "import rxauth"),
]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs import-linter with the contracts of this repository on the package `rxauth` of a folder."""
    return subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache", "--config", ROOT / ".importlinter"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_imports_go_down_only() -> None:
    done = lint_imports(SOURCE.parent)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("module", "line"), PLANTED, ids=[f"{module}: {line}" for module, line in PLANTED])
def test_an_import_that_goes_up_or_sideways_is_found(tmp_path: Path, module: str, line: str) -> None:
    shutil.copytree(SOURCE, tmp_path / "rxauth", ignore=shutil.ignore_patterns("__pycache__", "data"))
    with (tmp_path / "rxauth" / module).open("a") as file:
        file.write(f"\n{line}\n")
    assert lint_imports(tmp_path).returncode == 1


def test_every_module_says_what_it_is_in_its_first_line() -> None:
    first_lines = {name: (ast.get_docstring(tree) or "").partition("\n")[0] for name, tree in TREES.items()}
    assert {name for name, line in first_lines.items() if not re.fullmatch(r"\S.{10,}[.:]", line)} == set()


def test_every_module_is_small() -> None:
    lengths = {name: len((SOURCE / name).read_text().splitlines()) for name in TREES if not name.startswith(REVISIONS)}
    assert {name: lines for name, lines in lengths.items() if lines > LINES_LIMIT} == {}


def test_whatever_a_module_offers_says_what_it_does() -> None:
    silent = [f"{name}: {node.name}" for name, tree in TREES.items() for node in _offered(tree) if not _says(node)]
    assert silent == []


def test_no_function_changes_its_module() -> None:
    changing = {name for name, tree in TREES.items() if any(isinstance(node, ast.Global) for node in ast.walk(tree))}
    assert changing == set()


def test_the_environment_is_read_by_the_settings_and_the_command_line_alone() -> None:
    readers = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"}
    }
    assert readers == {"settings.py", "cli/installation.py"}


def test_the_time_of_day_is_asked_in_one_place() -> None:
    asked = {"time", "time_ns", "now", "utcnow", "today"}
    clocks = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in asked
    }
    assert clocks == {"clock.py"}


def test_the_proof_of_a_prescriber_is_made_in_one_place() -> None:
    makers = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (getattr(node.func, "id", None) == "Prescriber" or getattr(node.func, "attr", None) == "Prescriber")
    }
    assert makers == {"policy/decide.py"}


def test_the_proof_of_a_prescriber_is_never_renamed_copied_or_subclassed() -> None:
    """So that whoever reads the test above can believe it: the class is named in annotations and checks alone."""
    found = [
        f"{name}: {node.lineno}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.alias) and node.name == "Prescriber" and node.asname is not None)
        or (isinstance(node, ast.ClassDef) and any(getattr(base, "id", None) == "Prescriber" for base in node.bases))
        or (isinstance(node, ast.Assign) and getattr(node.value, "id", None) == "Prescriber")
        or (isinstance(node, ast.Call) and _replaces_a_proof(node))
    ]
    assert found == []


def _replaces_a_proof(call: ast.Call) -> bool:
    """Tells whether a call is `replace(prescriber, ...)`, by the name that such a value has everywhere."""
    return (
        getattr(call.func, "id", None) == "replace"
        and bool(call.args)
        and getattr(call.args[0], "id", None) == "prescriber"
    )


def _offered(tree: ast.Module) -> list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Lists the public functions and classes of a module, and the public methods of those classes."""
    found: list[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef] = []
    for node in tree.body:
        if isinstance(node, (*FUNCTION, ast.ClassDef)) and not node.name.startswith("_"):
            parts = node.body if isinstance(node, ast.ClassDef) else []
            methods = [part for part in parts if isinstance(part, FUNCTION) and not part.name.startswith("_")]
            found += [node, *methods]
    return found


def _says(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    return bool(ast.get_docstring(node))

"""The reference of the TypeScript SDK, made of the docstrings in its sources, which its own compiler reads."""

import json
import subprocess
from pathlib import Path
from typing import Any

from reference.wording import code, one_line, table

_READER = Path(__file__).parents[1] / "sdk" / "tools" / "reference.mjs"


class UndocumentedError(Exception):
    """An export without a docstring, or sources that cannot be read."""


def page() -> str:
    """Returns the page."""
    parts = ["# TypeScript SDK\n", "The guide is [The frontend SDK](../guides/frontend-sdk.md).\n"]
    for entry in exported():
        parts += [f"## {entry['entry']}\n", f"{entry['doc']}\n", *_entry(entry["exports"])]
    return "\n".join(parts)


def exported(*files: Path) -> list[dict[str, Any]]:
    """Returns what each entry of the package exports. files: other sources to read, in place of the package's.

    Raises:
        UndocumentedError: an export, or a method of one, has no docstring.
    """
    done = subprocess.run(["node", str(_READER), *map(str, files)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise UndocumentedError(done.stderr.strip())
    entries: list[dict[str, Any]] = json.loads(done.stdout)
    return entries


def _entry(exports: list[dict[str, Any]]) -> list[str]:
    operations = [one for one in exports if "operation" in one]
    if not operations:
        return [f"### {one['name']}\n\n{one['doc']}\n\n```ts\n{one['signature']}\n```\n" for one in exports]
    rows = [(code(one["name"]), one["operation"], one_line(one["doc"])) for one in operations]
    named = "A type `…Variables` and a type `…Data` go with each, such as `PatientsVariables` and `PatientsData`."
    return [f"{named}\n", table(("Operation", "Kind", "What it does"), rows)]

"""How reference pages are written."""

import inspect
import re
from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a table, without the columns in which nothing stands."""
    listed = list(rows)
    shown = [at for at in range(len(heads)) if not listed or any(row[at] for row in listed)]
    lines = [[line[at] for at in shown] for line in (heads, ["---"] * len(heads), *listed)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines) + "\n"


def one_line(text: str | None) -> str:
    """Returns a text on one line."""
    return " ".join((text or "").split())


def docstring(documented: object) -> str:
    """Returns a docstring as text; the names of its arguments begin lines of their own."""
    text = inspect.cleandoc(getattr(documented, "__doc__", None) or "")
    return re.sub(r"^Raises:\n\s+", "Raises: ", text, flags=re.MULTILINE)


def code(text: str) -> str:
    """Returns a text as code."""
    return f"`{text}`"

"""Whatever a built site would load from elsewhere: nothing, because it is read where there is no network."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

_LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed|object|form|input)\b[^>]*?\b(?:src|srcset|data|action)=[\"']?"
    r"((?:https?:)?//[^\"'\s>]+)"
    r"|<link\b[^>]*?\bhref=[\"']?((?:https?:)?//[^\"'\s>]+)"
    r"|<[^>]*\bclass=[\"'](mermaid)\b"  # the theme fetches what draws it
    r"|(?:url\(|@import\s+)[\"']?((?:https?:)?//[^\"')\s]+)",
    re.IGNORECASE,
)


def loaded(site: Path) -> Iterator[str]:
    """Lists what pages and their styles would load from elsewhere, each with its file."""
    for file in sorted(site.rglob("*")):
        if file.suffix in {".html", ".css", ".svg"}:
            for found in _LOADED.finditer(file.read_text()):
                yield f"{file.relative_to(site)}: {next(one for one in found.groups() if one)}"


if __name__ == "__main__":
    foreign = list(loaded(Path(sys.argv[1])))
    print("\n".join(f"error: loads from elsewhere: {one}" for one in foreign), end="\n" if foreign else "")
    sys.exit(1 if foreign else 0)

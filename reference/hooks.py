"""What the site's build asks for: the generated pages, the decisions in their order, and links that stay inside."""

import re
from pathlib import Path
from typing import Any

import reference
from reference import graphql_api
from rxauth.api import contract

DECISIONS = Path(__file__).parents[1] / "docs" / "decisions"
_OUTSIDE = re.compile(r"\[([^\]]+)\]\((?:\.\./)+(?:src|sdk|examples|clients|tools|[A-Z]+\.md)[^)]*\)")


def on_config(config: Any) -> Any:
    """Puts what is generated, and every decision, into the navigation."""
    for section in config["nav"]:
        if "Reference" in section:
            nouns = graphql_api.by_noun(contract.schema())
            listed: list[Any] = [{graphql_api.title(noun): graphql_api.path_of(noun)} for noun in nouns]
            section["Reference"].append({"GraphQL": ["reference/graphql/index.md", *listed]})
        if "Decisions" in section:
            section["Decisions"] += [f"decisions/{one.name}" for one in sorted(DECISIONS.glob("0*.md"))]
    return config


def on_files(files: Any, config: Any) -> Any:
    """Adds the generated pages."""
    from mkdocs.structure.files import File  # noqa: PLC0415  # late: only who builds the site has it

    for path, text in reference.pages().items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Leaves the name of what is in the repository and not in the site, without its link."""
    return _OUTSIDE.sub(r"\1", markdown)

"""The reference pages are made of the code, whole, and the site that has them loads nothing from elsewhere."""

import json
import posixpath
import re
import subprocess
from pathlib import Path

import pytest
from graphql import GraphQLScalarType

import reference
from reference import foreign, graphql_api, hooks, typescript_sdk
from rxauth.api import contract

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
SCHEMA = contract.schema()
NAVIGATION = re.findall(r"- (\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """Every generated page: its path and its text."""
    return reference.pages()


def test_every_operation_is_on_one_page_and_every_type_has_a_place() -> None:
    nouns = graphql_api.by_noun(SCHEMA)
    listed = [(root, name) for fields in nouns.values() for root, name, _ in fields]
    roots = [(root, name) for root in graphql_api.ROOTS for name in SCHEMA.type_map[root].fields]  # type: ignore[attr-defined]
    kinds = {
        name
        for name, kind in SCHEMA.type_map.items()
        if not name.startswith("__") and name not in graphql_api.ROOTS and not isinstance(kind, GraphQLScalarType)
    }

    assert sorted(listed) == sorted(roots)
    assert kinds - graphql_api.owners_of(SCHEMA, nouns).keys() == set()


def test_every_operation_says_what_opens_it(pages: dict[str, str]) -> None:
    silent = [
        name
        for fields in graphql_api.by_noun(SCHEMA).values()
        for _, name, field in fields
        if not graphql_api.opened_by(field)
    ]
    assert silent == []
    assert "Opened by `write:prescription`." in pages["reference/graphql/prescribing.md"]


def test_every_link_of_a_generated_page_leads_somewhere(pages: dict[str, str]) -> None:
    written = {path.relative_to(DOCS).as_posix(): path.read_text() for path in DOCS.rglob("*.md")}
    for page, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]+`", "", text)):
            file, _, anchor = target.partition("#")
            if "://" in file:
                continue
            linked = (pages | written)[posixpath.normpath(f"{posixpath.dirname(page)}/{file}") if file else page]
            assert not anchor or f"{{ #{anchor} }}" in linked, f"{page}: {target}"


def test_every_command_is_described(pages: dict[str, str]) -> None:
    page = pages["reference/command-line.md"]
    assert {"## rxauth serve\n", "## rxauth audit verify\n", "## rxauth providers propose\n"} <= set(
        re.findall(r"^## .*\n", page, re.MULTILINE)
    )


def test_every_export_of_the_sdk_is_described_with_its_signature(pages: dict[str, str]) -> None:
    page = pages["reference/typescript-sdk.md"]
    manifest = json.loads((ROOT / "sdk" / "package.json").read_text())
    entries = [name for name in manifest["exports"] if not name.endswith(".graphql")]
    index = (ROOT / "sdk" / "src" / "index.ts").read_text()
    exported = [name for names in re.findall(r"export (?:type )?\{(.*?)\}", index) for name in names.split(",")]

    assert sorted(re.findall(r"^## (.+)$", page, re.MULTILINE)) == sorted(f"@rxauth/sdk{name[1:]}" for name in entries)
    assert {name.replace("type ", "").strip() for name in exported} <= set(
        re.findall(r"^### (\w+)$", page, re.MULTILINE)
    )
    assert "\n\n```ts\nfunction createClient(options: ClientOptions): Client\n```\n" in page
    assert "\n  isAuthenticated(): boolean;\n" in page
    for field in (name for root in graphql_api.ROOTS for name in SCHEMA.type_map[root].fields):  # type: ignore[attr-defined]
        assert f"| `{field}` | " in page


def test_an_export_without_a_docstring_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "planted.ts"
    source.write_text(
        '/** The entry. */\n\nimport "node:fs";\n'
        "/** Said. */\nexport interface Said {\n  /** Said too. */\n  good(): void;\n  silent(): void;\n}\n"
        "export function unsaid(): void {}\n"
    )
    with pytest.raises(typescript_sdk.UndocumentedError, match=r"^No docstring: unsaid, Said\.silent$"):
        typescript_sdk.exported(source)


def test_every_page_is_in_the_navigation_and_every_entry_is_a_page(pages: dict[str, str]) -> None:
    written = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    decisions = {f"decisions/{path.name}" for path in hooks.DECISIONS.glob("0*.md")}
    generated = {path for path in pages if not path.startswith("reference/graphql/")}

    assert len(NAVIGATION) == len(set(NAVIGATION))
    assert set(NAVIGATION) == (written - decisions) | generated


def test_what_a_page_would_load_from_elsewhere_is_found(tmp_path: Path) -> None:
    (tmp_path / "good.html").write_text('<a href="https://example.com">a link</a><img src="logo.svg">')
    planted = {
        "a.html": '<script async src="https://cdn.example/x.js">',
        "b.html": "<link rel=stylesheet href=//fonts.example/css>",
        "c.css": "@font-face { src: url('https://fonts.example/f.woff2') }",
        "d.html": '<pre class="mermaid">',
    }
    for name, text in planted.items():
        (tmp_path / name).write_text(text)

    assert [one.partition(":")[0] for one in foreign.loaded(tmp_path)] == list(planted)


def test_the_site_is_built_without_a_broken_link_and_loads_nothing_from_elsewhere() -> None:
    asked = ["make", "--no-print-directory", "--directory", str(ROOT), "docs"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The site is in the folder site." in done.stdout

"""The documentation says what the code does: tables, links, commands and statuses are compared, row by row."""

import inspect
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest
from graphql import GraphQLObjectType
from typer.testing import CliRunner

from rxauth import settings
from rxauth.api.errors import MEANINGS, Code
from rxauth.api.schema import ROOTS, is_open_to_organizations, is_open_to_people, required_permissions
from rxauth.cli import app
from rxauth.edge.errors import BodyTimeoutError, BodyTooLargeError, UnsupportedMediaTypeError
from rxauth.oauth.errors import ERRORS, OAuthError
from rxauth.policy.permissions import BY_NAME, PERMISSIONS, Machine, Permission
from rxauth.policy.roles import Role
from rxauth.policy.subjects import UserSubject
from tests.live import Live
from tests.world import SEALING_KEY

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path.relative_to(ROOT) for path in [*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
DECISIONS = sorted((DOCS / "decisions").glob("0*.md"))
Rows = list[tuple[str, ...]]

# The root fields of the contract that the published clients speak.
QUERIES = """
    allergens catalog catalogs dispenseUnits fill medicalEquipment medications medicationConcepts medicationStrengths
    medicationRoutes medicationForms medicationProducts medicationPackages order orders patient patients pharmacy
    pharmacies prescription prescriptions clients organization organizations webhooks invites roles users me
    verifications
    """
MUTATIONS = """
    createPatient updatePatient removePatientAllergy removePatientPreferredPharmacy createPrescription
    createPrescriptions cancelPrescription createOrder updateOrder cancelOrder routeOrder addToCatalog removeFromCatalog
    createPrescriptionTemplate updatePrescriptionTemplate deletePrescriptionTemplate rotateSecret createWebhookConfig
    updateWebhookConfig deleteWebhookConfig inviteUser addRole removeRole updateProfile verifyAccount
    """
OPEN_TO_ORGANIZATIONS = "any token of an organization"
OPEN_TO_PEOPLE = "any signed-in person"
MACHINE_CELLS = {Machine.DEFAULT: "default", Machine.GRANTABLE: "can be given", Machine.NEVER: "never"}


def table(page: Path, heading: str) -> Rows:
    """Returns the rows of the first table under a heading, without its header."""
    section = page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert section, f"{page} has no section {heading}"
    lines = section[section.index("\n|") :].strip().partition("\n\n")[0].splitlines()
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]


def as_lines(rows: Sequence[tuple[str, ...]]) -> str:
    """Returns rows as the page has them, so that a failure shows what to write."""
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def code(*names: str) -> str:
    """Returns names as code, any of which will do."""
    return " or ".join(f"`{name}`" for name in names)


def meaning(error: type[OAuthError]) -> str:
    """Returns what the docstring of an error says, in one line."""
    return " ".join(inspect.cleandoc(error.__doc__ or "").split())


def test_every_oauth_error_is_documented() -> None:
    expected = [(code(error.code), str(error.status), error.section, meaning(error)) for error in ERRORS]
    assert as_lines(table(DOCS / "errors.md", "OAuth errors")) == as_lines(expected)


def test_every_other_status_of_an_invalid_request_is_documented() -> None:
    errors: tuple[type[OAuthError], ...] = (BodyTimeoutError, BodyTooLargeError, UnsupportedMediaTypeError)
    expected = [(str(error.status), error.section, meaning(error)) for error in errors]
    assert as_lines(table(DOCS / "errors.md", "Statuses beside these")) == as_lines(expected)


def test_every_code_of_the_api_is_documented() -> None:
    expected = [(code(one), MEANINGS[one]) for one in Code]
    assert as_lines(table(DOCS / "errors.md", "API errors")) == as_lines(expected)


def test_the_api_answers_with_the_statuses_that_are_documented(sqlite_live: Live) -> None:
    token = sqlite_live.token(sqlite_live.world.alder, scope="read:order")
    asked = [
        (None, b'{"query":"{ orders { id } }"}'),
        ("not-a-token", b'{"query":"{ orders { id } }"}'),
        (token, b"{"),
        (token, b"{}"),
        (token, b'{"query":"{ orders { "}'),
        (token, b'{"query":"{ nothing }"}'),
        (token, b'{"query":"{ %s }"}' % b" ".join(b"a%d: orders { id }" % number for number in range(51))),
        (token, b'{"query":"query ($id: ID!) { order(id: $id) { id } }","variables":{"id":true}}'),
        (token, b'{"query":"{ patients { id } }"}'),
        (token, b'{"query":"{ orders { id } patient(id: \\"pat_x\\") { id } }"}'),
    ]
    answered: Rows = []
    rows = table(DOCS / "errors.md", "Status of an API answer")
    for (bearer, body), (what, *_) in zip(asked, rows, strict=True):
        headers = {"content-type": "application/json"} | ({} if bearer is None else {"authorization": bearer})
        answers = [
            sqlite_live.http.post("/graphql", content=body, headers=headers | {"accept": accept})
            for accept in ("application/json", "application/graphql-response+json")
        ]
        codes = {error["extensions"]["code"] for answer in answers for error in answer.json()["errors"]}
        answered.append((what, code(*sorted(codes)), *(str(answer.status_code) for answer in answers)))
    assert as_lines(rows) == as_lines(answered)


def test_every_setting_is_documented() -> None:
    expected = [
        (code(one.variable), "must be set" if one.default is None else _default(one.default), one.meaning)
        for one in settings.descriptions()
    ]
    assert as_lines(table(DOCS / "settings.md", "All settings")) == as_lines(expected)


def _default(text: str) -> str:
    return text if text == "not set" else code(text)


def test_the_settings_file_that_is_documented_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    written = re.findall(r"```toml\n(.*?)```", (DOCS / "settings.md").read_text(), re.DOTALL)[0]
    file = tmp_path / "rxauth.toml"
    file.write_text(written)
    environment = {settings.FILE_VARIABLE: str(file), "RXAUTH_SEALING_KEY": SEALING_KEY, "RXAUTH_LISTEN_PORT": "8999"}

    chosen = settings.read(environment)

    given = tomllib.loads(written)
    assert {name: getattr(chosen, name) for name in given} == given | {"listen_port": 8999}


def test_the_matrix_of_permissions_is_that_of_the_policy() -> None:
    expected = [
        (code(one.name), one.meaning, *(_held(one, role) for role in Role), MACHINE_CELLS[one.machine])
        for one in PERMISSIONS
    ]
    assert as_lines(table(DOCS / "permissions.md", "Who holds what")) == as_lines(expected)


def _held(permission: Permission, role: Role) -> str:
    if role not in permission.roles:
        return ""
    nobody_authorized = UserSubject("usr_somebody", "org_somewhere", frozenset(Role), authority=None)
    return "yes" if permission.condition(nobody_authorized, 0) is None else "if authorized"


def test_every_root_field_of_the_contract_has_a_row_and_nothing_else_has() -> None:
    rows = table(DOCS / "permissions.md", "Root fields")
    documented = [(operation, name.strip("`")) for name, operation, _, _ in rows]
    contract = [("query", name) for name in QUERIES.split()] + [("mutation", name) for name in MUTATIONS.split()]
    assert sorted(documented) == sorted(contract)


def test_every_root_field_needs_the_permissions_that_are_documented(sqlite_live: Live) -> None:
    rows = table(DOCS / "permissions.md", "Root fields")
    documented = {(operation, name): opened_by for name, operation, opened_by, served in rows if served == "yes"}
    for heading in ("Further clinical fields", "Management fields"):
        for name, operation, opened_by in table(DOCS / "permissions.md", heading):
            documented[operation, name] = opened_by
    live = {
        (kind.lower(), code(name)): _opened_by(sqlite_live, kind, name)
        for kind in ROOTS
        for name in _object(sqlite_live, kind).fields
    }
    assert documented == live


def test_what_is_not_served_yet_is_marked_so_and_names_permissions_that_exist() -> None:
    for name, _, opened_by, served in table(DOCS / "permissions.md", "Root fields"):
        assert served in {"yes", "not yet"}, name
        if opened_by not in {OPEN_TO_ORGANIZATIONS, OPEN_TO_PEOPLE}:
            assert {one.strip("`") for one in opened_by.split(" or ")} <= BY_NAME.keys(), name


def test_every_guarded_field_inside_an_answer_is_documented(sqlite_live: Live) -> None:
    live = [
        (code(f"{kind.name}.{name}"), code(*permissions))
        for kind in sqlite_live.edge.api.schema.type_map.values()
        if isinstance(kind, GraphQLObjectType) and kind.name not in ROOTS
        for name, field in kind.fields.items()
        if (permissions := required_permissions(field)) is not None
    ]
    assert sorted(table(DOCS / "permissions.md", "Fields inside an answer")) == sorted(live)


def _object(live: Live, name: str) -> GraphQLObjectType:
    kind = live.edge.api.schema.type_map[name]
    assert isinstance(kind, GraphQLObjectType)
    return kind


def _opened_by(live: Live, kind: str, name: str) -> str:
    field = _object(live, kind).fields[name]
    permissions = required_permissions(field)
    if permissions is None:
        assert is_open_to_organizations(field) != is_open_to_people(field)
        return OPEN_TO_PEOPLE if is_open_to_people(field) else OPEN_TO_ORGANIZATIONS
    return code(*permissions)


@pytest.mark.parametrize(
    ("heading", "extra"),
    [
        ("To run", None),
        ("To make traces", "traces"),
        ("To develop", "dev"),
        ("To keep signing keys in a security module", "pkcs11"),
        ("To make the site", "docs"),
    ],
)
def test_every_dependency_has_its_line(heading: str, extra: str | None) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = project["dependencies"] if extra is None else project["optional-dependencies"][extra]
    names = [code(re.split(r"[\[><=]", requirement)[0]) for requirement in declared]
    assert [row[0] for row in table(DECISIONS[0], heading)] == names


def test_every_decision_is_in_the_index_and_they_are_numbered_without_a_gap() -> None:
    titles = [path.read_text().partition("\n")[0].removeprefix("# ") for path in DECISIONS]
    assert [title[:4] for title in titles] == [f"{number:04}" for number in range(1, len(DECISIONS) + 1)]
    expected = [(f"[{path.name[:4]}]({path.name})", title[5:]) for path, title in zip(DECISIONS, titles, strict=True)]
    assert as_lines(table(DOCS / "decisions" / "README.md", "Index")) == as_lines(expected)


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]*(?:#[^)\s]+)?)\)", (ROOT / page).read_text()):
        file, _, anchor = target.partition("#")
        if "://" in file:
            continue
        linked = (ROOT / page).parent / file if file else ROOT / page
        assert linked.exists(), target
        if anchor:
            assert anchor in _anchors(linked), target


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    for words, rest in re.findall(r"\brxauth(?! rxauth)((?: [a-z][a-z-]*)+)([^`\n)]*)", _written_as_code(ROOT / page)):
        shown = CliRunner().invoke(app, [*words.split(), "--help"])
        assert shown.exit_code == 0, f"rxauth{words}"
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in shown.output, f"rxauth{words} {option}"


def _written_as_code(page: Path) -> str:
    """Returns a page's shell blocks and code spans, a line for each span."""
    text = page.read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return "\n".join([*blocks, *spans])

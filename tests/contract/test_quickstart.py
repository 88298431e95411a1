"""What the documentation tells people to type: its blocks are run as they stand, and answer what the pages show."""

import json
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from rxauth.crypto.jws import new_signing_key
from tests.live import PATIENCE_S, Live, free_port, rxauth_program
from tests.world import AUDIENCE, ISSUER, postgres_socket

ROOT = Path(__file__).parents[2]
TYPED = ("prescriber", "administrator")
QUICKSTART = ROOT / "docs" / "quickstart.md"
OPERATE = ROOT / "docs" / "guides" / "operate.md"
OPERATOR = ROOT / "docs" / "quickstart" / "operator.md"
# Whoever runs `make run` first can type what these show.
PAGES = [ROOT / "README.md", QUICKSTART, *(ROOT / "docs" / "quickstart" / f"{who}.md" for who in TYPED)]
VERIFY = ROOT / "docs" / "guides" / "verify-tokens.md"
DOCUMENTED_URL = "http://localhost:8000"
END_OF_STEP = "\x1e"


@dataclass(frozen=True)
class Step:
    """A block to type, and what the page says it prints; None: the page does not say."""

    command: str
    output: str | None


def steps(text: str) -> list[Step]:
    """Returns the shell blocks of a page, each with the output block that follows it."""
    fences = re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    following = [*fences[1:], ("end", "")]
    return [
        Step(block, shown.strip() if language in {"json", "text"} else None)
        for (kind, block), (language, shown) in zip(fences, following, strict=True)
        if kind == "sh"
    ]


def run_and_compare(typed: list[Step], folder: Path, environment: dict[str, str]) -> list[str]:
    """Types the blocks into one shell; returns those that print something else than the page shows, with what it was.

    Errors and progress, on standard error, are not compared.
    """
    script = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n"
    script += "".join(f"{step.command}printf '{END_OF_STEP}'\n" for step in typed)
    done = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=script,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * PATIENCE_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = [output.strip() for output in done.stdout.split(END_OF_STEP)[:-1]]
    return [
        f"{step.command}\n{output}"
        for step, output in zip(typed, outputs, strict=True)
        if step.output is not None and not is_as_shown(output, step.output)
    ]


def is_as_shown(printed: str, shown: str) -> bool:
    """Compares an output with the page's, in which … stands for the rest of a value or of a list."""
    pattern = re.escape(shown).replace('…"', '[^"]+"').replace("…", ".+")
    return re.fullmatch(pattern, printed) is not None


def without_settings() -> dict[str, str]:
    """Returns this environment as a fresh shell has it."""
    foreign = ("RXAUTH_", "PYTHONUNBUFFERED")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


@dataclass(frozen=True)
class Sandbox:
    """A running `rxauth sandbox`, as `make run` starts it in a clone."""

    folder: Path
    url: str

    @property
    def credentials(self) -> dict[str, str]:
        """What the sandbox keeps in its folder."""
        kept: dict[str, str] = json.loads((self.folder / ".rxauth" / "credentials.json").read_text())
        return kept

    @property
    def printed(self) -> str:
        """What the process has written to its standard output."""
        return (self.folder / "printed.txt").read_text()

    def filled_in(self, text: str) -> str:
        """Puts this sandbox's address and credentials where a page has placeholders."""
        text = text.replace(DOCUMENTED_URL, self.url)
        text = text.replace("YOUR_CLIENT_ID", self.credentials["client_id"])
        text = text.replace("YOUR_CLIENT_SECRET", self.credentials["client_secret"])
        return text.replace("YOUR_ACCESS_TOKEN", self.token()) if "YOUR_ACCESS_TOKEN" in text else text

    def token(self) -> str:
        """Returns an access token."""
        asked = {name: self.credentials[name] for name in ("client_id", "client_secret")}
        answer = httpx.post(
            f"{self.url}/oauth/token", data={"grant_type": "client_credentials", **asked}, timeout=PATIENCE_S
        )
        return str(answer.json()["access_token"])


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox in a folder that looks like a clone after `make run`."""
    running = Sandbox(tmp_path_factory.mktemp("clone"), f"http://localhost:{free_port()}")
    (running.folder / ".venv").symlink_to(sys.prefix)
    port = running.url.rpartition(":")[2]
    with (running.folder / "printed.txt").open("w") as printed:
        process = subprocess.Popen(
            [rxauth_program(), "sandbox", "--port", port],
            cwd=running.folder,
            env=without_settings(),
            stdout=printed,
        )
    try:
        _wait_until_it_answers(running.url, process)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_S)


def _wait_until_it_answers(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/.well-known/jwks.json", timeout=PATIENCE_S)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the sandbox did not start")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_tells_to_type_prints_what_it_shows(sandbox: Sandbox, page: Path) -> None:
    typed = [step for step in steps(sandbox.filled_in(page.read_text())) if not step.command.startswith("make ")]
    assert len(typed) >= (1 if page.stem == "administrator" else 2)

    different = run_and_compare(typed, sandbox.folder, without_settings())

    assert different == []


def test_make_run_starts_the_sandbox_on_the_port_that_the_pages_name() -> None:
    asked = ["make", "--dry-run", "--no-print-directory", "--directory", str(ROOT), "run"]
    printed = subprocess.run(asked, capture_output=True, text=True, check=True).stdout
    assert printed.rstrip().endswith("/rxauth sandbox --port 8000")
    assert steps(QUICKSTART.read_text())[0].command == "make run\n"


def test_the_sandbox_prints_the_exchange_that_the_pages_show(sandbox: Sandbox) -> None:
    for page in (ROOT / "README.md", QUICKSTART):
        exchange = next(step for step in steps(page.read_text()) if "client_credentials" in step.command)
        assert sandbox.filled_in(exchange.command) in sandbox.printed


def test_the_people_of_the_page_are_those_that_the_sandbox_prints(sandbox: Sandbox) -> None:
    shown = re.findall(r"^\| (\S+@sandbox\.example) \| (.+) \| (.+) \|$", QUICKSTART.read_text(), re.MULTILINE)
    printed = [re.split(" {2,}", line.strip()) for line in sandbox.printed.splitlines() if "@sandbox.example" in line]
    assert [list(row) for row in shown] == printed


def test_an_operator_s_quickstart_is_typed_from_the_settings_to_the_audit_log(tmp_path: Path) -> None:
    port = free_port()
    text = OPERATOR.read_text().replace(DOCUMENTED_URL, f"http://localhost:{port}")
    install, *typed = steps(text)
    program = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    different = run_and_compare(typed, tmp_path, without_settings() | program | {"RXAUTH_LISTEN_PORT": str(port)})

    assert install.command.startswith("make ")
    assert (len(typed) > 6, different) == (True, [])


def test_the_operator_s_first_steps_work_on_postgresql(tmp_path: Path) -> None:
    name = f"operated_{uuid.uuid4().hex[:12]}"
    text = OPERATE.read_text()
    statements = re.findall(r"```sql\n(.*?)```", text, re.DOTALL)[0].replace("DATABASE rxauth", f"DATABASE {name}")
    with psycopg.connect(f"host={postgres_socket()} user=postgres dbname=postgres", autocommit=True) as connection:
        for statement in statements.strip().splitlines():
            if not statement.startswith("CREATE ROLE"):  # the tests' server has the three roles
                connection.execute(statement.encode())
    urls = re.sub(r"(rxauth_\w+):\w+@localhost:5432/rxauth", rf"\1@/{name}?host={postgres_socket()}", text)
    begin, end = "umask 077", "rxauth serve\n"
    commands = [step.command for step in steps(urls)]
    first, serve = next(i for i, one in enumerate(commands) if one.startswith(begin)), commands.index(end)
    typed = steps(urls)[first:serve]
    program = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    different = run_and_compare(typed, tmp_path, without_settings() | program)

    assert (len(typed), different) == (3, [])
    assert (tmp_path / "rxauth.toml").stat().st_mode & 0o777 == 0o600


def documented_verifier(live: Live) -> dict[str, Any]:
    """Runs the Python of the guide, with the key set of a test's server; returns what it defines."""
    blocks = re.findall(r"```python\n(.*?)```", VERIFY.read_text(), re.DOTALL)
    source = "\n".join(blocks).replace('ISSUER + ".well-known/jwks.json"', f'"{live.url}/.well-known/jwks.json"')
    defined: dict[str, Any] = {}
    exec(source, defined)
    assert (defined["ISSUER"], defined["AUDIENCE"]) == (ISSUER, AUDIENCE)
    return defined


def current_claims(live: Live, **changes: Any) -> dict[str, Any]:
    """Returns claims that are good by the clock on the wall, which PyJWT reads."""
    now = int(time.time())
    return live.claims(live.world.alder, **({"iat": now, "exp": now + 3600} | changes))


def test_the_documented_verifier_accepts_a_token_and_reads_its_permissions(sqlite_live: Live) -> None:
    defined = documented_verifier(sqlite_live)
    claims = defined["verify"](sqlite_live.sign(current_claims(sqlite_live)))
    assert claims["org_id"] == sqlite_live.world.alder.organization_id
    assert defined["may_read_patients"](claims)
    assert not defined["may_read_patients"](claims | {"permissions": ["read:order"]})


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": ISSUER.rstrip("/")},
        {"aud": "https://another.example"},
        {"aud": [AUDIENCE]},
        {"exp": 1},
        {"exp": None},
        {"jti": None},
        {"client_id": None},
    ],
    ids=str,
)
def test_the_documented_verifier_refuses_claims_that_are_not_for_it(
    sqlite_live: Live, changes: dict[str, object]
) -> None:
    verify = documented_verifier(sqlite_live)["verify"]
    with pytest.raises(jwt.PyJWTError):
        verify(sqlite_live.sign(current_claims(sqlite_live, **changes)))


def test_the_documented_verifier_refuses_another_key_and_another_type(sqlite_live: Live) -> None:
    verify = documented_verifier(sqlite_live)["verify"]
    claims = current_claims(sqlite_live)
    for forged in (sqlite_live.sign(claims, key=new_signing_key()), sqlite_live.sign(claims, token_type="JWT")):
        with pytest.raises(jwt.PyJWTError):
            verify(forged)

"""Tokens of the sandbox's people without a browser, and a sandbox for the tests of others."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from rxauth import sandbox
from rxauth.app import migrate_database
from rxauth.clock import Clock
from rxauth.domain import clients
from rxauth.policy.permissions import MACHINE_DEFAULT
from rxauth.sandbox.minting import MintError, mint
from rxauth.storage.database import Database
from rxauth.testing import RunningSandbox, running_sandbox
from tests.live import PATIENCE_S, Live, decode, rxauth_program

GUIDE = Path(__file__).parent.parent.parent / "docs" / "guides" / "testing.md"
ME = {"query": "{ me { email } patients(first: 1) { id } }"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A sandbox, with what was prepared in a folder of the test's."""
    with running_sandbox(tmp_path_factory.mktemp("cache")) as one:
        yield one


def asked(running: RunningSandbox, token: str) -> httpx.Response:
    """Sends a request with a token."""
    return httpx.post(
        f"{running.url}/graphql", json=ME, headers={"authorization": f"Bearer {token}"}, timeout=PATIENCE_S
    )


def test_a_role_s_token_is_what_signing_in_gives(running: RunningSandbox) -> None:
    token = running.token("prescriber")
    _, claims = decode(token)
    assert "write:prescription" in claims["permissions"]
    assert claims["acr"] == "aal2"
    assert asked(running, token).json()["data"]["me"] == {"email": "prescriber@sandbox.example"}


def test_policy_decides_what_a_minted_token_may_do(running: RunningSandbox) -> None:
    """AU-1: asking for write:prescription gives it to nobody who is not authorized."""
    for who in ("administrator", "medical-operations", "support@sandbox.example"):
        _, claims = decode(running.token(who, "write:prescription read:patient"))
        assert "write:prescription" not in claims["permissions"]
    _, claims = decode(running.token("prescriber", "read:patient"))
    assert claims["permissions"] == ["read:patient"]


def test_the_command_prints_one_for_scripts(running: RunningSandbox) -> None:
    command = [rxauth_program(), "token", "--data", str(running.folder)]
    printed = subprocess.run([*command, "--as", "staff"], capture_output=True, text=True, check=True).stdout.strip()
    assert asked(running, printed).json()["data"]["me"] == {"email": "staff@sandbox.example"}
    unknown = subprocess.run([*command, "--as", "nurse"], capture_output=True, text=True, check=False)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "medical-operations" in unknown.stderr


def test_nothing_is_minted_outside_a_sandbox(sqlite_live: Live) -> None:
    """Decision: known people and tokens without signing in exist in a sandbox only."""
    with pytest.raises(MintError, match="no sandbox"):
        mint(sqlite_live.server, "ada@example.com")


def test_its_machine_gets_tokens_too(running: RunningSandbox) -> None:
    body = {"client_id": running.client_id, "client_secret": running.client_secret, "audience": running.url}
    answer = httpx.post(
        f"{running.url}/oauth/token", json=body | {"grant_type": "client_credentials"}, timeout=PATIENCE_S
    )
    assert answer.json()["scope"] == " ".join(MACHINE_DEFAULT)


def test_pytest_finds_the_fixture_by_itself_as_the_guide_shows_it(tmp_path: Path) -> None:
    [shown] = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    (tmp_path / "test_theirs.py").write_text(shown)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_token_for_an_api_that_nobody_registered_is_not_to_be_had(running: RunningSandbox) -> None:
    """No audience that the organization has not registered."""
    with pytest.raises(MintError, match="rxauth audiences add"):
        running.token("prescriber", audience="http://localhost:9000")
    _, claims = decode(running.token("prescriber", audience=running.url))
    assert claims["aud"] == running.url


def test_a_secret_that_was_revoked_is_replaced_when_the_sandbox_starts_again(tmp_path: Path) -> None:
    """What is printed works when it is pasted, also after somebody tried out the settings pages."""
    clock, folder = Clock(), tmp_path / "sandbox"
    settings = sandbox.make_settings(folder, 8000)
    migrate_database(settings)
    with closing(Database(settings.database_url)) as database:
        first = sandbox.fill(database, folder, clock, 8000)
        assert sandbox.fill(database, folder, clock, 8000).client_secret == first.client_secret
        machine = database.read(lambda tx: clients.load(tx, first.client_id))
        assert machine is not None
        [secret] = machine.secrets
        database.write(lambda tx: clients.revoke_secret(tx, machine.id, secret.id, clock.seconds()))
        again = sandbox.fill(database, folder, clock, 8000)
        assert again.client_secret != first.client_secret
        assert sandbox.read_credentials(folder) == again

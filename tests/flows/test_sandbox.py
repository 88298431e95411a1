"""The sandbox as a person meets it: started in a folder, its printed commands pasted into a shell, started again."""

import json
import os
import re
import shutil
import signal
import sqlite3
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rxauth import sandbox
from rxauth.app import make_server
from rxauth.clock import Clock
from rxauth.crypto.passwords import Cost, Verdict, judge
from rxauth.domain import clients, memberships, passwords, providers, users
from rxauth.domain.client_urls import UrlKind
from rxauth.domain.password_rules import require_acceptable
from rxauth.policy.authority import State
from rxauth.policy.roles import Role
from rxauth.settings import SettingsError
from rxauth.storage.database import Database
from tests.live import free_port, http_client, rxauth_program
from tests.pharmacy_network import ADDRESS, ORDER, SHOWN

SCOPE = "read:patient write:patient read:prescription read:order write:order"
ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nowhere", "PYTHONWARNINGS": "error"}


class Sandbox:
    """`rxauth sandbox` as a process, once it has printed its text and serves."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.url = f"http://localhost:{port}"
        self._popen = subprocess.Popen(
            [rxauth_program(), "sandbox", "--data", str(folder), "--port", str(port), "--pharmacy-speed", "0.05"],
            env=ENVIRONMENT,
            cwd=folder.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._popen.stdout is not None
        lines: list[str] = []
        while not (lines and lines[-1].startswith("  --data ") and "query" in lines[-1]):
            line = self._popen.stdout.readline()
            assert line, "".join(lines)
            lines.append(line)
        self.text = "".join(lines)
        self.commands = commands_of(self.text)

    def stop(self) -> str:
        """Ends it as Ctrl-C does; returns what it printed since."""
        self._popen.send_signal(signal.SIGINT)
        rest, _ = self._popen.communicate(timeout=30)
        assert self._popen.returncode == 0
        return rest


def commands_of(text: str) -> list[str]:
    """Returns the commands in a printed text, each with the lines that continue it."""
    return re.findall(r"^(?:TOKEN=|curl ).*?(?<!\\)$", text, re.MULTILINE | re.DOTALL)


@contextmanager
def served(folder: Path, port: int) -> Iterator[Sandbox]:
    """Runs a sandbox for the length of a block."""
    running = Sandbox(folder, port)
    try:
        yield running
    finally:
        assert [line for line in running.stop().splitlines() if json.loads(line)["level"] != "info"] == []


def pasted(commands: list[str], folder: Path) -> str:
    """Returns what a shell prints when commands are pasted into it."""
    script = "\n".join(commands)
    done = subprocess.run(["bash", "-eu"], input=script, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def rxauth(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a folder, without any setting."""
    return subprocess.run(
        [rxauth_program(), *arguments], env=ENVIRONMENT, cwd=folder, capture_output=True, text=True, check=False
    )


def patients(answer: str) -> list[Any]:
    """Returns the patients of an answer of the API."""
    found: list[Any] = json.loads(answer)["data"]["patients"]
    return found


@dataclass(frozen=True)
class Kept:
    """A sandbox that was started once: its folder, its port, what it printed, and its files while it ran."""

    folder: Path
    port: int
    text: str
    modes: dict[str, int]

    def copy(self, place: Path) -> Path:
        """Returns a copy of the folder, to be changed."""
        shutil.copytree(self.folder, place / ".rxauth")
        return place / ".rxauth"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """A sandbox that was started once, by somebody whose files anybody may read, and stopped."""
    folder, port = tmp_path_factory.mktemp("sandbox") / ".rxauth", free_port()
    before = os.umask(0)
    try:
        with served(folder, port) as running:
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    finally:
        os.umask(before)
    return Kept(folder, port, running.text, modes)


def test_a_sandbox_started_again_prints_the_same_commands_and_they_work_when_pasted(kept: Kept, tmp_path: Path) -> None:
    folder = kept.copy(tmp_path)
    with served(folder, kept.port) as running:
        assert running.text == kept.text.replace(str(kept.folder), str(folder))
        exchange, get, use = running.commands
        answer = json.loads(pasted([exchange], tmp_path))
        assert list(answer) == ["access_token", "scope", "expires_in", "token_type"]
        assert (answer["scope"], answer["expires_in"], answer["token_type"]) == (SCOPE, 86400, "Bearer")
        found = patients(pasted([get, use], tmp_path))
        assert len(found) > 10
        assert all(one["id"].startswith("pat_") and one["name"]["full"] for one in found)
        assert listening_on(kept.port) == [f"0100007F:{kept.port:04X}"]

        # Its pharmacy fills an order at once.
        assert life_of_an_order(running.url, answer["access_token"]) == "PICKED_UP"

        # Commands in this folder work on the sandbox, without a setting.
        token = rxauth(tmp_path, "token").stdout.strip()
        explained = rxauth(tmp_path, "explain", token)
        assert explained.stdout.splitlines()[-1] == "The server would accept it."
        assert explained.stderr == "(the sandbox in .rxauth)\n"


def test_a_sandbox_follows_a_new_port_and_a_new_secret(kept: Kept, tmp_path: Path) -> None:
    folder, port = kept.copy(tmp_path), free_port()
    old = credentials(folder)
    rotated = rxauth(tmp_path, "clients", "rotate-secret", old["client_id"], "--overlap", "0")
    assert rotated.returncode == 0
    secret = re.findall(r"rxs_\w+", rotated.stdout)[0]
    with served(folder, port) as running:
        expected = kept.text.replace(f":{kept.port}", f":{port}").replace(old["client_secret"], secret)
        assert running.text == expected.replace(str(kept.folder), str(folder))
        assert len(patients(pasted(running.commands[1:], tmp_path))) > 10
    assert credentials(folder) == old | {"client_secret": secret, "url": f"http://localhost:{port}"}


def test_the_folder_is_its_owners_alone(kept: Kept) -> None:
    files = [
        "credentials.json",
        "sealing.key",
        "network.secret",
        "pharmacy.sqlite",
        "rxauth.sqlite",
        "rxauth.sqlite-wal",
        "rxauth.sqlite-shm",
    ]
    assert kept.modes == {".rxauth": 0o700, **dict.fromkeys(files, 0o600)}


def test_the_printed_text_has_the_credentials_and_the_commands_that_the_page_shows(kept: Kept) -> None:
    known = credentials(kept.folder)
    assert kept.text.count(known["client_id"]) == 3
    assert kept.text.count(known["client_secret"]) == 3
    exchange, get, use = commands_of(kept.text)
    assert exchange == (
        f"curl --request POST --url {known['url']}/oauth/token --header 'content-type: application/json' \\\n"
        f'  --data \'{{"client_id":"{known["client_id"]}","client_secret":"{known["client_secret"]}",'
        f'"audience":"{known["url"]}","grant_type":"client_credentials"}}\''
    )
    assert get.startswith("TOKEN=$(curl --silent ")
    assert use == (
        f"curl {known['url']}/graphql -H \"authorization: Bearer $TOKEN\" -H 'content-type: application/json' \\\n"
        '  --data \'{"query":"{ patients { id name { full } } }"}\''
    )


def test_the_people_are_printed_with_passwords_that_open_their_accounts(kept: Kept) -> None:
    known = json.loads((kept.folder / "credentials.json").read_text())
    rows = [re.split(" {2,}", line.strip()) for line in kept.text.splitlines() if "@sandbox.example" in line]
    assert rows == [[one["email"], one["role"], one["password"]] for one in known["people"]]
    assert [role for _, role, _ in rows] == list(Role)
    assert f"with the browser client {known['browser_client_id']}:" in kept.text
    database = Database(sandbox.make_settings(kept.folder, kept.port).database_url)
    for one in known["people"]:
        require_acceptable(one["password"])
        attempt = database.read(lambda tx, one=one: passwords.begin(tx, one["email"]))  # type: ignore[misc]
        assert judge(one["password"], attempt.stored, Cost()) == Verdict(is_right=True, replacement=None)
        assert attempt.user is not None
        found = database.read(lambda tx, user_id=attempt.user.id: memberships.of_person(tx, user_id))  # type: ignore[misc]
        assert [membership.roles for membership in found] == [{one["role"]}] * (2 if one["in_both"] else 1)
    client = database.read(lambda tx: clients.load(tx, known["browser_client_id"]))
    prescriber = database.read(lambda tx: users.find_by_email(tx, "prescriber@sandbox.example"))
    assert prescriber is not None
    authorities = database.read(lambda tx: providers.authorities_of_person(tx, prescriber.id))
    database.close()
    assert [(one.state, {held.state for held in one.licences}) for one in authorities.values()] == [
        (State.APPROVED, {"CA", "IL", "NY", "TX"})
    ]
    assert client is not None
    assert (client.app_type, client.any_organization, client.third_party) == ("spa", True, False)
    assert {"http://localhost:3000", "http://localhost:5173?photon=true"} <= client.urls[UrlKind.CALLBACK]
    assert sum(one["in_both"] for one in known["people"]) == 1


def test_a_sandbox_of_the_version_before_people_gains_them_and_keeps_the_rest(kept: Kept, tmp_path: Path) -> None:
    folder = kept.copy(tmp_path)
    file = folder / "credentials.json"
    before = {name: credentials(folder)[name] for name in ("url", "client_id", "client_secret")}
    with sqlite3.connect(folder / "rxauth.sqlite") as connection:
        for table in ("membership_roles", "memberships", "passwords", "client_urls"):
            connection.execute(f"DELETE FROM {table}")
        connection.execute("DELETE FROM clients WHERE app_type = 'spa'")
        connection.execute("DELETE FROM users WHERE email LIKE '%@sandbox.example'")
    connection.close()
    file.write_text(json.dumps(before))

    with served(folder, kept.port) as running:
        token = rxauth(tmp_path, "token").stdout.strip()
        assert token.count(".") == 2
        assert "prescriber@sandbox.example" in running.text

    after = json.loads(file.read_text())
    assert {name: after[name] for name in before} == before
    assert (len(after["people"]), stat.S_IMODE(file.stat().st_mode)) == (6, 0o600)


def test_a_sandbox_is_never_served_beyond_this_machine(kept: Kept, tmp_path: Path) -> None:
    settings = sandbox.make_settings(kept.copy(tmp_path), kept.port)
    for host in ("0.0.0.0", "::", "192.0.2.1", "clinic.example"):
        with pytest.raises(SettingsError, match="RXAUTH_LISTEN_HOST must be this machine itself"):
            make_server(replace(settings, listen_host=host), Clock())
    make_server(settings, Clock()).database.close()


def test_lost_credentials_are_told_and_how_to_start_over(kept: Kept, tmp_path: Path) -> None:
    folder = kept.copy(tmp_path)
    (folder / "credentials.json").unlink()
    done = rxauth(tmp_path, "sandbox", "--port", str(kept.port))
    assert (done.returncode, done.stdout) == (1, "")
    gone = Path(".rxauth") / "credentials.json"
    assert done.stderr == f"error: {gone} is gone. Remove .rxauth to start over; its data goes with it.\n"


def test_a_sandbox_whose_making_was_interrupted_is_made_whole(tmp_path: Path) -> None:
    folder, port = tmp_path / ".rxauth", free_port()
    popen = subprocess.Popen(
        [rxauth_program(), "sandbox", "--data", str(folder), "--port", str(port)], env=ENVIRONMENT, cwd=tmp_path
    )
    while not (folder / "credentials.json").exists():  # written just before its commit
        assert popen.poll() is None
        time.sleep(0.0005)
    popen.kill()
    popen.wait()
    with served(folder, port) as running:
        assert len(patients(pasted(running.commands[1:], tmp_path))) > 10


def life_of_an_order(url: str, token: str) -> str:
    """Orders a sample prescription; returns the state in which its pharmacy ends."""
    with http_client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=30) as http:

        def ask(document: str, **variables: Any) -> Any:
            answer = http.post("/graphql", json={"query": document, "variables": variables}).json()
            assert "errors" not in answer, answer
            return answer["data"]

        known = ask(
            "{ prescriptions(filter: {state: ACTIVE}, first: 100) { id patient { id address { state } } }"
            " pharmacies(first: 100) { id fulfillmentTypes } }"
        )
        written = next(one for one in known["prescriptions"] if one["patient"]["address"])
        values = {
            "patientId": written["patient"]["id"],
            "fills": [{"prescriptionId": written["id"]}],
            "pharmacyId": next(one["id"] for one in known["pharmacies"] if "PICK_UP" in one["fulfillmentTypes"]),
            "address": ADDRESS,
        }
        order_id = ask(ORDER, **values)["createOrder"]["id"]
        deadline = time.monotonic() + 30
        while (order := ask(SHOWN, id=order_id)["order"])["state"] != "COMPLETED":
            assert time.monotonic() < deadline, order
            time.sleep(0.02)
        return str(order["fulfillment"]["state"])


def credentials(folder: Path) -> dict[str, Any]:
    """Returns what the sandbox keeps of its client and its people."""
    kept: dict[str, Any] = json.loads((folder / "credentials.json").read_text())
    return kept


def listening_on(port: int) -> list[str]:
    """Returns the addresses on which somebody listens at a port, as the kernel writes them."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()]
    return [words[1] for words in lines if words[1].endswith(f":{port:04X}") and words[3] == "0A"]

"""Forged log lines, and what an unexpected failure gives away."""

import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from rxauth.api.execute import Api
from rxauth.api.outcomes import Outcome
from rxauth.crypto.secrets import new_secret
from rxauth.edge.audit_group import AuditGroup
from tests.domain.test_audit import entries
from tests.live import PATIENCE_S, Live, Process, environment, free_port, http_client, process
from tests.storage.test_database import database_name
from tests.storage.test_migrations import administer
from tests.world import StandingClock, World

FORGED = '{"level":"error","event":"forged"}'
HOSTILE = {
    "a line": f"x\r\n{FORGED}",
    "a line feed": f"x\n{FORGED}",
    "a terminal's colours": "\x1b[31mforged\x1b[0m",
    "a terminal's title": "\x1b]0;forged\x07",
    "nothing": "forged\x00after",
    "JSON": '","event":"forged","x":"',
    "another line": f"x\u2028{FORGED}\u2029",
    "the other way round": "\u202eforged",
    "half a character": "forged\ud800",
}
SECRET = "Wilhelmina Canaryfield 1950-01-01"
UNEXPECTED = "Something unexpected happened"

# A server whose API fails as no code of ours should.
BROKEN = f"""
import uvicorn
from rxauth.app import make_api, make_server
from rxauth.clock import Clock
from rxauth.edge.context import Edge
from rxauth.edge.routes import application
from rxauth.logs import configure
from rxauth.settings import read

class Broken:
    def run(self, caller, body):
        raise RuntimeError({SECRET!r})

settings = read()
server = make_server(settings, Clock())
edge = Edge(server, Broken())
configure()
uvicorn.run(application(edge), port=settings.listen_port, ws="none", access_log=False, log_config=None)
"""


class BrokenApi(Api):
    """An API that fails as no code of ours should."""

    def run(self, *_arguments: object, **_options: object) -> Outcome:
        """Fails, with a text that nobody may see."""
        raise RuntimeError(SECRET)


class BrokenGroup(AuditGroup):
    """An audit group that fails as no code of ours should."""

    async def commit(self, *_arguments: object) -> None:
        """Fails, with a text that nobody may see."""
        raise RuntimeError(SECRET)


def objects(output: str) -> list[dict[str, Any]]:
    """Returns the lines of a log, each of which must be one JSON object."""
    return [json.loads(line) for line in output.splitlines()]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_forged_line_stays_inside_the_line_that_quotes_it(text: str) -> None:
    """Whatever is logged, by us or by a library, is one line, and nothing in it moves a terminal's cursor."""
    program = (
        "import json, logging, sys, structlog; from rxauth.logs import configure; configure(); "
        "text = json.loads(sys.stdin.read()); structlog.get_logger('a').warning('ours', text=text); "
        "logging.getLogger('a.library').warning(text); logging.getLogger('a.library').error('%s', text)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=json.dumps(text), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
    ours, *library = objects(done.stderr)
    assert (ours["event"], ours["text"]) == ("ours", text)
    assert [one["event"] for one in library] == [text, text]
    assert [character for character in done.stderr if not character.isprintable() and character != "\n"] == []


def test_hostile_requests_forge_no_line_and_no_record(sqlite_world: World) -> None:
    with process(sqlite_world.settings) as server:
        for text in HOSTILE.values():
            _attack(server, sqlite_world, text)
        assert server.answers()
        output = server.stop()
    first, *lines = output.splitlines()
    assert first.startswith("rxauth serves ")
    for entry in objects("\n".join(lines)):
        assert entry["event"] != "forged"
        assert entry["level"] in {"warning", "error"}
    assert "forged" not in output
    kept = entries(sqlite_world)
    assert kept
    assert "forged" not in json.dumps(kept)


def _attack(server: Process, world: World, text: str) -> None:
    """Sends a hostile text wherever a request has room for it."""
    encoded = json.dumps(text)
    names = ("client_id", "client_secret", "scope", "audience", "grant_type", "resource", "forged")
    good = {"grant_type": "client_credentials", "client_id": world.alder.client_id, "client_secret": new_secret()}
    for name in names:
        body = json.dumps(good | {name: "FORGED"}).replace('"FORGED"', encoded)
        answer = server.http.post("/oauth/token", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in {400, 401, 429}
    query = json.dumps({"query": text, "operationName": text})
    server.http.post("/graphql", content=query, headers={"content-type": "application/json"})
    raw = text.encode("utf-8", "surrogatepass")
    for line in (b"GET /" + raw, b"POST /oauth/token", b"POST /graphql"):
        for header in (b"User-Agent", b"Authorization", b"X-Forwarded-For", b"Host", b"Content-Type", raw):
            _send(server.port, line + b" HTTP/1.1\r\n" + header + b": " + raw + b"\r\nContent-Length: 0\r\n\r\n")


def _send(port: int, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(PATIENCE_S)
        while connection.recv(65536):
            pass


@pytest.mark.parametrize("broken", ["api", "audit"])
def test_an_unexpected_failure_tells_the_client_an_identifier_and_the_log_where_it_happened(
    sqlite_world: World, clock: StandingClock, broken: str
) -> None:
    live = Live(sqlite_world, clock)
    token = live.token(sqlite_world.alder)
    whole = live.edge.api, live.edge.audit
    live.edge.api = BrokenApi(live.edge.api.schema, live.server.database, clock) if broken == "api" else whole[0]
    live.edge.audit = BrokenGroup(live.server.database) if broken == "audit" else whole[1]
    with capture_logs() as logged:
        if broken == "api":
            answer = live.graphql(token, "{ patients { id } }")
            [error] = answer.json()["errors"]
            assert error["extensions"] == {"code": "INTERNAL_SERVER_ERROR"}
            message = error["message"]
        else:
            answer = live.exchange(sqlite_world.alder)
            assert answer.json()["error"] == "server_error"
            message = answer.json()["error_description"]
    live.edge.api, live.edge.audit = whole
    still_lives = live.exchange(sqlite_world.alder).status_code, live.graphql(token, "{ patients { id } }").status_code
    live.stop()

    assert answer.status_code == 500
    identifier = re.fullmatch(f"{UNEXPECTED}; the log has it under ([0-9a-f]{{16}})\\.", message)
    assert identifier is not None
    [line] = [one for one in logged if one["event"] == "unexpected_error"]
    assert (line["request_id"], line["error"], line["log_level"]) == (identifier[1], "RuntimeError", "error")
    assert any(__file__ in frame for frame in line["frames"])
    for told in (answer.text, str(answer.headers), str(logged)):
        assert "Canaryfield" not in told
    assert "Traceback" not in answer.text
    assert still_lives == (200, 200)


def test_an_unexpected_failure_is_one_line_of_a_process_that_lives_on(sqlite_world: World, tmp_path: Path) -> None:
    script, port = tmp_path / "broken.py", free_port()
    script.write_text(BROKEN)
    running = subprocess.Popen(
        [sys.executable, script],
        env=environment(sqlite_world.settings) | {"RXAUTH_LISTEN_PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with http_client(base_url=f"http://127.0.0.1:{port}") as http:
        while not _answers(http):
            assert running.poll() is None
            time.sleep(0.02)
        body = {
            "grant_type": "client_credentials",
            "client_id": sqlite_world.alder.client_id,
            "client_secret": sqlite_world.alder.secret,
        }
        token = http.post("/oauth/token", data=body).json()["access_token"]
        failed = [http.post("/graphql", json={"query": "{ a }"}, headers={"authorization": token}) for _ in range(2)]
        assert http.post("/oauth/token", data=body).status_code == 200
    running.terminate()
    output = running.communicate(timeout=30)[0]
    assert [answer.status_code for answer in failed] == [500, 500]
    lines = objects(output)
    assert [line["event"] for line in lines] == ["unexpected_error", "unexpected_error"]
    for line, answer in zip(lines, failed, strict=True):
        assert line["request_id"] in answer.text
    assert "Canaryfield" not in output


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/.well-known/jwks.json").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("engine", ["postgresql"])
def test_a_statement_that_fails_inside_a_field_is_logged_once_and_shows_no_sql(live: Live) -> None:
    token = live.token(live.world.alder)
    administer("ALTER TABLE patients RENAME COLUMN gender TO gone", database_name(live.world))
    with capture_logs() as logged:
        answer = live.graphql(token, "{ patients { id } }")
    administer("ALTER TABLE patients RENAME COLUMN gone TO gender", database_name(live.world))
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["INTERNAL_SERVER_ERROR"]
    assert [line["event"] for line in logged] == ["unexpected_error"]
    assert not re.search("select|does not exist|psycopg|organization_id", answer.text, re.IGNORECASE)
    assert "does not exist" not in str(logged)
    assert len(live.data(token, "{ patients { id } }")["patients"]) > 0

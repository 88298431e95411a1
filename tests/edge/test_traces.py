"""Traces, as a collector that speaks OTLP over HTTP gets them: what belongs together, and nothing about anybody."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from structlog.testing import capture_logs

from rxauth.app import make_traces
from rxauth.edge import traces
from rxauth.edge.proxies import Proxies
from rxauth.edge.traces import Traces
from rxauth.policy.roles import Role
from rxauth.settings import are_traces_collected
from tests.live import Live, credentials, process
from tests.prescribing import CREATE, Practice
from tests.security.test_log_contents import HOOK, HOOK_SECRET, NEW_PATIENT, PATIENT
from tests.webhook_receiver import Receiver
from tests.world import StandingClock, World

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
CALLED = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
SERVER, CLIENT = 2, 3  # how OTLP numbers the kinds
LONG_S = 60


@dataclass(frozen=True)
class Seen:
    """A span that arrived."""

    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool


@dataclass
class Collector:
    """A collector on this machine."""

    seen: list[Seen] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.take(self.rfile.read(int(self.headers["content-length"])))
                body = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_what: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def take(self, body: bytes) -> None:
        """Takes what a server exports."""
        self.bodies.append(body)
        for one in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resource = _values(one.resource.attributes)
            for scope in one.scope_spans:
                self.seen += [
                    Seen(
                        span.name,
                        span.kind,
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        _values(span.attributes),
                        span.status.code == 2,
                    )
                    for span in scope.spans
                ]

    def of(self, trace: str) -> list[Seen]:
        """Returns the spans of a trace."""
        return [one for one in self.seen if one.trace == trace]

    def one(self, name: str) -> Seen:
        """Returns the last span of a name."""
        return [one for one in self.seen if one.name == name][-1]

    def stop(self) -> None:
        """Ends it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """A collector that OpenTelemetry's variables name."""
    one = Collector()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", one.url)
    yield one
    one.stop()


@pytest.fixture
def traced(
    sqlite_world: World, clock: StandingClock, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Live]:
    """A server of which traces are collected, and which trusts no proxy; its last ones are waited for."""
    monkeypatch.setattr(traces, "LAST_SENDING_S", LONG_S)
    live = Live(sqlite_world, clock, traces=Traces(Proxies()))
    yield live
    live.let_go()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks."""
    one = Receiver()
    yield one
    one.stop()


def test_what_a_server_does_arrives_as_traces_and_says_nothing_of_anybody(
    sqlite_world: World, collector: Collector, receiver: Receiver
) -> None:
    live = Live(sqlite_world, StandingClock(int(time.time())))
    practice = Practice(live)
    developer = practice.token_of(practice.holders.person(Role.DEVELOPER))
    live.stop()
    variables = {"RXAUTH_TRUSTED_PROXIES": "127.0.0.0/8", "RXAUTH_OUTBOUND_NETWORKS": "127.0.0.0/8"}
    variables |= {"OTEL_SERVICE_NAME": "rxauth-of-a-test", "OTEL_BSP_SCHEDULE_DELAY": "50"}
    with process(sqlite_world.settings, **variables) as server:

        def ask(token: str, document: str, **values: Any) -> str:
            sent = {"authorization": f"Bearer {token}", **CALLED}
            answer = server.http.post("/graphql", json={"query": document, "variables": values}, headers=sent)
            assert "errors" not in answer.json(), answer.text
            return answer.headers["x-request-id"]

        server.http.post("/oauth/token", json=credentials(sqlite_world.alder))  # the client is read from the database
        named = {"x-request-id": "of-a-test"}
        issued = server.http.post("/oauth/token", json=credentials(sqlite_world.alder), headers=named)
        ask(developer, HOOK, url=f"{receiver.url}?key=of-a-hook", secret=HOOK_SECRET)
        ask(practice.token, NEW_PATIENT, **PATIENT)
        request_id = ask(practice.token, CREATE, **practice.draft())
        server.http.get(f"/invite?token={HOOK_SECRET}")
        deadline = time.monotonic() + LONG_S
        while not {"GET /invite", "POST"} <= {one.name for one in list(collector.seen)}:  # the last of the spans
            assert time.monotonic() < deadline
            time.sleep(0.02)
        output = server.stop()

    assert "opentelemetry" not in output
    assert collector.resource["service.name"] == "rxauth-of-a-test"
    token = collector.one("POST /oauth/token")
    assert (token.kind, token.parent) == (SERVER, "")
    assert token.attributes == {
        "http.request.method": "POST",
        "http.route": "/oauth/token",
        "http.response.status_code": 200,
        "rxauth.request_id": "of-a-test",
    }
    assert [(one.name, one.parent) for one in collector.of(token.trace) if one != token] == [("audit", token.id)]

    [request] = [one for one in collector.of(TRACE) if one.attributes.get("rxauth.request_id") == request_id]
    assert (request.parent, request.kind) == (PARENT, SERVER)
    [operation] = [one for one in collector.of(TRACE) if one.parent == request.id and one.name == "graphql"]
    assert operation.attributes == {"graphql.operation.type": "mutation"}
    transactions = [one for one in collector.of(TRACE) if one.parent == operation.id]
    assert {(one.name, one.attributes["db.system.name"]) for one in transactions} == {
        ("read", "sqlite"),
        ("write", "sqlite"),
    }

    got = receiver.got[0].headers["traceparent"].split("-")
    [call] = collector.of(got[1])
    assert (call.name, call.kind, call.id, call.parent) == ("POST", CLIENT, got[2], "")
    assert call.attributes == {"http.request.method": "POST", "http.response.status_code": 200}

    known = [practice.token, developer, issued.json()["access_token"], sqlite_world.alder.secret, HOOK_SECRET]
    known += [*PATIENT.values(), "of-a-hook", practice.patients["NY"], practice.draft()["instructions"]]
    assert [text for text in known if any(text.encode() in body for body in collector.bodies)] == []


def test_only_a_trusted_proxy_says_which_trace_a_request_belongs_to(traced: Live, collector: Collector) -> None:
    traced.http.get("/healthz", headers=CALLED)
    traced.http.get("/nothing-here")
    traced.stop()
    [span] = collector.seen
    assert (span.name, span.parent) == ("GET /healthz", "")
    assert span.trace != TRACE


def test_a_request_that_fails_is_marked(traced: Live, collector: Collector) -> None:
    assert traced.http.get("/healthz").status_code == 200
    assert traced.http.get("/readyz").status_code == 503  # the clock stands still, and this machine's does not
    traced.stop()
    assert [(one.name, one.failed) for one in collector.seen] == [("GET /healthz", False), ("GET /readyz", True)]


def test_a_collector_that_is_away_costs_no_answer(traced: Live, collector: Collector) -> None:
    collector.stop()
    assert traced.http.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "true"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_SERVICE_NAME": "rxauth"}, False),
    ],
)
def test_traces_are_made_where_somebody_collects_them(variables: dict[str, str], expected: bool) -> None:
    assert are_traces_collected(variables) == expected


def test_without_a_collector_nothing_of_it_is_imported() -> None:
    program = "import sys, rxauth.app, rxauth.cli; print([one for one in sys.modules if 'opentelemetry' in one])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_server_without_the_extra_says_so_and_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "rxauth.edge.traces")
    for name in [one for one in sys.modules if one.startswith("opentelemetry.")]:
        monkeypatch.delitem(sys.modules, name)
    with capture_logs() as logged:
        assert make_traces(Proxies()) is None
    assert [one["event"] for one in logged] == ["traces_not_installed"]

"""What Prometheus reads: figures of what happened, on an address of their own, and nothing about anybody."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from prometheus_client.parser import text_string_to_metric_families

from rxauth.app import make_metrics_listener
from rxauth.edge.queue_figures import QueueFigures
from rxauth.settings import SettingsError
from rxauth.storage.database import Database
from rxauth.storage.engines import open_engines
from tests.contract.test_docs import DOCS, as_lines, code, table
from tests.live import Live, Workers, credentials, free_port, http_client
from tests.world import World

TOKENS = 6
Figures = dict[tuple[str, ...], float]


def figures(text: str) -> Figures:
    """Returns every figure by its name and the values of its labels."""
    families = text_string_to_metric_families(text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def free_ports() -> int:
    """Returns a port that nothing listens on, and neither on the next one."""
    port, after = free_port(), free_port()
    while after != port + 1:
        port, after = after, free_port()
    return port


class Shown:
    """A server, and what it shows Prometheus."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.queues = QueueFigures(live.server.database, live.clock, live.edge.metrics)
        self._listener = make_metrics_listener(live.edge, "127.0.0.1", 0)
        self._listener.start()
        live.edge.metrics_listener = self._listener  # it ends with the server

    def text(self, path: str = "/metrics") -> str:
        """Returns what Prometheus reads; a request is counted when its answer has left, and before the next one."""
        self.live.http.get("/healthz")
        with http_client() as http:
            answer = http.get(f"http://127.0.0.1:{self._listener.port}{path}")
        assert answer.status_code == (200 if path == "/metrics" else 404)
        return answer.text

    def figures(self) -> Figures:
        """Returns every figure by its name and the values of its labels."""
        return figures(self.text())


@contextmanager
def away(database: Database) -> Iterator[None]:
    """Has nothing listen where the database is."""
    here, database.engines = database.engines, open_engines("postgresql://nobody@127.0.0.1:1/nothing")
    yield
    database.engines = here


@pytest.fixture
def shown(live: Live) -> Shown:
    """What a server on each engine shows."""
    return Shown(live)


@pytest.fixture
def sqlite_shown(sqlite_live: Live) -> Shown:
    """What a server on SQLite shows."""
    return Shown(sqlite_live)


def test_what_was_answered_is_counted(shown: Shown) -> None:
    live = shown.live
    token = live.token(live.world.alder)
    live.exchange(live.world.alder, client_secret="wrong")
    live.exchange(live.world.alder, scope="write:prescription")
    live.graphql(token, "{ orders { id } }")
    live.graphql(token, "{ users { id } }")
    live.graphql(token, "{ nothing }")
    live.graphql(None, "{ orders { id } }")
    live.http.get("/oauth/token")
    live.http.request("PUT", "/graphql")
    live.http.get("/nowhere")
    live.http.get("/authorize")

    found = shown.figures()

    assert found["rxauth_tokens_issued_total", "client_credentials"] == 1
    assert found["rxauth_tokens_issued_total", "refresh_token"] == 0
    assert found["rxauth_clients_refused_total", "invalid_client"] == 1
    assert found["rxauth_clients_refused_total", "invalid_scope"] == 1
    assert found["rxauth_operations_total", "query", "done"] == 1
    assert found["rxauth_operations_total", "query", "forbidden"] == 1
    assert found["rxauth_operations_total", "none", "validation"] == 1
    assert found["rxauth_requests_total", "token", "POST", "2xx"] == 1
    assert found["rxauth_requests_total", "token", "POST", "4xx"] == 2
    assert found["rxauth_requests_total", "token", "GET", "4xx"] == 1
    assert found["rxauth_requests_total", "graphql", "other", "4xx"] == 1
    assert found["rxauth_requests_total", "none", "GET", "4xx"] == 1
    assert found["rxauth_requests_total", "authorize", "GET", "4xx"] == 1
    assert found["rxauth_request_duration_seconds_count", "token"] == 4
    assert 0 < found["rxauth_request_duration_seconds_sum", "token"] < 60
    assert found["rxauth_audit_group_records_count",] == found["rxauth_audit_group_duration_seconds_count",] >= 1
    assert found["rxauth_change_feed_silent_seconds",] < 60
    assert found["rxauth_database_unavailable_total",] == 0
    assert {pool for name, *pools in found if name == "rxauth_database_connections_in_use" for pool in pools} == {
        "reader",
        "writer",
    }


def test_what_the_database_does_not_answer_is_counted_and_the_figures_are_there_all_the_same(shown: Shown) -> None:
    shown.queues.look()
    found = shown.figures()
    assert found["rxauth_queue_waiting", "letters"] == 0
    assert found["rxauth_queue_given_up", "webhooks"] == 0
    assert found["rxauth_queue_oldest_seconds", "audit"] >= 0
    assert found["rxauth_database_bytes", "rxauth"] > 100_000
    assert found["rxauth_retention_overdue_seconds", "sessions"] == 0

    with away(shown.live.server.database):
        assert shown.live.http.get("/readyz").status_code == 503
        shown.queues.look()
        found = shown.figures()
    assert found["rxauth_database_unavailable_total",] >= 2
    assert [key for key in found if key[0].startswith("rxauth_queue")] == []


def test_no_label_says_who_or_what(sqlite_shown: Shown) -> None:
    live, world = sqlite_shown.live, sqlite_shown.live.world
    token = live.token(world.alder)
    live.graphql(token, "{ patients { id } }")
    live.http.get("/nowhere-sacred?patient=Wilhelmina", headers={"x-forwarded-for": "198.51.100.7"})
    live.http.get("/sign-in/sin_some-sign-in")

    text = sqlite_shown.text()

    known = (world.alder.client_id, world.alder.organization_id, world.alder.secret, token, "sacred", "Wilhelmina")
    assert [one for one in (*known, "198.51", "127.0.0.1", "sin_", "{sign_in_id}") if one in text] == []


def test_only_the_one_path_and_method_is_answered(sqlite_shown: Shown) -> None:
    assert "rxauth_" not in sqlite_shown.text("/")
    assert "rxauth_" not in sqlite_shown.text("/metrics/more")


def test_two_processes_do_not_share_an_address(sqlite_shown: Shown) -> None:
    assert sqlite_shown.live.edge.metrics_listener is not None
    with pytest.raises(SettingsError, match=r"RXAUTH_METRICS_LISTEN_HOST: cannot listen on 127\.0\.0\.1:\d+: "):
        make_metrics_listener(sqlite_shown.live.edge, "127.0.0.1", sqlite_shown.live.edge.metrics_listener.port)


def test_each_worker_shows_its_figures_on_the_address_that_is_set_and_nowhere_else(sqlite_world: World) -> None:
    """L-05."""
    first = free_ports()
    ports = (first, first + 1)
    variables = {"RXAUTH_METRICS_LISTEN_HOST": "127.0.0.1", "RXAUTH_METRICS_LISTEN_PORT": str(first)}
    server = Workers(sqlite_world.settings, **variables)
    try:
        for _ in range(TOKENS):
            with http_client() as http:
                http.post(f"{server.url}/oauth/token", json=credentials(sqlite_world.alder)).raise_for_status()
        shown = [server.http.get(f"http://127.0.0.1:{port}/metrics") for port in ports]
        hidden = server.http.get("/metrics")
    finally:
        server.stop()
    assert {one.headers["content-type"].partition(";")[0] for one in shown} == {"text/plain"}
    issued = [figures(one.text)["rxauth_tokens_issued_total", "client_credentials"] for one in shown]
    assert sum(issued) == TOKENS
    assert shown[0].text != shown[1].text
    assert hidden.status_code == 404


def test_every_figure_is_documented(sqlite_shown: Shown) -> None:
    registered = sqlite_shown.live.edge.metrics.registry.collect()
    families = {f"{one.name}_total" if one.type == "counter" else one.name: one for one in registered}
    expected = [(code(name), one.type, one.documentation) for name, one in sorted(families.items())]
    rows = table(DOCS / "guides" / "observe.md", "All figures")
    assert as_lines([(name, kind, meaning) for name, kind, _, meaning in rows]) == as_lines(expected)
    labels = {name.strip("`"): set(re.findall(r"`(\w+)`", cell)) for name, _, cell, _ in rows}
    for name, family in families.items():
        for sample in family.samples:
            assert set(sample.labels) - {"le"} <= labels[name], name

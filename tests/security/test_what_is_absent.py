"""L-05, G-16, G-18: what attackers look for first is not there, and nothing says what runs here."""

import re
import socket

import pytest

from tests.live import Live
from tests.security.test_slow_clients import PATIENCE_S

# Pages for developers, of other frameworks too; figures; files that a deployment leaves behind.
PROBED = """
    /docs /redoc /swagger /swagger.json /api-docs /openapi.yaml /debug /debug/pprof/ /debug/vars /_debug /__debug__/
    /console /metrics /stats /status /server-status /actuator /actuator/env /actuator/heapdump /graphiql /playground
    /altair /voyager /graphql/ /graphql/console /graphql/schema /graphql.schema /v1/graphql /subscriptions /ws
    /.git/HEAD /.git/config /.env /.env.local /.htaccess /.DS_Store /.well-known/ /.well-known/security /rxauth.toml
    /rxauth.sqlite /settings.toml /config.json /backup.sql /dump.sql /wp-login.php /phpinfo.php /server.py /app.py
    /static/../app.py /static/..%2fapp.py /static/.env /static/ /admin.php /test /trace /env /health /version
    """
# What names a product, a version, or a machine.
TALKATIVE = {"server", "x-powered-by", "x-aspnet-version", "via", "x-runtime", "x-debug", "x-served-by", "x-backend"}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_probed_for_is_not_there(sqlite_live: Live, method: str) -> None:
    """L-05; ASVS 13.4."""
    for path in PROBED.split():
        answer = sqlite_live.http.request(method, path)
        # What pages load is only read, whatever its name.
        assert answer.status_code == 404 or (method == "POST" and path == "/static/.env"), path
        assert answer.json()["error"] in {"not_found", "invalid_request"}


def test_no_answer_says_what_runs_here(sqlite_live: Live) -> None:
    """L-05: neither pages nor errors."""
    asked = [("GET", path) for path in ("/", "/account", "/authorize", "/nothing", "/readyz", "/openapi.json")]
    for method, path in [*asked, ("POST", "/oauth/token"), ("POST", "/graphql"), ("DELETE", "/graphql")]:
        answer = sqlite_live.http.request(method, path)
        assert not TALKATIVE & set(answer.headers), path
        assert not re.search(r"uvicorn|starlette|python/|traceback|sqlalchemy", answer.text, re.IGNORECASE), path


def raw(live: Live, sent: bytes) -> bytes:
    """Sends bytes to a server, and returns all that it answers until it closes the connection."""
    with socket.create_connection(("127.0.0.1", int(live.url.rpartition(":")[2])), PATIENCE_S) as connection:
        connection.sendall(sent)
        answer = b""
        while piece := connection.recv(65_536):
            answer += piece
    return answer


@pytest.mark.parametrize("path", ["/", "/graphql", "/oauth/token", "/account", "/healthz"])
def test_trace_gives_nothing_back(sqlite_live: Live, path: str) -> None:
    """L-05; RFC 9110 §9.3.8: a request that is sent back shows cookies to scripts."""
    answer = sqlite_live.http.request("TRACE", path, headers={"cookie": "secret=1", "x-probe": "probed"})
    assert answer.status_code == 405
    assert "probed" not in answer.text
    assert "secret" not in answer.text


@pytest.mark.parametrize("target", [b"auth.example.com:443", b"http://169.254.169.254/latest/meta-data/"])
def test_it_is_nobody_s_proxy(sqlite_live: Live, target: bytes) -> None:
    method = b"CONNECT" if b"://" not in target else b"GET"
    answer = raw(sqlite_live, method + b" " + target + b" HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert answer[9:12] in {b"400", b"404"}, answer


@pytest.mark.parametrize("accept", ["text/html", "text/html,application/xhtml+xml,*/*;q=0.8", "*/*"])
def test_no_playground_opens_at_the_api(sqlite_live: Live, accept: str) -> None:
    """G-18."""
    for query in ("", "?query={__typename}", "?schemaUrl=https://evil.example/schema"):
        answer = sqlite_live.http.get(f"/graphql{query}", headers={"accept": accept})
        assert answer.status_code == 405
        assert answer.headers["content-type"] == "application/json"
        assert "<" not in answer.text


@pytest.mark.parametrize("protocol", ["graphql-transport-ws", "graphql-ws"])
def test_a_subscription_over_a_websocket_is_refused_clearly(sqlite_live: Live, protocol: str) -> None:
    """G-16: no upgrade, a reason, and the connection ends with what was pushed after the head unread."""
    token = sqlite_live.token(sqlite_live.world.alder)
    answer = raw(
        sqlite_live,
        b"GET /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
        b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\norigin: https://evil.example\r\n"
        b"authorization: Bearer %b\r\nsec-websocket-protocol: %b\r\n\r\n"
        % (token.encode(), protocol.encode())
        + b"\x81\x85\x00\x00\x00\x00start",
    )
    assert answer.startswith(b"HTTP/1.1 405")
    assert b"There are no subscriptions" in answer
    assert answer.count(b"HTTP/1.1") == 1


def test_a_subscription_over_http_is_refused_clearly(sqlite_live: Live) -> None:
    """G-16."""
    token = sqlite_live.token(sqlite_live.world.alder)
    answer = sqlite_live.graphql(token, "subscription { patients { id } }", accept="text/event-stream")
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert "data" not in answer.json()


def test_a_request_that_would_be_another_protocol_is_answered_as_what_it_is(sqlite_live: Live) -> None:
    """Java's client asks for HTTP/2 so: the request counts, the wish does not."""
    body = b'{"query":"{ patients { id } }"}'
    answer = raw(
        sqlite_live,
        b"POST /graphql HTTP/1.1\r\nhost: localhost\r\nconnection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\n"
        b"http2-settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(body), body),
    )
    assert answer.startswith(b"HTTP/1.1 401")

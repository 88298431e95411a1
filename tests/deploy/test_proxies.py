"""The proxies of the guide, run as it says, with a server behind them: who asks, over what, and under which name."""

import datetime
import ipaddress
import json
import os
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select

from rxauth.edge.proxies import Proxies
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tenancy import sql
from tests.browsing import Browser
from tests.conftest import make_world
from tests.contract.test_docs import DOCS, ROOT
from tests.live import Live, credentials, free_port
from tests.signing_in import Cast, answered
from tests.world import StandingClock, Template

HOST, CLIENT = "auth.example.com", "127.0.0.9"
URL = f"https://{HOST}"
FORGED = "203.0.113.7"
NAME = "a-name-of-the-clients"
GUIDE = (DOCS / "guides" / "proxies.md").read_text()
_ENTRIES = sql(select(audit_outbox.c.entry))


class Resolved(httpx.HTTPTransport):
    """Finds the host of the guide on a port of this machine, and asks from an address that is no proxy's."""

    def __init__(self, ports: dict[str, int], **options: Any) -> None:
        super().__init__(local_address=CLIENT, **options)
        self._ports = ports

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Sends a request."""
        request.extensions["sni_hostname"] = HOST
        request.url = request.url.copy_with(host="127.0.0.1", port=self._ports[request.url.scheme])
        return super().handle_request(request)


@dataclass
class Proxied:
    """A proxy that runs. log: what it has logged."""

    live: Live
    http: httpx.Client
    log: Callable[[], str]

    def network(self, request_id: str) -> str:
        """Returns the network that the audit log has of a request."""
        rows = self.live.server.database.read(lambda tx: tx.all(_ENTRIES))
        [found] = {one["network"] for row in rows if (one := json.loads(row.entry))["request_id"] == request_id}
        return str(found)


@pytest.fixture(scope="module")
def behind(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A server behind a proxy on this machine, whose issuer is the guide's."""
    world = make_world("sqlite", templates, tmp_path_factory)
    settings = replace(world.settings, issuer=f"{URL}/")
    proxies = Proxies([ipaddress.ip_network("127.0.0.1/32")])
    live = Live(replace(world, settings=settings), StandingClock(int(time.time())), proxies=proxies)
    yield live
    live.stop()


@pytest.fixture(scope="module")
def cast(behind: Live) -> Cast:
    """Its people."""
    return Cast(behind)


def snippet(language: str) -> str:
    """Returns the configuration that the guide has for a proxy."""
    return GUIDE.partition(f"```{language}\n")[2].partition("```")[0]


def certified(folder: Path) -> tuple[Path, Path]:
    """Makes a certificate of the host, with its key in a file of its own and behind it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)]), datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    chain, private = folder / "chain.pem", folder / "key.pem"
    private.write_bytes(key.private_bytes(*form))
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private.read_bytes())
    return chain, private


def changed(text: str, *changes: tuple[str, str]) -> str:
    """Replaces what differs on this machine; each of it must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def nginx(folder: Path, server: int, plain: int, tls: int) -> list[str]:
    """Writes the guide's nginx configuration with paths and ports of this test; returns the command."""
    chain, key = certified(folder)
    ours = changed(
        snippet("nginx"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ", f"listen 127.0.0.1:{tls} "),
        ("127.0.0.1:8000", f"127.0.0.1:{server}"),
        ("/etc/ssl/auth.example.com.pem", str(chain)),
        ("/etc/ssl/auth.example.com.key", str(key)),
        ("/var/log/nginx/rxauth.log", str(folder / "access.log")),
    )
    places = "".join(f"{one}_temp_path {folder}/{one};" for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    main = f"daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;"
    (folder / "nginx.conf").write_text(f"{main} events {{}} http {{ {places}\n{ours}\n}}")
    return ["nginx", "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")]


def haproxy(folder: Path, server: int, plain: int, tls: int) -> list[str]:
    """Writes the guide's HAProxy configuration; see `nginx`."""
    chain, _ = certified(folder)
    ours = changed(
        snippet("haproxy"),
        ("bind :80\n", f"bind 127.0.0.1:{plain}\n"),
        ("bind :443 ", f"bind 127.0.0.1:{tls} "),
        ("127.0.0.1:8000", f"127.0.0.1:{server}"),
        ("/etc/ssl/auth.example.com.pem", str(chain)),
    )
    (folder / "haproxy.cfg").write_text(ours)
    return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]


def caddy(folder: Path, server: int, plain: int, tls: int) -> list[str]:
    """Writes the guide's Caddyfile; see `nginx`."""
    return _caddy(changed(snippet("caddyfile"), ("127.0.0.1:8000", f"127.0.0.1:{server}")), HOST, folder, plain, tls)


def caddy_in_a_container(folder: Path, server: int, plain: int, tls: int) -> list[str]:
    """Writes the Caddyfile of the containers; see `nginx`."""
    file = (ROOT / "deploy" / "container" / "Caddyfile").read_text()
    return _caddy(changed(file, ("10.89.7.3:8000", f"127.0.0.1:{server}")), "{$RXAUTH_HOST}", folder, plain, tls)


def _caddy(file: str, host: str, folder: Path, plain: int, tls: int) -> list[str]:
    chain, key = certified(folder)
    options = f"admin off\n\thttp_port {plain}\n\thttps_port {tls}\n\tdefault_bind 127.0.0.1\n\tskip_install_trust"
    ours = changed(
        file, (f"{host} {{", f"{HOST} {{\n\ttls {chain} {key}"), ("{\n\tlog {", f"{{\n\t{options}\n\tlog {{")
    )
    (folder / "Caddyfile").write_text(ours)
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


@pytest.fixture(scope="module", params=[nginx, haproxy, caddy, caddy_in_a_container])
def proxied(
    request: pytest.FixtureRequest, behind: Live, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    """Each proxy, before the same server."""
    folder = tmp_path_factory.mktemp("proxy")
    ports = {"http": free_port(), "https": free_port()}
    server = int(behind.url.rpartition(":")[2])
    command = request.param(folder, server, ports["http"], ports["https"])
    said = folder / "said.txt"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    transport = Resolved(ports, verify=ssl.create_default_context(cafile=folder / "chain.pem"))
    with (
        said.open("wb") as output,
        httpx.Client(base_url=URL, transport=transport, timeout=30) as http,
        subprocess.Popen(command, stdout=output, stderr=output, cwd=folder, env=environment) as running,
    ):
        try:
            _wait_until_it_answers(http, running, said)
            yield Proxied(behind, http, lambda: "".join(one.read_text() for one in _logs(folder)))
        finally:
            running.terminate()


def _logs(folder: Path) -> list[Path]:
    return [one for one in (folder / "said.txt", folder / "access.log") if one.exists()]


def _wait_until_it_answers(http: httpx.Client, running: subprocess.Popen[bytes], said: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            if http.get("/readyz").status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        assert running.poll() is None, said.read_text()
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.02)


FORGERIES = {
    "x-forwarded-for": f"{FORGED}, 127.0.0.1",
    "forwarded": f"for={FORGED}",
    "x-real-ip": FORGED,
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "http",
    "x-request-id": NAME,
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
}


@pytest.mark.parametrize("headers", [{}, FORGERIES], ids=["plain", "forged"])
def test_a_client_is_who_it_is_and_its_request_is_called_what_the_proxy_says(
    proxied: Proxied, headers: dict[str, str]
) -> None:
    answer = proxied.http.post("/oauth/token", json=credentials(proxied.live.world.alder), headers=headers)
    assert answer.status_code == 200, answer.text
    name = answer.headers["x-request-id"]
    assert name != NAME
    assert proxied.network(name) == CLIENT
    hosts = {"/as-it-is": HOST, "/with-a-port": f"{HOST}:8443", "/of-another": "another.example"}
    for path, host in hosts.items():
        proxied.http.get(f"{path}?made=up", headers={**headers, "host": host})
    while any(one not in proxied.log() for one in (name, *hosts)):
        time.sleep(0.01)
    assert "made=up" not in proxied.log()


def test_addresses_are_the_issuer_s_and_browsers_stay_with_tls(proxied: Proxied) -> None:
    answer = proxied.http.get("/.well-known/openid-configuration", headers=FORGERIES)
    assert (answer.json()["issuer"], answer.json()["token_endpoint"]) == (f"{URL}/", f"{URL}/oauth/token")
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    plain = proxied.http.get(f"http://{HOST}/login?a=b")
    assert plain.status_code in {301, 308}
    assert httpx.URL(plain.headers["location"]).copy_with(port=None) == f"{URL}/login?a=b"


def test_somebody_signs_in_for_an_application_with_a_long_state(proxied: Proxied, cast: Cast) -> None:
    browser = Browser(URL, f"{URL}/")
    browser.http = proxied.http
    state = "s" * 4_000
    browser.open(cast.request(state=state))
    assert answered(cast.log_in(browser))["state"] == state

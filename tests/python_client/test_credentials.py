"""Machine credentials: one token for everybody, renewed in time, through rotations and outages."""

import asyncio
import http.server
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ClassVar

import httpx
import pytest
import requests

from rxauth.domain import clients
from rxauth.storage.database import Transaction
from rxauth_client import MachineCredentials, TokenRefusedError, UnavailableError, WrongOriginError, exchange
from rxauth_client import credentials as credentials_module
from rxauth_client.requests import RequestsAuth
from tests.live import Live
from tests.python_client.conftest import machine

QUERY = {"query": "{ patients(first: 1) { id } }"}


class Answering(http.server.BaseHTTPRequestHandler):
    """Answers with what a test put down, one after the other; the last again and again."""

    answers: ClassVar[list[tuple[int, dict[str, str], dict[str, Any]]]] = []
    seen: ClassVar[list[dict[str, str]]] = []
    held: ClassVar[threading.Event] = threading.Event()

    def do_POST(self) -> None:
        """Answers, once it may."""
        self.held.wait(10)
        self.rfile.read(int(self.headers["content-length"]))
        self.seen.append(dict(self.headers))
        status, headers, content = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        body = json.dumps(content).encode()
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Prints nothing."""


@contextmanager
def answering(*answers: tuple[int, dict[str, str], dict[str, Any]]) -> Iterator[str]:
    """Serves these answers; gives the URL."""
    Answering.answers, Answering.seen, Answering.held = list(answers), [], threading.Event()
    Answering.held.set()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        Answering.held.set()
        server.shutdown()
        serving.join()
        server.server_close()


def given(token: str = "a-token", lifetime_s: int = 1_000) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Returns the answer that has a token."""
    return 200, {}, {"access_token": token, "expires_in": lifetime_s, "token_type": "Bearer"}


class Time:
    """The monotonic clock, which a test moves, and the sleeps that were asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []
        for module in (credentials_module, exchange):
            monkeypatch.setattr(module, "time", self)

    def monotonic(self) -> float:
        """Returns the moment at which it stands."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Moves on."""
        self.slept.append(seconds)
        self.now += seconds


def test_threads_and_tasks_share_one_token(served: Live) -> None:
    one = machine(served)

    async def tasks() -> list[str]:
        return await asyncio.gather(*(one.token_async() for _ in range(20)))

    with ThreadPoolExecutor(10) as pool:
        futures = [pool.submit(one.token) for _ in range(20)]
        tokens = {*asyncio.run(tasks()), *(future.result() for future in futures)}
    assert len(tokens) == 1


def test_httpx_and_requests_send_it_by_themselves(served: Live) -> None:
    one, url = machine(served), served.server.issuer + "graphql"
    with httpx.Client(auth=one.auth) as client:
        assert client.post(url, json=QUERY).json()["data"]["patients"]
    assert requests.post(url, json=QUERY, auth=RequestsAuth(one), timeout=30).json()["data"]["patients"]

    async def ask() -> Any:
        async with httpx.AsyncClient(auth=one.auth) as client:
            return (await client.post(url, json=QUERY)).json()

    assert asyncio.run(ask())["data"]["patients"]


def rotated_at_once(served: Live) -> str:
    """Makes a new secret for the machine, revokes every other one, and returns it."""
    client_id, now = served.world.alder.client_id, served.clock.seconds()

    def work(transaction: Transaction) -> str:
        held = clients.load(transaction, client_id)
        assert held is not None
        made = clients.rotate_secret(transaction, client_id, 0, now)
        for secret in held.secrets:
            if secret.is_live(now):
                clients.revoke_secret(transaction, client_id, secret.id, now)
        return made.text

    return served.server.database.write(work)


def test_a_revoked_secret_takes_no_restart(served: Live) -> None:
    """The token is refused with the secret; the client reads the new secret and sends the request again."""
    alder = served.world.alder
    secrets = [alder.secret]
    one, url = machine(served, secret=lambda: secrets[0]), served.server.issuer + "graphql"
    plain, session = httpx.Client(auth=one.auth), requests.Session()
    session.auth = RequestsAuth(one)
    for send in (lambda: plain.post(url, json=QUERY), lambda: session.post(url, json=QUERY, timeout=30)):
        assert send().status_code == 200
        secrets[0] = rotated_at_once(served)
        served.server.feed.poll()
        assert send().status_code == 200
    plain.close()
    session.close()


def test_a_token_is_renewed_before_it_ends_and_nobody_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = Time(monkeypatch)
    with answering(given("first"), given("second")) as url:
        one = MachineCredentials(url, "a-client", "a-secret")
        assert one.token() == "first"
        moment.now += 899  # the last tenth of its 1,000 seconds begins a second later
        assert one.token() == "first"
        moment.now += 2
        Answering.held.clear()
        with ThreadPoolExecutor(1) as pool:
            renewing = pool.submit(one.token)
            while one._under_way is None and not renewing.done():
                pass
            assert one.token() == "first"
            Answering.held.set()
            assert renewing.result() == "second"
        assert one.token() == "second"


def test_a_renewal_that_fails_leaves_the_token_that_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = Time(monkeypatch)
    with answering(given("first"), (503, {}, {}), given("second")) as url:
        one = MachineCredentials(url, "a-client", "a-secret", patience_s=0)
        one.token()
        moment.now += 950
        assert one.token() == "first"
        assert len(Answering.seen) == 2
        assert one.token() == "first"
        assert len(Answering.seen) == 2  # it is asked again only after a pause
        moment.now += 11
        assert one.token() == "second"


def test_retry_after_is_waited_for_as_long_as_there_is_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = Time(monkeypatch)
    with answering((503, {"retry-after": "7"}, {}), (429, {"retry-after": "9"}, {}), given()) as url:
        assert MachineCredentials(url, "a-client", "a-secret").token() == "a-token"
    assert moment.slept == [7.0, 9.0]
    with answering((503, {"retry-after": "3600"}, {})) as url, pytest.raises(UnavailableError) as refused:
        MachineCredentials(url, "a-client", "a-secret").token()
    assert refused.value.retry_after_s == 3600
    assert moment.slept == [7.0, 9.0]


def test_a_server_that_is_not_there_is_said_to_be_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    Time(monkeypatch)
    with answering(given()) as url:
        pass
    with pytest.raises(UnavailableError, match="cannot be reached"):
        MachineCredentials(url, "a-client", "a-secret").token()


def test_a_wrong_secret_is_refused_in_the_server_s_words_and_stands_nowhere(served: Live) -> None:
    """M-21."""
    one = machine(served, secret="rxs_" + "canary" * 8)
    with pytest.raises(TokenRefusedError) as refused:
        one.token()
    assert refused.value.code == "invalid_client"
    assert "canary" not in f"{refused.value!r} {refused.value} {one!r} {vars(refused.value)}"


def test_no_token_goes_to_another_origin(served: Live) -> None:
    one = machine(served, origins=["https://api.alder.example"])
    for url in ("http://evil.example/", "http://localhost:1/", served.url.replace("http", "https")):
        with httpx.Client(auth=one.auth) as client, pytest.raises(WrongOriginError):
            client.get(url)
        with pytest.raises(WrongOriginError):
            requests.get(url, auth=RequestsAuth(one), timeout=30)
    one.origins.require("https://api.alder.example/visits")


def test_no_secret_goes_in_the_clear() -> None:
    for domain in ("http://auth.example.com", "ftp://auth.example.com", "", "https://auth.example.com/?a"):
        with pytest.raises(ValueError, match="write"):
            MachineCredentials(domain, "a-client", "a-secret")


def test_a_cancelled_task_takes_the_token_from_nobody() -> None:
    async def story(url: str) -> str:
        one = MachineCredentials(url, "a-client", "a-secret")
        Answering.held.clear()
        asking = asyncio.create_task(one.token_async())
        await asyncio.sleep(0)
        while one._under_way is None:
            await asyncio.sleep(0)
        waiting = asyncio.create_task(one.token_async())
        await asyncio.sleep(0)
        asking.cancel()
        Answering.held.set()
        return await waiting

    with answering(given()) as url:
        assert asyncio.run(story(url)) == "a-token"


def test_a_streamed_body_is_not_sent_twice(served: Live) -> None:
    one, url = machine(served), served.server.issuer + "graphql"
    one.token()
    served.clock.advance(90_000)  # the token has ended, and the client cannot know
    with httpx.Client(auth=one.auth) as client:
        streamed = client.post(
            url, content=iter([json.dumps(QUERY).encode()]), headers={"content-type": "application/json"}
        )
        assert streamed.status_code == 401
        one.forget(one.token())
        assert client.post(url, json=QUERY).status_code == 200

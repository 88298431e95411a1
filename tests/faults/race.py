"""Clients that prescribe, and clients that take and give authority, all at once; each keeps what it saw."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.faults.history import PRESCRIBE, Call
from tests.faults.servers import Servers
from tests.live import http_client

CREATE = """mutation ($patient: ID!, $treatment: ID!) { createPrescription(patientId: $patient, treatmentId: $treatment,
    dispenseQuantity: 30, dispenseUnit: "Each", fillsAllowed: 1, daysSupply: 30, instructions: "one a day") { id } }"""
_PATIENCE_S = 30
_PAUSE_S = 0.05


class Race:
    """Threads that call until the race is over. calls: everything that anybody saw, in no order."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers
        self._threads: list[threading.Thread] = []
        self._over = threading.Event()
        self._failures: list[BaseException] = []
        self.calls: list[Call] = []

    def prescribe(self, provider: str, token: str, patient: str, treatment: str) -> None:
        """Has one more client prescribe, again and again, on whatever server."""
        body = {"query": CREATE, "variables": {"patient": patient, "treatment": treatment}}

        def act(http: httpx.Client) -> None:
            self.call(PRESCRIBE, provider, lambda: self.post(http, token, body, "createPrescription"))

        self._repeat(act)

    def repeat(self, work: Callable[[], None]) -> None:
        """Has somebody do something else again and again."""
        self._repeat(lambda _http: work())

    def call(self, kind: str, provider: str, work: Callable[[], tuple[str | None, bool]]) -> str | None:
        """Makes one call and keeps what came of it; returns what was acknowledged."""
        began = time.monotonic()
        answer, is_refused = work()
        self.calls.append(Call(kind, provider, began, time.monotonic(), answer, is_refused))
        return answer

    def post(self, http: httpx.Client, token: str, body: dict[str, Any], field: str) -> tuple[str | None, bool]:
        """Sends an operation to some server; returns the identifier that it answered, and whether it refused."""
        try:
            answer = http.post(f"{self._servers.url()}/graphql", json=body, headers={"authorization": token})
        except httpx.TransportError:
            time.sleep(_PAUSE_S)  # that server is gone, and another comes
            return None, False
        if answer.status_code == 503:
            return None, False
        content = answer.json()
        if "errors" not in content:
            return str(content["data"][field]["id"]), False
        [error] = content["errors"]
        assert error["extensions"]["code"] == "FORBIDDEN", error
        return None, True

    @contextmanager
    def running(self) -> Iterator[None]:
        """Lets everybody run for the length of a block."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in self._threads:
                thread.join()
        assert not self._failures, self._failures

    def _repeat(self, work: Callable[[httpx.Client], None]) -> None:
        def run() -> None:
            try:
                with http_client(timeout=_PATIENCE_S) as http:
                    while not self._over.is_set():
                        work(http)
            except BaseException as error:
                self._failures.append(error)

        self._threads.append(threading.Thread(target=run))

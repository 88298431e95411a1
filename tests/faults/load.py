"""Clients of every sort that ask again and again, of any server, and keep what they heard."""

import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import httpx

from rxauth.storage.database import DatabaseUnavailableError
from tests.faults.clinic import Clinic, SignIns
from tests.faults.found import digest
from tests.faults.operations import FAIL, INFO, OK, Recorder, Thing
from tests.faults.race import CREATE
from tests.live import decode, http_client

TIMEOUT_S: Final = 8.0
PATIENCE_S: Final = 60.0  # for so long somebody insists on knowing what came of a request
LAST_PATIENCE_S: Final = 20.0  # ... when all is over
PAUSE_S: Final = 0.1
READ: Final = "{ patients(first: 1) { id } }"
CREATE_RX: Final = CREATE.replace("$treatment: ID!)", "$treatment: ID!, $external: ID!)").replace(
    "patientId: $patient", "externalId: $external, patientId: $patient"
)
CREATE_SECRET: Final = (
    "mutation($name: String!) { createMachineSecret(name: $name, overlapSeconds: 86400) { id secret } }"
)
REVOKE_SECRET: Final = "mutation($id: ID!) { revokeMachineSecret(id: $id) { state } }"
SECRETS: Final = "{ machineClient { secrets(first: 10) { id name state } } }"
STANDING: Final = "query($userId: ID!) { providerAuthority(userId: $userId) { state proposal { id askedBy } } }"
_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
Send = Callable[[httpx.Client, str], httpx.Response]


@dataclass(frozen=True)
class Heard:
    """What a client heard. content: of an answer that acknowledges; else what the refusal says."""

    outcome: str
    content: Any = None
    status: int = 0


@dataclass(frozen=True)
class Came:
    """What an acknowledgement means: see `Operation`."""

    effect: str | None = None
    leaves: Thing | None = None
    records: Thing | None = None


@dataclass
class Somebody:
    """A person with a client's tokens. family: the authorization that they came of."""

    user_id: str
    access: str
    refresh: str
    family: str
    signed_in_at: float


@dataclass
class Targets:
    """Where clients may send their requests, and what all of them share. urls: by the names of servers."""

    urls: Callable[[], Mapping[str, str]]
    recorder: Recorder
    clinic: Clinic
    sign_ins: SignIns
    secrets: dict[str, str] = field(default_factory=dict)  # machine secrets by their identifiers

    def __post_init__(self) -> None:
        self.secrets[self.clinic.machine.secret_id] = self.clinic.machine.secret


class Client:
    """One thread that asks. chance: its own."""

    def __init__(self, targets: Targets, number: int) -> None:
        self.targets = targets
        self.clinic = targets.clinic
        self.chance = random.Random(number)
        self.is_over = threading.Event()
        self.waited: list[float] = []  # how long it took to know, where the first try failed
        self._http = http_client(timeout=TIMEOUT_S)

    def ask(
        self,
        kind: str,
        send: Send,
        came: Callable[[Any], Came],
        subject: str = "",
        spends: str | None = None,
    ) -> Heard:
        """Sends a request to some server and notes what came of it."""
        name, url = self.chance.choice(list(self.targets.urls().items()))
        operation = self.targets.recorder.invoke(kind, name, subject, spends)
        heard = self._heard(send, url)
        meant = came(heard.content) if heard.outcome == OK else Came()
        self.targets.recorder.complete(
            replace(
                operation,
                ended=time.monotonic(),
                outcome=heard.outcome,
                effect=meant.effect,
                leaves=meant.leaves,
                records=meant.records,
                status=heard.status,
            )
        )
        if heard.status in {0, 429, 502, 503}:
            time.sleep(self.chance.uniform(0.5, 1.5) * PAUSE_S)
        return heard

    def insist(
        self,
        kind: str,
        send: Send,
        came: Callable[[Any], Came],
        subject: str = "",
        spends: str | None = None,
    ) -> Heard:
        """Asks until somebody knows: of whatever has one effect however often it is asked for."""
        began, tries = time.monotonic(), 0
        while True:
            heard, tries = self.ask(kind, send, came, subject, spends), tries + 1
            is_known = heard.outcome == OK or (heard.outcome == FAIL and heard.status not in {0, 409, 429})
            patience_s = LAST_PATIENCE_S if self.is_over.is_set() else PATIENCE_S
            if is_known or time.monotonic() - began > patience_s:
                if is_known and tries > 1:
                    self.waited.append(time.monotonic() - began)
                return heard

    def graphql(self, token: str, query: str, key: str | None = None, **variables: Any) -> Send:
        """Returns what sends a GraphQL request."""
        headers = {"authorization": f"Bearer {token}"} | ({} if key is None else {"idempotency-key": key})
        body = {"query": query, "variables": variables}
        return lambda http, url: http.post(f"{url}/graphql", json=body, headers=headers)

    def form(self, path: str, body: Mapping[str, str]) -> Send:
        """Returns what posts a form."""
        return lambda http, url: http.post(f"{url}{path}", data=dict(body))

    def use(self, token: str, subject: str) -> Heard:
        """Reads with a token."""
        return self.ask("use", self.graphql(token, READ), lambda _content: Came(), subject)

    def sign_in(self, user_id: str, *, twice: bool = False) -> Somebody | None:
        """Signs somebody in and redeems the code; twice: at two servers at once. None: nobody knows what came of it."""
        try:
            code = self.targets.sign_ins.code(user_id)
        except DatabaseUnavailableError:
            self.pause(PAUSE_S)
            return None
        spends, got = f"code {digest(code.text)[:12]}", []

        def came(content: Any) -> Came:
            claims = decode(content["access_token"])[1]
            leaves = ("spent code", digest(code.text))
            return Came(_family_of(content["refresh_token"]), leaves, ("token.issued", claims["jti"]))

        def redeem(client: "Client") -> None:
            heard = client.ask("exchange code", client.form("/oauth/token", code.request()), came, "", spends)
            if heard.outcome == OK:
                got.append(heard.content)

        if twice:
            other = Client(self.targets, self.chance.randrange(1 << 30))
            beside = threading.Thread(target=redeem, args=(other,))
            beside.start()
            redeem(self)
            beside.join()
            other.close()
            return None  # whoever comes second ends what the first was given
        redeem(self)
        if not got:
            return None
        family = _family_of(got[0]["refresh_token"])
        return Somebody(user_id, got[0]["access_token"], got[0]["refresh_token"], family, time.monotonic())

    def refresh(self, somebody: Somebody) -> Heard:
        """Changes the refresh token for its successor, and insists."""
        presented = somebody.refresh
        body = {**self.clinic.app.credentials, "grant_type": "refresh_token", "refresh_token": presented}

        def came(content: Any) -> Came:
            jti = decode(content["access_token"])[1]["jti"]
            return Came(digest(content["refresh_token"])[:12], ("family", somebody.family), ("token.issued", jti))

        heard = self.insist("refresh", self.form("/oauth/token", body), came, somebody.family, _token_name(presented))
        if heard.outcome == OK:
            somebody.access, somebody.refresh = heard.content["access_token"], heard.content["refresh_token"]
        return heard

    def pause(self, seconds: float) -> None:
        """Waits a moment, or until all is over."""
        self.is_over.wait(seconds)

    def close(self) -> None:
        """Ends its connections."""
        self._http.close()

    def _heard(self, send: Send, url: str) -> Heard:
        try:
            answer = send(self._http, url)
        except _NOT_SENT:
            return Heard(FAIL)
        except httpx.TransportError:
            return Heard(INFO)
        try:
            content = answer.json() if answer.content else {}
        except ValueError:
            return Heard(INFO, answer.text, answer.status_code)
        return _judged(answer.status_code, content)


def _judged(status: int, content: Any) -> Heard:
    """Says what an answer means to whoever asked."""
    if status >= 500:
        return Heard(INFO, content, status)
    if status != 200:
        return Heard(FAIL, content, status)
    errors = content.get("errors") if isinstance(content, dict) else None
    if not errors:
        return Heard(OK, content.get("data", content), status)
    code, reason = errors[0]["extensions"].get("code"), errors[0]["extensions"].get("reason")
    if reason == "answer_not_kept":
        return Heard(OK, None, status)  # it was done before, and is not told again
    if code == "INTERNAL_SERVER_ERROR":
        return Heard(INFO, content, 500)
    return Heard(INFO if code == "UNAVAILABLE" else FAIL, content, status)


def _family_of(refresh_token: str) -> str:
    return f"fam_{refresh_token.removeprefix('rxr_').partition('.')[0]}"


def _token_name(refresh_token: str) -> str:
    return f"{_family_of(refresh_token)}.{refresh_token.split('.')[1]}"


class Load:
    """Threads that do one sort of work each until the load is over."""

    def __init__(self, targets: Targets, works: Sequence[Callable[[Client], None]]) -> None:
        self._targets = targets
        self._clients = [Client(targets, number) for number in range(len(works))]
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._repeat, args=(client, work))
            for client, work in zip(self._clients, works, strict=True)
        ]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Lets everybody work for the length of a block, which ends when all have heard what they insist on."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            for client in self._clients:
                client.is_over.set()
            for thread in self._threads:
                thread.join()
            self.require_well()

    def require_well(self) -> None:
        """Raises what a thread did not expect."""
        if self._failures:
            raise self._failures[0]

    def waited(self) -> list[float]:
        """Returns how many seconds it took to know, each time that the first try had failed."""
        return [seconds for client in self._clients for seconds in client.waited]

    def _repeat(self, client: Client, work: Callable[[Client], None]) -> None:
        try:
            while not client.is_over.is_set():
                work(client)
        except BaseException as error:
            self._failures.append(error)
        finally:
            client.close()


def new_key(sort: str) -> str:
    """Returns a key for something that is done once."""
    return f"{sort}-{uuid.uuid4().hex[:16]}"

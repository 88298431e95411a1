"""A day's work of a server, and its log searched for everything secret or personal that the work used."""

import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import pytest

from rxauth.policy.roles import Role
from tests.live import Live, Process, basic, process
from tests.mail_server import MailBox
from tests.people import PASSWORD
from tests.prescribing import CREATE, Practice
from tests.signing_in import CALLBACK, Cast, answered, pkce
from tests.webhook_receiver import Receiver
from tests.world import StandingClock, World

MAIL_PASSWORD = "the-mail-server-s-password"
HOOK_SECRET = "what-only-the-receiver-knows"
NETWORK_SECRET = "what-the-pharmacy-network-signs-with"
INVITED = "marguerite.canaryfield@clinic.example"
WRONG = "a-wrong-password-that-is-somebody-s-elsewhere"
PATIENT = {"first": "Wilhelmina", "last": "Canaryfield", "phone": "+12025550171", "email": "willa@canaryfield.example"}
NEW_PATIENT = """mutation patient($first: String!, $last: String!, $phone: AWSPhone!, $email: AWSEmail) {
  createPatient(
    name: {first: $first, last: $last}, dateOfBirth: "1950-01-01", sex: FEMALE, phone: $phone, email: $email
  ) { id }
}"""
HOOK = """mutation hook($url: String!, $secret: String) {
  createWebhookConfig(url: $url, sharedSecret: $secret) { id }
}"""
INVITE = """mutation invite($email: String!) { inviteUser(input: {email: $email, roles: ["Support"]}) { id } }"""
EVENTS = {"mail_not_sent", "mail_sent", "webhook_not_delivered", "database_unavailable"}


@pytest.fixture
def mailbox() -> Iterator[MailBox]:
    """A mail server that takes every letter but the first."""
    box = MailBox(refusals=[f"451 later, {INVITED}".encode()])
    yield box
    box.stop()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver of webhooks that takes none."""
    one = Receiver(lambda _got: 500, content=b"no, Canaryfield")
    yield one
    one.stop()


class Day:
    """What is done, and what of it nobody may read in the log."""

    def __init__(self, world: World) -> None:
        self.world = world
        live = Live(world, StandingClock(int(time.time())))
        self.practice, self.cast = Practice(live), Cast(live)
        holders = self.practice.holders
        self.developer, self.administrator = (
            self.practice.token_of(holders.person(role)) for role in (Role.DEVELOPER, Role.ADMINISTRATOR)
        )
        live.stop()
        self.secrets = [self.practice.token, self.developer, self.administrator, world.alder.secret]

    def asks(self, server: Process, document: str, token: str, **variables: Any) -> httpx.Response:
        """Sends an operation."""
        body = {"query": document, "variables": variables}
        return server.http.post("/graphql", json=body, headers={"authorization": f"Bearer {token}"})

    def signs_in(self, server: Process) -> None:
        """Ada signs in, at the second attempt; her application renews its tokens, once too often."""
        self.cast.live = cast("Live", server)
        pair, browser = pkce(), self.cast.browser()
        browser.open(self.cast.request(challenge=pair.challenge))
        self.cast.log_in(browser, password=WRONG)
        code = answered(self.cast.log_in(browser))["code"]
        of_all = {"client_id": self.cast.client_id}
        asked = {"code": code, "code_verifier": pair.verifier, "redirect_uri": CALLBACK}
        given = server.http.post("/oauth/token", data={"grant_type": "authorization_code", **of_all, **asked}).json()
        again = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], **of_all}
        renewed = [server.http.post("/oauth/token", data=again) for _ in range(2)]
        more = [text for one in (given, renewed[0].json()) for name, text in one.items() if name.endswith("_token")]
        self.secrets += [code, pair.verifier, *browser.cookies.values(), *more, WRONG, PASSWORD, "ada@example.com"]
        server.http.get("/userinfo", headers={"authorization": f"Bearer {given['access_token']}"})
        server.http.get("/v2/logout", params={"client_id": self.cast.client_id, "returnTo": f"{CALLBACK}?who=Willa"})
        self.cast.close()

    def is_done(self, server: Process, hook_url: str) -> None:
        """A machine and a provider work; a webhook fails, and letters go out."""
        alder = self.world.alder
        by_basic = {"authorization": basic(alder.client_id, alder.secret)}
        machine = server.http.post("/oauth/token", data={"grant_type": "client_credentials"}, headers=by_basic).json()
        server.http.post("/oauth/token", data={"grant_type": "client_credentials"}, headers={"authorization": WRONG})
        assert self.asks(server, HOOK, self.developer, url=hook_url, secret=HOOK_SECRET).status_code == 200
        for document, token, variables in (
            (NEW_PATIENT, self.practice.token, PATIENT),
            (CREATE, self.practice.token, self.practice.draft()),
            (INVITE, self.administrator, {"email": INVITED}),
            (INVITE, self.administrator, {"email": f"another.{INVITED}"}),
        ):
            done = self.asks(server, document, token, **variables)
            assert "errors" not in done.json(), done.text
        self.asks(
            server, f'{{ patients(filter: {{ name: "{PATIENT["last"]}" }}) {{ nothing }} }}', machine["access_token"]
        )
        self.asks(server, CREATE, machine["access_token"], **self.practice.draft())
        self.secrets += [machine["access_token"], HOOK_SECRET, hook_url, *PATIENT.values(), INVITED, "Marguerite"]
        self.secrets += [self.practice.draft()["instructions"], "1950-01-01"]

    def fails(self, server: Process) -> httpx.Response:
        """A table is not as it should be when somebody asks for a patient by name."""
        file = urlsplit(self.world.settings.database_url).path[1:]
        _rename(file, "gender", "gone")
        document = f'{{ patients(filter: {{ name: "{PATIENT["last"]}" }}) {{ id gender }} }}'
        answer = self.asks(server, document, self.practice.token)
        _rename(file, "gone", "gender")
        return answer


def _rename(file: str, old: str, new: str) -> None:
    with closing(sqlite3.connect(file, timeout=30)) as owner:
        owner.execute(f"ALTER TABLE patients RENAME COLUMN {old} TO {new}")


def until(is_so: Callable[[], bool]) -> None:
    """Waits for what a server does by itself."""
    deadline = time.monotonic() + 40
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_day_leaves_nothing_secret_or_personal_in_the_log(
    sqlite_world: World, mailbox: MailBox, receiver: Receiver
) -> None:
    """L-02, and rule: identifiers, codes and reasons. Everything that the day used is looked for."""
    day = Day(sqlite_world)
    variables = {
        "RXAUTH_SMTP_URL": f"smtp://rxauth:{MAIL_PASSWORD}@127.0.0.1:{mailbox.port}",
        "RXAUTH_OUTBOUND_NETWORKS": "127.0.0.0/8",
        "RXAUTH_PHARMACY_NETWORK_URL": f"{receiver.url}/orders-of-canaryfield",
        "RXAUTH_PHARMACY_NETWORK_SECRET": NETWORK_SECRET,
    }
    with process(sqlite_world.settings, **variables) as server:
        day.signs_in(server)
        day.is_done(server, f"{receiver.url}/hook?key=canaryfield-key")
        failed = day.fails(server)
        until(lambda: len(receiver.got) > 0 and len(mailbox.letters) > 0)
        output = server.stop()

    first, *lines = output.splitlines()
    assert first.startswith("rxauth serves ")
    logged = [json.loads(line) for line in lines]
    assert failed.status_code == 503, failed.text
    assert {one["event"] for one in logged} >= EVENTS
    [unavailable] = [one for one in logged if one["event"] == "database_unavailable"]
    assert failed.headers["x-request-id"] == unavailable["request_id"]
    secret = [
        *day.secrets,
        MAIL_PASSWORD,
        NETWORK_SECRET,
        "anaryfield",
        "illa",
        "dvanced",
        sqlite_world.settings.database_url,
    ]
    assert [text for text in secret if text in output] == []

"""Stories of keys that are rotated by command while servers run: nobody who verifies a token notices."""

import subprocess
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt

from tests.live import Process, decode, environment, http_client, process, run, rxauth_program
from tests.security.forging import READ, accepted
from tests.world import AUDIENCE, ISSUER, Tenant, World

KEY_SET = "/.well-known/jwks.json"
QUICK = {"RXAUTH_KEY_SET_LIFETIME_S": "1", "RXAUTH_STALENESS_BOUND_S": "2", "RXAUTH_KEY_ROTATION_DAYS": "0"}
ROTATIONS = 3


def make_keys_old(world: World) -> None:
    """Lets the world's keys have been published long ago, whatever day it is."""
    database = world.open()
    database.write(lambda tx: tx.connection.exec_driver_sql("UPDATE signing_keys SET created_at = 0"))
    database.close()


def _rotate(world: World) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [rxauth_program(), "keys", "rotate"],
        env=environment(world.settings) | QUICK,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@dataclass
class Reader:
    """Gets tokens from one server, and verifies them with the key set and at the API of another.

    It keeps the key set for exactly as long as the server allows, and never asks sooner because a key is unknown.
    """

    issuing: Process
    verifying: Process
    tenant: Tenant
    tokens: dict[str, str] = field(default_factory=dict)  # the last token of each key
    failures: list[str] = field(default_factory=list)
    verified: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    _keys: dict[str, Any] = field(default_factory=dict)
    _kept_until: float = 0.0

    def run(self) -> None:
        """Goes on until it is stopped; whatever fails is noted."""
        with http_client(timeout=20) as client:
            while not self.stopping.is_set():
                try:
                    self._once(client)
                except Exception as error:
                    self.failures.append(repr(error))
                time.sleep(0.02)

    def _once(self, client: httpx.Client) -> None:
        asked = {
            "grant_type": "client_credentials",
            "client_id": self.tenant.client_id,
            "client_secret": self.tenant.secret,
        }
        answer = client.post(f"{self.issuing.url}/oauth/token", data=asked)
        if answer.status_code == 503:
            return  # "not now" is no failure: a machine that runs many tests can hold the feed up
        token = answer.json()["access_token"]
        self.tokens[decode(token)[0]["kid"]] = token
        if time.monotonic() >= self._kept_until:
            answer = client.get(self.verifying.url + KEY_SET)
            self._keys = {key["kid"]: jwt.PyJWK(key) for key in answer.json()["keys"]}
            max_age = int(answer.headers["cache-control"].removeprefix("public, max-age="))
            self._kept_until = time.monotonic() + max_age
        for key_id, one in self.tokens.items():
            jwt.decode(one, self._keys[key_id], algorithms=["RS256"], issuer=ISSUER, audience=AUDIENCE)
            self.verified += 1
        headers = {"authorization": f"Bearer {token}"}
        answer = client.post(f"{self.verifying.url}/graphql", json={"query": READ}, headers=headers)
        if not accepted(answer) and answer.status_code != 503:
            self.failures.append(answer.text)


def test_no_verification_fails_while_keys_are_rotated_under_load(sqlite_world: World) -> None:
    """The token comes from one server, the key set and the API are those of another."""
    make_keys_old(sqlite_world)
    with process(sqlite_world.settings, **QUICK) as first, process(sqlite_world.settings, **QUICK) as second:
        reader = Reader(first, second, sqlite_world.alder)
        thread = threading.Thread(target=reader.run)
        thread.start()
        signing: list[str] = []
        while len(signing) < ROTATIONS:
            done = _rotate(sqlite_world)
            if done.returncode == 0:
                signing.append(done.stdout.split(maxsplit=1)[0])
            else:
                assert "rotate again in" in done.stderr
                time.sleep(1)
        deadline = time.monotonic() + 20
        while signing[-1] not in reader.tokens and time.monotonic() < deadline:
            time.sleep(0.05)
        reader.stopping.set()
        thread.join()

    assert reader.failures == []
    assert list(reader.tokens) == [sqlite_world.current_key.key_id, *signing]
    assert reader.verified > 20


def test_a_rotation_that_comes_too_early_is_refused_and_says_when_to_come_again(sqlite_world: World) -> None:
    make_keys_old(sqlite_world)
    first = run(sqlite_world.settings, "keys", "rotate")
    second = run(sqlite_world.settings, "keys", "rotate")

    assert first.returncode == 0, first.stderr
    assert f"{sqlite_world.next_key.key_id} signs from now on" in first.stdout
    assert f"{sqlite_world.current_key.key_id} goes on verifying" in first.stdout
    assert second.returncode == 1
    assert "rotate again in" in second.stderr

"""Stories of keys that are rotated while servers run: nobody who verifies a token notices (F13)."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import jwt
import pytest

from rxauth.domain import audit, key_removal, operator_acts
from rxauth.domain.operator_acts import By
from rxauth.oauth import new_keys, rotation
from tests.live import Live, decode, http_client
from tests.security.forging import READ, accepted
from tests.world import AUDIENCE, ISSUER, StandingClock, World

KEY_SET = "/.well-known/jwks.json"
PATIENCE_S = 60  # a machine that runs many tests


def make_keys_old(world: World) -> None:
    """Lets the world's keys have been published long ago, whatever day it is."""
    database = world.open()
    database.write(lambda tx: tx.connection.exec_driver_sql("UPDATE signing_keys SET created_at = 0"))
    database.close()


@dataclass
class Reader:
    """Gets tokens from one server, and verifies them with the key set and at the API of another.

    It keeps the key set for exactly as long as the server allows, and never asks sooner because a key is unknown.
    """

    issuing: Live
    verifying: Live
    removed: set[str]
    tokens: dict[str, str] = field(default_factory=dict)  # the last token of each key
    failures: list[str] = field(default_factory=list)
    verified: int = 0
    stopping: threading.Event = field(default_factory=threading.Event)
    _keys: dict[str, Any] = field(default_factory=dict)
    _kept_until: int = 0

    def run(self) -> None:
        """Goes on until it is stopped; whatever fails is noted."""
        with http_client(timeout=30) as client:
            while not self.stopping.is_set():
                try:
                    self._once(client)
                except Exception as error:
                    self.failures.append(repr(error))

    def _once(self, client: httpx.Client) -> None:
        token = self.issuing.token(self.issuing.world.alder)
        self.tokens[decode(token)[0]["kid"]] = token
        now = self.verifying.clock.seconds()
        if now >= self._kept_until:
            answer = client.get(self.verifying.url + KEY_SET)
            self._keys = {key["kid"]: jwt.PyJWK(key) for key in answer.json()["keys"]}
            self._kept_until = now + int(answer.headers["cache-control"].removeprefix("public, max-age="))
        for key_id, one in list(self.tokens.items()):
            if key_id not in self.removed:
                self._verify(client, key_id, one)

    def _verify(self, client: httpx.Client, key_id: str, token: str) -> None:
        options: Any = {"verify_iat": False, "verify_exp": False}  # the clock of the servers is a test's
        headers = {"authorization": f"Bearer {token}"}
        try:
            jwt.decode(
                token, self._keys[key_id], algorithms=["RS256"], issuer=ISSUER, audience=AUDIENCE, options=options
            )
            answer = client.post(f"{self.verifying.url}/graphql", json={"query": READ}, headers=headers)
            assert accepted(answer), answer.text
        except Exception:
            if key_id not in self.removed:  # it may have been removed meanwhile, and only then may it fail
                raise
        self.verified += 1


class Two:
    """Two servers of one installation, whose clock a test moves, and readers of each."""

    def __init__(self, world: World, clock: StandingClock) -> None:
        self.clock = clock
        self.servers = [Live(world, clock), Live(world, clock)]
        self.removed: set[str] = set()
        first, second = self.servers
        self.readers = [Reader(first, second, self.removed), Reader(second, first, self.removed)]
        self._threads = [threading.Thread(target=one.run) for one in self.readers]

    @property
    def current(self) -> str:
        """The key that signs."""
        return self.servers[0].server.keys.ring.current.key_id

    def rotate(self) -> None:
        """Lets the next key sign, as soon as it may; returns when both servers know and readers have tokens of it."""
        server = self.servers[0].server
        planned = rotation.of_server(server, ())
        self.clock.advance(planned.published_for_s)
        by = By(audit.OPERATOR, self.clock.microseconds())
        with new_keys.made(None, ["RS256"]) as made:
            planned = rotation.of_server(server, made)
            server.database.write(lambda tx: operator_acts.rotate_keys(tx, by, planned))
        self._wait()

    def remove(self) -> str:
        """Removes the key that signs, when every verifier knows the next one; returns it when both servers know."""
        server, leaked = self.servers[0].server, self.current
        self.clock.advance(rotation.of_server(server, ()).published_for_s)
        self.removed.add(leaked)
        by = By(audit.OPERATOR, self.clock.microseconds())
        wanted = server.database.read(lambda tx: key_removal.wanted(tx, [leaked], by.now))
        with new_keys.made(None, wanted) as made:
            planned = rotation.removal_of_server(server, [leaked], made)
            server.database.write(lambda tx: operator_acts.remove_keys(tx, by, planned))
        self._wait()
        return leaked

    def _wait(self) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and not all(self.current in one.tokens for one in self.readers):
            time.sleep(0.002)
        assert all(self.current in one.tokens for one in self.readers), [one.failures for one in self.readers]

    @contextmanager
    def load(self) -> Iterator[None]:
        """Has the readers at work for the length of a block."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            for reader in self.readers:
                reader.stopping.set()
            for thread in self._threads:
                thread.join()
            for one in self.servers:
                one.let_go()


@pytest.mark.proof
def test_no_verification_fails_while_keys_are_rotated_and_one_is_removed_under_load(
    world: World, clock: StandingClock, is_whole: bool
) -> None:
    """F13. The token comes from one server, the key set and the API are those of the other."""
    rotations = 100 if is_whole else 4
    two = Two(world, clock)
    signed = {two.current}
    with two.load():
        for number in range(rotations):
            two.rotate()
            signed.add(two.current)
            if number == rotations // 2:
                leaked = two.remove()
                signed.add(two.current)
                for reader, one in zip(two.readers, two.servers, strict=True):
                    assert one.graphql(reader.tokens[leaked], READ).status_code == 401
    assert len(signed) == rotations + 2
    for reader in two.readers:
        assert reader.failures == []
        assert set(reader.tokens) == signed
        assert reader.verified > rotations
    print(f"{rotations} rotations, one removal, {sum(one.verified for one in two.readers)} verifications, none failed")

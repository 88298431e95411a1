"""Machine credentials: one token for all threads and tasks of a process, renewed before it ends."""

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

import httpx

from rxauth_client import exchange
from rxauth_client.exchange import Outcome, Reply, Step, Token, Wanted
from rxauth_client.httpx_auth import MachineAuth
from rxauth_client.origins import Origins, issuer_of

_LOG: Final = logging.getLogger("rxauth_client")
_EARLY: Final = 0.1  # a token is renewed when this part of its lifetime is left,
_EARLY_LIMIT_S: Final = 300.0  # but not earlier than this
_PAUSE_S: Final = 10.0  # after a renewal that failed while the token still holds


@dataclass(frozen=True, slots=True)
class _Held:
    """A token, and when it is renewed and ends, on the monotonic clock."""

    text: str = field(repr=False)
    renew_at: float
    ends_at: float


class _AbandonedError(Exception):
    """Whoever asked for the token was cancelled: somebody else must ask."""


class MachineCredentials:
    """An organization's machine client, whose token `httpx` and `requests` send by themselves.

    domain: of the server, `auth.example.com` or a URL. secret: the client secret, or a function that reads it; it is
    read at every exchange, and again when the server refuses the one before, so that a rotation takes no restart.
    audience, scope: what to ask for; None: what the server gives by default. origins: URLs of further APIs that the
    token may be sent to, beside the server and the audience. patience_s: for how long an exchange is tried again when
    the server cannot be reached or asks to wait. timeout_s: of one try.
    """

    def __init__(
        self,
        domain: str,
        client_id: str,
        secret: str | Callable[[], str],
        *,
        audience: str | None = None,
        scope: str | None = None,
        origins: Iterable[str] = (),
        patience_s: float = 30.0,
        timeout_s: float = 10.0,
    ) -> None:
        self.issuer = issuer_of(domain)
        self.origins = Origins((self.issuer, audience or "", *origins))
        self.auth = MachineAuth(self)
        read_secret = (lambda: secret) if isinstance(secret, str) else secret
        self._wanted = Wanted(self.issuer, client_id, read_secret, audience, scope, patience_s)
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._held: _Held | None = None
        self._under_way: Future[str] | None = None

    def __repr__(self) -> str:
        """Leaves out the secret and the token."""
        return f"MachineCredentials({self.issuer!r}, {self._wanted.client_id!r})"

    def token(self) -> str:
        """Returns a token that holds; asks for one if there is none, and then waits.

        Raises:
            TokenRefusedError, UnavailableError: see there.
        """
        while True:
            found = self._found()
            if isinstance(found, str):
                return found
            under_way, is_ours = found
            try:
                return self._ask(under_way) if is_ours else under_way.result()
            except _AbandonedError:
                continue

    async def token_async(self) -> str:
        """Returns a token that holds, as `token` does, without holding up other tasks."""
        while True:
            found = self._found()
            if isinstance(found, str):
                return found
            under_way, is_ours = found
            try:
                if is_ours:
                    return await self._ask_async(under_way)
                # Shielded: one task that is cancelled must not take the token from all the others.
                return await asyncio.shield(asyncio.wrap_future(under_way))
            except _AbandonedError:
                continue

    def forget(self, token: str) -> None:
        """Drops a token that an API refused, so that the next request asks for another one."""
        with self._lock:
            if self._held is not None and self._held.text == token:
                self._held = None

    def _found(self) -> str | tuple[Future[str], bool]:
        """Returns the token, or what is under way to one, and whether it is the caller's to bring about."""
        held, now = self._held, time.monotonic()
        if held is not None and now < held.renew_at:
            return held.text
        with self._lock:
            held = self._held
            if held is not None and (now < held.renew_at or (now < held.ends_at and self._under_way is not None)):
                return held.text  # somebody renews it already
            if self._under_way is not None:
                return self._under_way, False
            self._under_way = Future()
            return self._under_way, True

    def _ask(self, under_way: Future[str]) -> str:
        began_at, steps = time.monotonic(), exchange.attempts(self._wanted)
        try:
            with httpx.Client(timeout=self._timeout_s) as client:
                step = next(steps)
                while True:
                    step = steps.send(_done(client, step))
        except StopIteration as done:
            return self._settle(under_way, done.value, began_at)
        except BaseException:
            self._abandon(under_way)
            raise

    async def _ask_async(self, under_way: Future[str]) -> str:
        began_at, steps = time.monotonic(), exchange.attempts(self._wanted)
        try:
            async with httpx.AsyncClient(timeout=self._timeout_s) as client:
                step = next(steps)
                while True:
                    step = steps.send(await _done_async(client, step))
        except StopIteration as done:
            return self._settle(under_way, done.value, began_at)
        except BaseException:
            self._abandon(under_way)
            raise

    def _settle(self, under_way: Future[str], outcome: Outcome, began_at: float) -> str:
        """Keeps the new token and gives it to whoever waits; the one before goes on serving if there is no new one."""
        now = time.monotonic()
        with self._lock:
            self._under_way = None
            if isinstance(outcome, Token):
                early_s = min(outcome.lifetime_s * _EARLY, _EARLY_LIMIT_S)
                ends_at = began_at + outcome.lifetime_s
                self._held = _Held(outcome.text, ends_at - early_s, ends_at)
            elif self._held is not None and now < self._held.ends_at:
                _LOG.warning("the token was not renewed, and is used until it ends: %s", outcome.code)
                again_at = min(now + _PAUSE_S, self._held.ends_at)
                self._held = _Held(self._held.text, again_at, self._held.ends_at)
            else:
                self._held = None
            held = self._held
        if held is not None:
            under_way.set_result(held.text)
            return held.text
        assert not isinstance(outcome, Token)  # noqa: S101  # it would be held
        under_way.set_exception(outcome)
        raise outcome

    def _abandon(self, under_way: Future[str]) -> None:
        with self._lock:
            self._under_way = None
        under_way.set_exception(_AbandonedError())


def _done(client: httpx.Client, step: Step) -> Reply:
    """Waits, or sends, and returns what came of it."""
    if isinstance(step, float):
        time.sleep(step)
        return None
    try:
        return client.send(step)
    except httpx.TransportError as error:
        return error


async def _done_async(client: httpx.AsyncClient, step: Step) -> Reply:
    """Does what `_done` does, and lets other tasks go on meanwhile."""
    if isinstance(step, float):
        await asyncio.sleep(step)
        return None
    try:
        return await client.send(step)
    except httpx.TransportError as error:
        return error

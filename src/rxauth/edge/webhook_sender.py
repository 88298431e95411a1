"""Delivers events to webhooks, in a thread of its own. No line of its log has a URL or anything of an event."""

import asyncio
import hashlib
import hmac
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import structlog

from rxauth.clock import Clock
from rxauth.crypto.sealing import CannotUnsealError
from rxauth.domain import webhook_deliveries, webhook_log, webhooks
from rxauth.domain.destinations import Network
from rxauth.domain.leases import Result
from rxauth.domain.webhook_deliveries import DELIVERED, Claimed
from rxauth.edge.outbound import ForbiddenAddressError, Outbound
from rxauth.storage.database import Database, DatabaseUnavailableError, Transaction

LOOK_EVERY_S: Final = 0.5
ATTEMPT_S: Final = 6  # less than a lease
AT_ONCE: Final = 16
AT_ONCE_TO_ONE: Final = 4  # a receiver that is slow keeps others waiting no longer than this lets it
A_ROUND: Final = 1_000
FORGET_EVERY_S: Final = 3_600
CONTENT_TYPE: Final = "application/cloudevents-batch+json"  # as published, though it is one event
_RETRIED_REFUSALS: Final = frozenset({408, 429})
Value = TypeVar("Value")
_log = structlog.get_logger("rxauth.webhooks")


class WebhookSender:
    """Looks for deliveries and attempts them, several at once; one that fails is tried again later, and later still."""

    def __init__(self, database: Database, clock: Clock, sealing_key: bytes, networks: Sequence[Network] = ()) -> None:
        self._database = database
        self._clock = clock
        self._sealing_key = sealing_key
        self._networks = tuple(networks)
        self._forget_at = 0
        self._stopping = threading.Event()
        # Waiting for the database must not keep answers of receivers waiting.
        self._transactions = ThreadPoolExecutor(1, thread_name_prefix="webhook-transactions")
        self._thread = threading.Thread(target=self._run, name="webhook-sender", daemon=True)

    def start(self) -> None:
        """Begins to look for deliveries."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it after the attempts that are under way; the others wait for the next start."""
        self._stopping.set()
        self._thread.join()
        self._transactions.shutdown()

    def deliver(self) -> int:
        """Attempts what is due, as one round of the thread does; returns how many were taken.

        Raises:
            DatabaseUnavailableError: see there.
        """
        return asyncio.run(self._once())

    async def _once(self) -> int:
        outbound = Outbound(self._networks)
        try:
            return await self._deliver(outbound)
        finally:
            await outbound.close()

    def _run(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        outbound = Outbound(self._networks)
        while not self._stopping.is_set():
            try:
                await self._deliver(outbound)
                await self._forget()
            except DatabaseUnavailableError:
                _log.warning("database_unavailable")
            except Exception as error:  # whatever it is, the deliveries after it must not wait for a restart
                _log.error("unexpected_error", error=type(error).__name__)
            await asyncio.sleep(LOOK_EVERY_S)
        await outbound.close()

    async def _deliver(self, outbound: Outbound) -> int:
        """Attempts what is due, until nothing is, or a round is full; returns how many were taken."""
        running: dict[asyncio.Task[bool], str] = {}
        begun = taken = 0
        try:
            while True:
                while len(running) < AT_ONCE and begun < A_ROUND:
                    claimed = await self._claim(running.values())
                    if claimed is None:
                        break
                    begun += 1
                    running[asyncio.create_task(self._attempt(outbound, claimed))] = claimed.webhook_id
                if not running:
                    return taken
                done, _ = await asyncio.wait(running, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del running[task]
                    taken += task.result()
        finally:
            await asyncio.gather(*running, return_exceptions=True)

    async def _claim(self, webhook_ids: Iterable[str]) -> Claimed | None:
        if self._stopping.is_set():
            return None
        busy = [one for one, count in Counter(webhook_ids).items() if count >= AT_ONCE_TO_ONE]
        now = self._clock.seconds()
        if not await self._in_thread(self._database.read, lambda tx: webhook_deliveries.is_due(tx, busy, now)):
            return None
        return await self._in_thread(self._database.write, lambda tx: webhook_deliveries.claim(tx, busy, now))

    async def _attempt(self, outbound: Outbound, claimed: Claimed) -> bool:
        """Tells whether the receiver took a delivery."""
        began = time.monotonic()
        outcome, status = await self._post(outbound, claimed)
        took_ms = int((time.monotonic() - began) * 1_000)
        is_taken = status is not None and 200 <= status < 300
        is_final = status is not None and is_refused(status)
        result = Result(outcome, is_taken, is_final, self._clock.seconds(), took_ms)
        state = await self._in_thread(self._database.write, lambda tx: webhook_deliveries.settle(tx, claimed, result))
        known = {"delivery": claimed.id, "webhook": claimed.webhook_id, "attempt": claimed.attempt, "outcome": outcome}
        if state == DELIVERED:
            _log.info("webhook_delivered", **known, took_ms=took_ms)
        else:
            _log.warning("webhook_not_delivered", **known, state=state)
        return is_taken

    async def _post(self, outbound: Outbound, claimed: Claimed) -> tuple[str, int | None]:
        """Returns what came of it, and the status of the answer; None: there was none."""
        try:
            secrets = claimed.secrets(self._sealing_key, webhooks.purpose(claimed.webhook_id))
            async with asyncio.timeout(ATTEMPT_S):
                status = await outbound.post(claimed.url, claimed.body, self._headers(claimed.body, secrets[0]))
                for secret in secrets[1:]:  # during a rotation: the receiver may know the one before only
                    if is_refused(status):
                        status = await outbound.post(claimed.url, claimed.body, self._headers(claimed.body, secret))
        except ForbiddenAddressError:
            return "forbidden_address", None
        except CannotUnsealError:
            return "cannot_unseal", None
        except TimeoutError:
            return "timeout", None
        except OSError:
            return "no_answer", None
        return f"http_{status}", status

    def _headers(self, body: bytes, secret: str) -> dict[str, str]:
        return {
            "content-type": CONTENT_TYPE,
            "x-photon-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
            "x-photon-timestamp": str(self._clock.milliseconds()),
            "user-agent": "rxauth",
        }

    async def _forget(self) -> None:
        now = self._clock.seconds()
        if now < self._forget_at:
            return
        while await self._in_thread(self._database.write, lambda tx: webhook_log.forget(tx, now)):
            pass
        self._forget_at = now + FORGET_EVERY_S

    async def _in_thread(
        self, transact: Callable[[Callable[[Transaction], Value]], Value], work: Callable[[Transaction], Value]
    ) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._transactions, transact, work)


def is_refused(status: int) -> bool:
    """Tells whether a receiver will not take an event at any time."""
    return 400 <= status < 500 and status not in _RETRIED_REFUSALS

"""Delivers events to webhooks, in a thread of its own. No line of its log has a URL or anything of an event."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import Sequence
from typing import Final

import structlog

from rxauth.clock import Clock
from rxauth.crypto.sealing import CannotUnsealError
from rxauth.domain import webhook_deliveries, webhooks
from rxauth.domain.destinations import Network
from rxauth.domain.leases import Result
from rxauth.domain.webhook_deliveries import DELIVERED, Claimed
from rxauth.edge.outbound import ForbiddenAddressError, MakeOutbound, Outbound, why
from rxauth.edge.rounds import ATTEMPT_S, Rounds
from rxauth.storage.database import Database, Transaction

AT_ONCE_TO_ONE: Final = 4
CONTENT_TYPE: Final = "application/cloudevents-batch+json"  # as published, though it is one event
_RETRIED_REFUSALS: Final = frozenset({408, 429})
_log = structlog.get_logger("rxauth.webhooks")


class WebhookSender:
    """Looks for deliveries and attempts them, several at once; one that fails is tried again later, and later still."""

    at_once_to_one = AT_ONCE_TO_ONE

    def __init__(
        self,
        database: Database,
        clock: Clock,
        sealing_key: bytes,
        networks: Sequence[Network] = (),
        make_outbound: MakeOutbound = Outbound,
    ) -> None:
        self._clock = clock
        self._sealing_key = sealing_key
        self._rounds = Rounds("webhooks", self, database, networks, make_outbound)
        self.start = self._rounds.start
        self.stop = self._rounds.stop
        self.deliver = self._rounds.once

    def is_due(self, transaction: Transaction, busy: Sequence[str]) -> bool:
        """Tells whether a delivery waits."""
        return webhook_deliveries.is_due(transaction, busy, self._clock.seconds())

    def claim(self, transaction: Transaction, busy: Sequence[str]) -> Claimed | None:
        """Takes the delivery that has waited longest."""
        return webhook_deliveries.claim(transaction, busy, self._clock.seconds())

    def receiver(self, claimed: Claimed) -> str:
        """Returns the webhook."""
        return claimed.webhook_id

    async def attempt(self, outbound: Outbound, claimed: Claimed) -> bool:
        """Tells whether the receiver took a delivery."""
        began = time.monotonic()
        outcome, status = await self._post(outbound, claimed)
        took_ms = int((time.monotonic() - began) * 1_000)
        is_taken = status is not None and 200 <= status < 300
        is_final = status is not None and is_refused(status)
        result = Result(outcome, is_taken, is_final, self._clock.seconds(), took_ms)
        state = await self._rounds.write(lambda tx: webhook_deliveries.settle(tx, claimed, result))
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
        except CannotUnsealError:
            return "cannot_unseal", None
        except (ForbiddenAddressError, OSError) as error:
            return why(error), None
        return f"http_{status}", status

    def _headers(self, body: bytes, secret: str) -> dict[str, str]:
        return {
            "content-type": CONTENT_TYPE,
            "x-photon-signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
            "x-photon-timestamp": str(self._clock.milliseconds()),
            "user-agent": "rxauth",
        }


def is_refused(status: int) -> bool:
    """Tells whether a receiver will not take an event at any time."""
    return 400 <= status < 500 and status not in _RETRIED_REFUSALS

"""Tells the pharmacy network of orders, in a thread of its own. No line of its log has a URL or what is in an order."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import structlog

from rxauth.clock import Clock
from rxauth.domain import dispatch_answers, dispatch_contents, dispatches, order_sending
from rxauth.domain.destinations import Network
from rxauth.domain.dispatches import PLACE, TAKEN, Dispatch
from rxauth.domain.leases import Result
from rxauth.edge.outbound import ForbiddenAddressError, MakeOutbound, Outbound, why
from rxauth.edge.pharmacy_network import Heard, PharmacyNetwork
from rxauth.edge.rounds import AT_ONCE, ATTEMPT_S, Rounds
from rxauth.storage.database import Database, Transaction

NOT_ALLOWED: Final = "not_allowed"  # the network was not asked: who prescribed may not any more, or it is over
_log = structlog.get_logger("rxauth.dispatches")


class DispatchSender:
    """Looks for dispatches and tells the network, several at once; what it cannot be told is told later."""

    at_once_to_one = AT_ONCE  # there is one network

    def __init__(
        self,
        database: Database,
        clock: Clock,
        network: PharmacyNetwork,
        networks: Sequence[Network] = (),
        make_outbound: MakeOutbound = Outbound,
    ) -> None:
        self._clock = clock
        self._network = network
        self._rounds = Rounds("dispatches", self, database, networks, make_outbound)
        self.start = self._rounds.start
        self.stop = self._rounds.stop
        self.tell = self._rounds.once

    def is_due(self, transaction: Transaction, _busy: Sequence[str]) -> bool:
        """Tells whether a dispatch waits."""
        return dispatches.is_due(transaction, self._clock.seconds())

    def claim(self, transaction: Transaction, _busy: Sequence[str]) -> Dispatch | None:
        """Takes the dispatch that has waited longest."""
        return dispatches.claim(transaction, self._clock.seconds())

    def receiver(self, _dispatch: Dispatch) -> str:
        """Returns the network."""
        return ""

    async def attempt(self, outbound: Outbound, dispatch: Dispatch) -> bool:
        """Tells the network of one dispatch; tells whether it took it."""
        began = time.monotonic()
        heard = await self._tell(outbound, dispatch)
        took_ms = int((time.monotonic() - began) * 1_000)
        is_final = heard.refusal is not None
        result = Result(heard.outcome, heard.is_taken, is_final, self._clock.seconds(), took_ms)
        now_ms = self._clock.milliseconds()

        def settle(transaction: Transaction) -> str:
            state = dispatch_answers.settle(transaction, dispatch, result, heard.refusal, now_ms)
            if heard.outcome == NOT_ALLOWED and dispatch.attempt > 1:
                dispatches.take_back(transaction, dispatch, now_ms // 1_000)
            return state

        state = await self._rounds.write(settle)
        known = {"dispatch": dispatch.id, "order": dispatch.order_id, "act": dispatch.act, "attempt": dispatch.attempt}
        known |= {"outcome": heard.outcome, "state": state}
        if state == TAKEN:
            _log.info("dispatch_taken", **known)
        else:
            _log.warning("dispatch_not_taken", **known)
        return heard.is_taken

    async def _tell(self, outbound: Outbound, dispatch: Dispatch) -> Heard:
        if dispatch.act == PLACE:
            place = (dispatch.organization_id, dispatch.order_id)
            refused = await self._rounds.write(lambda tx: order_sending.refusal(tx, *place, self._clock))
            if refused is not None:
                return Heard(NOT_ALLOWED, refusal=refused)
        contents = await self._rounds.read(lambda tx: dispatch_contents.of(tx, dispatch))
        try:
            async with asyncio.timeout(ATTEMPT_S):
                return await self._network.tell(outbound, contents, self._clock.seconds())
        except (ForbiddenAddressError, OSError) as error:
            return Heard(why(error))

"""Rounds: a thread that looks for what is due in an outbox and attempts it, several at once; others know what it is."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Generic, Protocol, TypeVar

import structlog

from rxauth.domain.destinations import Network
from rxauth.domain.leases import Leased
from rxauth.edge.outbound import MakeOutbound, Outbound
from rxauth.storage.database import Database, DatabaseUnavailableError, Transaction

LOOK_EVERY_S: Final = 0.5
ATTEMPT_S: Final = 6  # less than a lease
AT_ONCE: Final = 16
A_ROUND: Final = 1_000
Claimed = TypeVar("Claimed", bound=Leased)
Value = TypeVar("Value")


class Courier(Protocol[Claimed]):
    """What is attempted, and how. busy: the receivers that have enough under way here."""

    at_once_to_one: int

    def is_due(self, transaction: Transaction, busy: Sequence[str]) -> bool:
        """Tells whether something waits; for a look that writes nothing."""

    def claim(self, transaction: Transaction, busy: Sequence[str]) -> Claimed | None:
        """Takes what has waited longest, for this process alone; None: nothing waits."""

    def receiver(self, claimed: Claimed) -> str:
        """Returns who gets it: one who is slow keeps others waiting no longer than `at_once_to_one` lets them."""

    async def attempt(self, outbound: Outbound, claimed: Claimed) -> bool:
        """Attempts it, within `ATTEMPT_S`, and settles what came of it; tells whether it was taken."""


class Rounds(Generic[Claimed]):
    """The thread of one courier. What fails is tried again later: nothing that happens here ends the thread."""

    def __init__(
        self,
        name: str,
        courier: Courier[Claimed],
        database: Database,
        networks: Sequence[Network],
        make_outbound: MakeOutbound = Outbound,
    ) -> None:
        self._courier = courier
        self._database = database
        self._networks = tuple(networks)
        self._make_outbound = make_outbound
        self._log = structlog.get_logger(f"rxauth.{name}")
        self._stopping = threading.Event()
        # Waiting for the database must not keep answers of receivers waiting.
        self._transactions = ThreadPoolExecutor(1, thread_name_prefix=f"{name}-transactions")
        self._thread = threading.Thread(target=self._run, name=f"{name}-sender", daemon=True)

    def start(self) -> None:
        """Begins to look for what is due."""
        self._thread.start()

    def stop(self) -> None:
        """Ends it after the attempts that are under way; the others wait for the next start."""
        self._stopping.set()
        self._thread.join()
        self._transactions.shutdown()

    def once(self) -> int:
        """Attempts what is due, as one round of the thread does; returns how many were taken.

        Raises:
            DatabaseUnavailableError: see there.
        """
        return asyncio.run(self._once())

    async def read(self, work: Callable[[Transaction], Value]) -> Value:
        """Reads, beside the loop."""
        return await self._in_thread(self._database.read, work)

    async def write(self, work: Callable[[Transaction], Value]) -> Value:
        """Writes, beside the loop."""
        return await self._in_thread(self._database.write, work)

    async def _once(self) -> int:
        outbound = self._make_outbound(self._networks)
        try:
            return await self._round(outbound)
        finally:
            await outbound.close()

    def _run(self) -> None:
        asyncio.run(self._work())

    async def _work(self) -> None:
        outbound = self._make_outbound(self._networks)
        while not self._stopping.is_set():
            try:
                await self._round(outbound)
            except DatabaseUnavailableError:
                self._log.warning("database_unavailable")
            except Exception as error:  # whatever it is, what comes after it must not wait for a restart
                self._log.error("unexpected_error", error=type(error).__name__)
            await asyncio.sleep(LOOK_EVERY_S)
        await outbound.close()

    async def _round(self, outbound: Outbound) -> int:
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
                    task = asyncio.create_task(self._courier.attempt(outbound, claimed))
                    running[task] = self._courier.receiver(claimed)
                if not running:
                    return taken
                done, _ = await asyncio.wait(running, timeout=LOOK_EVERY_S, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    del running[task]
                    taken += task.result()
        finally:
            await asyncio.gather(*running, return_exceptions=True)

    async def _claim(self, receivers: Iterable[str]) -> Claimed | None:
        if self._stopping.is_set():
            return None
        busy = [one for one, count in Counter(receivers).items() if count >= self._courier.at_once_to_one]
        if not await self.read(lambda tx: self._courier.is_due(tx, busy)):
            return None
        return await self.write(lambda tx: self._courier.claim(tx, busy))

    async def _in_thread(
        self, transact: Callable[[Callable[[Transaction], Value]], Value], work: Callable[[Transaction], Value]
    ) -> Value:
        return await asyncio.get_running_loop().run_in_executor(self._transactions, transact, work)

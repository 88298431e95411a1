"""Quotas: how many requests a minute each client, organization, person, browser and network may make.

Every process counts in memory. Of those that ask often, it adds its count to the database once a second, and hears what
the others counted: so no request waits for that, and somewhat more than the limit can get through.
"""

import heapq
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple

import structlog

from rxauth.clock import Clock
from rxauth.domain import request_counts
from rxauth.domain.request_counts import MINUTE_S
from rxauth.oauth.errors import TooManyRequestsError
from rxauth.storage.database import Database

EXCHANGE_EVERY_S: Final = 1
EXCHANGED_LIMIT: Final = 1_000  # keys a second; those that ask most
COUNTED_LIMIT: Final = 10_000  # of a kind: each takes a quarter of a kB
QUIET_SHARE: Final = 50  # who has used less than a fiftieth of a limit here is not spoken of
_log = structlog.get_logger("rxauth.quotas")


class Kind(IntEnum):
    """What a quota is of. An organization's machines and its people have one each: a job gone wild stops no person."""

    CLIENT = 0
    MACHINES = 1
    PERSON = 2
    PEOPLE = 3
    BROWSER = 4
    NETWORK = 5
    PROVISIONING = 6


# What a client is told, which need not know of what two an organization has.
_NAMES: Final = ("client", "organization", "person", "organization", "browser", "network", "organization")
Use = tuple[Kind, str]


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How many requests a minute each of them may make."""

    client: int = 6_000
    organization: int = 30_000
    person: int = 1_200
    network: int = 3_000


class Allowance(NamedTuple):
    """What is left of the quotas that a request counted towards. reset_s: until they begin anew."""

    left: Sequence[tuple[Kind, int, int]]  # each with its limit, and what is left of it
    reset_s: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Returns the header fields that say so (draft-ietf-httpapi-ratelimit-headers §4)."""
        policies = ", ".join([f'"{_NAMES[kind]}";q={limit};w={MINUTE_S}' for kind, limit, _ in self.left])
        left = ", ".join([f'"{_NAMES[kind]}";r={left};t={self.reset_s}' for kind, _, left in self.left])
        return [(b"ratelimit-policy", policies.encode()), (b"ratelimit", left.encode())]


class QuotaUsedUpError(TooManyRequestsError):
    """A quota is used up; see `TooManyRequestsError`."""

    def __init__(self, kind: Kind, allowance: Allowance) -> None:
        told = f"Too many requests of this {_NAMES[kind]} in this minute. Try again when the next one begins."
        super().__init__(told, allowance.reset_s)
        self.kind = kind
        self.allowance = allowance


class _Count:
    """known: what all processes counted in this minute, as far as this one heard; pending: what it has not told yet."""

    __slots__ = ("known", "pending")

    def __init__(self) -> None:
        self.known = 0
        self.pending = 0


class Quotas:
    """The counts of this minute."""

    def __init__(self, limits: RequestLimits, clock: Clock, database: Database) -> None:
        self._limits = (
            *(limits.client, limits.organization, limits.person, limits.organization),
            *(limits.person, limits.network, limits.organization),
        )
        self._clock = clock
        self._database = database
        self._minute = 0
        # In the order in which they last asked: whoever asks often is never forgotten, however many others come.
        self._counts: tuple[OrderedDict[str, _Count], ...] = tuple(OrderedDict() for _ in Kind)
        self._busy: set[Use] = set()
        self._refused = dict.fromkeys(Kind, 0)
        self._counting = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def require(self, *uses: Use) -> None:
        """Checks that none of some quotas is used up, and counts nothing.

        Raises:
            QuotaUsedUpError: one is.
        """
        with self._counting:
            self._require(uses, self._begin_minute())

    def use(self, *uses: Use) -> Allowance:
        """Counts a request towards some quotas; returns what is left of them.

        Raises:
            QuotaUsedUpError: one is used up; nothing was counted.
        """
        with self._counting:
            reset_s = self._begin_minute()
            self._require(uses, reset_s)
            return self._count(uses, reset_s)

    def count(self, *uses: Use) -> Allowance:
        """Counts a request towards some quotas, even if one is used up meanwhile; returns what is left of them."""
        with self._counting:
            return self._count(uses, self._begin_minute())

    def refused(self) -> dict[str, float]:
        """Returns how many requests were refused, by quota."""
        return {kind.name.lower(): count for kind, count in self._refused.items()}

    def exchange(self) -> None:
        """Tells the other processes of who asks often, and hears of them.

        Raises:
            DatabaseUnavailableError: what was not told is told at the next call.
        """
        with self._counting:
            self._begin_minute()
            minute, told = self._minute, self._busiest()
        if not told:
            return
        counted = {_key(use): pending for use, pending in told}
        together = self._database.write(lambda tx: request_counts.add(tx, minute * MINUTE_S, counted))
        with self._counting:
            if self._minute == minute:
                for (kind, name), pending in told:
                    self._hear(kind, name, pending, together.get(_key((kind, name)), 0))

    def start(self) -> None:
        """Exchanges counts from now on, until `stop`."""
        self._thread = threading.Thread(target=self._work, name="quotas", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends it after the exchange that is under way."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _begin_minute(self) -> int:
        """Forgets the counts of a minute that is over; returns the seconds until this one is."""
        minute, elapsed_s = divmod(self._clock.seconds(), MINUTE_S)
        if minute != self._minute:
            self._minute = minute
            self._counts = tuple(OrderedDict() for _ in Kind)
            self._busy = set()
        return MINUTE_S - elapsed_s

    def _require(self, uses: Sequence[Use], reset_s: int) -> None:
        for kind, name in uses:
            count, limit = self._counts[kind].get(name), self._limits[kind]
            if count is not None and count.known + count.pending >= limit:
                self._refused[kind] += 1
                raise QuotaUsedUpError(kind, Allowance(((kind, limit, 0),), reset_s))

    def _count(self, uses: Sequence[Use], reset_s: int) -> Allowance:
        left = []
        for use in uses:
            kind, name = use
            counts, limit = self._counts[kind], self._limits[kind]
            count = counts.get(name)
            if count is None:
                if len(counts) >= COUNTED_LIMIT:
                    counts.popitem(last=False)
                count = counts[name] = _Count()
            else:
                counts.move_to_end(name)
            count.pending += 1
            used = count.known + count.pending
            if used * QUIET_SHARE >= limit:
                self._busy.add(use)
            left.append((kind, limit, max(0, limit - used)))
        return Allowance(left, reset_s)

    def _busiest(self) -> list[tuple[Use, int]]:
        counts = ((use, self._counts[use[0]].get(use[1])) for use in self._busy)
        pending = [(use, count.pending) for use, count in counts if count is not None and count.pending]
        return heapq.nlargest(EXCHANGED_LIMIT, pending, key=lambda one: one[1])

    def _hear(self, kind: Kind, name: str, told: int, together: int) -> None:
        count = self._counts[kind].get(name)
        if count is not None:
            count.known = max(count.known + told, together)
            count.pending -= told

    def _work(self) -> None:
        while not self._stopping.wait(EXCHANGE_EVERY_S):
            try:
                self.exchange()
            except Exception as error:  # whatever it is, the next exchange makes up for it
                _log.warning("quotas_not_exchanged", error=type(error).__name__)


def _key(use: Use) -> str:
    kind, name = use
    return f"{kind.name.lower()} {name}"

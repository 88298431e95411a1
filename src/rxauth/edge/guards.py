"""Guards before anything is looked up: how large a request may be, and how often one place may fail."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

BODY_LIMIT_BYTES: Final = 262_144
BODY_TIMEOUT_S: Final = 10
FAILURES_PER_MINUTE: Final = 30
_PLACES_LIMIT: Final = 100_000
_NETWORKS_REMEMBERED: Final = 1_024


@dataclass(slots=True)
class _Bucket:
    """How many failures a place may still have. updated_s: monotonic seconds."""

    left: float
    updated_s: float


class FailureLimiter:
    """Slows down whoever fails to prove itself: by network, and by client and network together.

    A client is never limited by itself: whoever knows its identifier could shut it out from everywhere.
    """

    def __init__(
        self, failures_per_minute: int = FAILURES_PER_MINUTE, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst = float(failures_per_minute)
        self._per_second = failures_per_minute / 60
        self._monotonic = monotonic
        # In the order of the last failure, so that making room takes the same short time however full it is.
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()

    def wait_s(self, network: str, client_id: str) -> int:
        """Returns the seconds to wait before the next attempt, 0 if it may be made."""
        if not self._buckets:
            return 0
        now = self._monotonic()
        wait = 0.0
        for place, share in ((network, ""), 4.0), ((network, client_id), 1.0):
            bucket = self._buckets.get(place)
            if bucket is not None:
                left = self._refilled(bucket, share, now)
                wait = max(wait, (1 - left) / (self._per_second * share))
        return 0 if wait <= 0 else int(wait) + 1

    def count_failure(self, network: str, client_id: str) -> None:
        """Counts one failed attempt."""
        now = self._monotonic()
        for place, share in ((network, ""), 4.0), ((network, client_id), 1.0):
            bucket = self._buckets.get(place)
            left = self._burst * share if bucket is None else self._refilled(bucket, share, now)
            if bucket is None and len(self._buckets) >= _PLACES_LIMIT:
                self._buckets.popitem(last=False)
            self._buckets[place] = _Bucket(max(0.0, left - 1), now)
            self._buckets.move_to_end(place)

    def _refilled(self, bucket: _Bucket, share: float, now: float) -> float:
        return min(self._burst * share, bucket.left + (now - bucket.updated_s) * self._per_second * share)


@lru_cache(_NETWORKS_REMEMBERED)
def network_of(address: str | None) -> str:
    """Returns the block that an address stands for: itself in IPv4, its /64 in IPv6; `local` for a socket file."""
    if address is None:
        return "local"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))

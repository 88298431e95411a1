"""Text records of domains, as DNS has them now: this machine's name servers are asked, for some seconds at most."""

import threading
import time
from collections.abc import Sequence
from typing import Final

import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from rxauth.domain.domain_proofs import Records

LOOK_S: Final = 3.0  # for all the names of one domain
TEXTS_LIMIT: Final = 200
TEXT_LIMIT_BYTES: Final = 1_000
_NONE: Final = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


class TextRecords:
    """Asks name servers. servers: address and port of each; none: those of this machine, as they are set now."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        self._servers = tuple(servers)
        # One at a time: a domain's own name servers may be slow, and whoever waits for them keeps a thread.
        self._turn = threading.Lock()

    def look(self, names: Sequence[str]) -> Records:
        """Returns the text records of some names together; blocks its thread."""
        if not self._turn.acquire(timeout=LOOK_S):
            return Records((), is_whole=False)
        try:
            ends_at, resolver = time.monotonic() + LOOK_S, self._resolver()
            found = [_texts(resolver, name, ends_at) for name in names]
        except dns.exception.DNSException:
            return Records((), is_whole=False)
        finally:
            self._turn.release()
        texts = [text for one in found for text in one or ()]
        return Records(tuple(texts[:TEXTS_LIMIT]), is_whole=None not in found)

    def _resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=not self._servers)
        if self._servers:
            resolver.nameservers = [dns.nameserver.Do53Nameserver(*one) for one in self._servers]
        return resolver


def _texts(resolver: dns.resolver.Resolver, name: str, ends_at: float) -> list[str] | None:
    """Returns the texts of one name; None: nobody who knows answered."""
    left_s = ends_at - time.monotonic()
    if left_s <= 0:
        return None
    try:
        answer = resolver.resolve(dns.name.from_text(name), "TXT", lifetime=left_s, search=False)
    except _NONE:
        return []
    except (dns.exception.DNSException, OSError):
        return None
    texts = (b"".join(record.strings) for record in answer)
    return [text.decode("ascii", "replace") for text in texts if len(text) <= TEXT_LIMIT_BYTES]

"""A name server for tests: a real one on loopback, over UDP and TCP, that has text records and fails as it is told."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

from tests.live import free_port

TTL_S: Final = 1
_LONGEST_OVER_UDP: Final = 512


class _Tcp(socketserver.ThreadingTCPServer):
    allow_reuse_address = True  # somebody's connection to the port may have ended a moment ago


class NameServer:
    """Answers for every name: with its texts, or that there is none.

    texts: by name, without the last dot. failing: names for which it says that it failed. silent: names for which it
    says nothing.
    """

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.failing: set[str] = set()
        self.silent: set[str] = set()
        self.asked: list[str] = []
        answer = self._answer

        class Datagram(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                asked, socket = self.request
                answered = answer(asked, limit_bytes=_LONGEST_OVER_UDP)
                if answered:
                    socket.sendto(answered, self.client_address)

        class Stream(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                length = int.from_bytes(self.rfile.read(2))
                answered = answer(self.rfile.read(length), limit_bytes=65_535)
                self.wfile.write(len(answered).to_bytes(2) + answered)

        self._tcp = _Tcp(("127.0.0.1", free_port()), Stream)
        self._udp = socketserver.ThreadingUDPServer(self._tcp.server_address, Datagram)
        self.address = ("127.0.0.1", int(self._udp.server_address[1]))
        self._threads = [threading.Thread(target=one.serve_forever, args=(0.02,)) for one in (self._udp, self._tcp)]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends it."""
        for one in (self._udp, self._tcp):
            one.shutdown()
            one.server_close()
        for thread in self._threads:
            thread.join()

    def _answer(self, asked: bytes, limit_bytes: int) -> bytes:
        query = dns.message.from_wire(asked)
        answer = dns.message.make_response(query, recursion_available=True)
        name = query.question[0].name.to_text().removesuffix(".").lower()
        self.asked.append(name)
        if name in self.silent:
            return b""
        if name in self.failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name in self.texts:
            lines: list[Any] = [self._quoted(text) for text in self.texts[name]]
            answer.answer.append(dns.rrset.from_text(query.question[0].name, TTL_S, "IN", "TXT", *lines))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        wire = answer.to_wire(max_size=65_535)
        if len(wire) > limit_bytes:
            answer.answer.clear()
            answer.flags |= dns.flags.TC
            wire = answer.to_wire()
        return wire

    @staticmethod
    def _quoted(text: str) -> str:
        """Returns a text as a zone file has it: in pieces of 255 bytes at most (RFC 1035 §3.3)."""
        return " ".join(f'"{text[start : start + 255]}"' for start in range(0, len(text) or 1, 255))


@contextmanager
def name_server() -> Iterator[NameServer]:
    """Runs a name server for the length of a block."""
    made = NameServer()
    try:
        yield made
    finally:
        made.stop()

"""F17: thousands of connections that say nothing, heads that come a byte a second, and heads of a megabyte."""

import selectors
import socket
import statistics
import threading
import time
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.faults.nodes import Node
from tests.faults.operations import OK
from tests.faults.rig import Outcome, Place, Rig
from tests.faults.works import Machine

IDLE = 10_000
SLOW = 500
LARGE = 50
IDLE_BYTES = 200 << 20  # what ten thousand idle connections may cost
SHARE = 0.98  # of the tokens that were asked for must have been issued; how soon, the busy machine says
_PATIENCE_S = 90
TARGET = "as1"


def run(place: Place) -> Outcome:
    """Runs it."""
    with Rig(place, "F17", servers=(TARGET,)) as rig, ExitStack() as stack:
        node = rig.nodes[TARGET]
        with rig.load([Machine(), Machine()]):
            time.sleep(10)
            quiet_from, before = time.monotonic() - 8, _resident(node)
            crowded_from = time.monotonic()
            refused = _open_idle(stack, node)
            rig.inject(f"{IDLE - refused} idle connections" + (f", {refused} refused" if refused else ""))
            idle = _resident(node)
            rig.inject(f"{SLOW} heads, a byte a second")
            closed = _drip(node)
            rig.inject(f"{LARGE} heads of 1 MB")
            answers = Counter(_large(node) for _ in range(LARGE))
            over = time.monotonic()
        outcome = rig.outcome("machines at work on a server that is beset")
        took = {
            when: statistics.median(
                one.ended - one.began
                for one in outcome.history
                if one.kind == "token" and one.outcome == OK and one.ended is not None and began < one.began < ended
            )
            for when, (began, ended) in {
                "before": (quiet_from, crowded_from),
                "beset": (crowded_from, over),
            }.items()
        }
        outcome.figures |= {
            "memory for the idle ones": f"{(idle - before) >> 20} MB",
            "slow heads closed by the server": f"{closed} of {SLOW}",
            "heads of 1 MB answered": ", ".join(f"{number} x {what}" for what, number in answers.items()),
            "a token at the median": f"{took['before'] * 1000:.1f} ms before, {took['beset'] * 1000:.1f} ms beset",
        }
        if idle - before > IDLE_BYTES:
            outcome.missed.append(f"{IDLE} idle connections cost {(idle - before) >> 20} MB")
        if closed < SLOW:
            outcome.missed.append(f"{SLOW - closed} of {SLOW} slow heads kept their connections for {_PATIENCE_S} s")
        asked = [one for one in outcome.history if one.kind == "token" and crowded_from < one.began < over]
        issued = sum(one.outcome == OK for one in asked)
        if issued < SHARE * len(asked):
            outcome.missed.append(f"{issued} of {len(asked)} tokens were issued")
        if set(answers) - {"431", "closed"}:
            outcome.missed.append(f"heads of 1 MB were answered {dict(answers)}")
        return outcome


def _open_idle(stack: ExitStack, node: Node) -> int:
    """Opens connections and says nothing; returns how many were refused."""
    refused = 0
    for _ in range(IDLE):
        try:
            stack.callback(socket.create_connection(node.address, 5).close)
        except OSError:
            refused += 1
    return refused


def _drip(node: Node) -> int:
    """Sends a byte of a head each second on many connections; returns how many of them the server closed in time."""
    with selectors.DefaultSelector() as selector, ExitStack() as stack:
        slow = []
        for _ in range(SLOW):
            with suppress(OSError):
                slow.append(stack.enter_context(socket.create_connection(node.address, 5)))
        for one in slow:
            one.setblocking(False)
            selector.register(one, selectors.EVENT_READ)
            one.send(b"GET / HTTP/1.1\r\nx: ")
        over, closed = time.monotonic() + _PATIENCE_S, SLOW - len(slow)
        while closed < SLOW and time.monotonic() < over:
            for key, _ in selector.select(0):
                selector.unregister(key.fileobj)
                closed += 1
            for key in list(selector.get_map().values()):
                with suppress(OSError):
                    assert isinstance(key.fileobj, socket.socket)
                    key.fileobj.send(b"a")
            time.sleep(1)
        return closed


def _large(node: Node) -> str:
    """Sends a head of a megabyte; returns the status of the answer, or that the connection was closed."""
    head = b"GET / HTTP/1.1\r\nhost: x\r\nx: " + b"a" * (1 << 20) + b"\r\n\r\n"
    with socket.create_connection(node.address, 10) as connection:
        sending = threading.Thread(target=_send, args=(connection, head))
        sending.start()
        try:
            answer = connection.recv(1_024)
        except OSError:
            answer = b""
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        sending.join()
    return answer.split(b" ")[1].decode() if answer else "closed"


def _send(connection: socket.socket, head: bytes) -> None:
    with suppress(OSError):
        connection.sendall(head)


def _resident(node: Node) -> int:
    """Returns how many bytes of memory a server has."""
    status = Path(f"/proc/{node.process_id}/status").read_text()
    return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))

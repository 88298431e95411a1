"""A network of this run's own: a namespace for each machine, joined by a switch; made as root, and always removed.

Everything that still runs in it when it is removed is killed.
"""

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

CLIENT: Final = "client"
_SWITCH: Final = "switch"
_NEW_NETWORK: Final = 0x40000000
_IN_RUN: Final = Path("/run/netns")


class Network:
    """Machines of these names, each with an address; the names of their namespaces begin with this process's number."""

    def __init__(self, machines: Sequence[str]) -> None:
        self._prefix = f"rxfaults{os.getpid()}-"
        self.addresses = {name: f"10.213.7.{number}" for number, name in enumerate((CLIENT, *machines), 1)}
        try:
            self._make()
        except BaseException:
            self.remove()
            raise

    def inside(self, machine: str) -> list[str]:
        """Returns what a command begins with to run on a machine."""
        return ["nsenter", f"--net={self._path(machine)}"]

    def run(self, machine: str, *command: str) -> None:
        """Runs a command on a machine."""
        run(*self.inside(machine), *command)

    def cut(self, machine: str, *, hears: bool = True, speaks: bool = True, other: str | None = None) -> None:
        """Drops what a machine hears and what it says, or one of the two; other: from and to that one alone."""
        address = None if other is None else self.addresses[other]
        rules = ["add table inet faults"]
        for is_cut, chain, direction in ((hears, "input", "saddr"), (speaks, "output", "daddr")):
            if is_cut:
                rules.append(f"add chain inet faults {chain} {{ type filter hook {chain} priority 0 ; }}")
                matching = "" if address is None else f"ip {direction} {address} "
                rules.append(f"add rule inet faults {chain} {matching}drop")
        for rule in rules:
            self.run(machine, "nft", rule)

    def mend(self, machine: str) -> None:
        """Drops nothing of a machine's any more."""
        self.run(machine, "nft", "delete table inet faults")

    @contextmanager
    def entered(self, machine: str = CLIENT) -> Iterator[None]:
        """Has this thread, and those that it starts, be on a machine for the length of a block."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            there = os.open(self._path(machine), os.O_RDONLY)
            try:
                _move_to(there)
                yield
            finally:
                os.close(there)
                _move_to(home)
        finally:
            os.close(home)

    def remove(self) -> None:
        """Kills what runs in the namespaces, and removes them."""
        for path in sorted(_IN_RUN.glob(f"{self._prefix}*")):
            found = subprocess.run(["ip", "netns", "pids", path.name], capture_output=True, text=True, check=False)
            for number in map(int, found.stdout.split()):
                if number != os.getpid():
                    _kill(number)
            subprocess.run(["ip", "netns", "delete", path.name], check=False, capture_output=True)

    def _make(self) -> None:
        self._add(_SWITCH)
        switch = self._prefix + _SWITCH
        run("ip", "-n", switch, "link", "add", "joint", "type", "bridge")
        run("ip", "-n", switch, "link", "set", "joint", "up")
        for name, address in self.addresses.items():
            self._add(name)
            here = self._prefix + name
            run("ip", "-n", switch, "link", "add", name, "type", "veth", "peer", "name", "net0", "netns", here)
            run("ip", "-n", switch, "link", "set", name, "master", "joint", "up")
            run("ip", "-n", here, "address", "add", f"{address}/24", "dev", "net0")
            run("ip", "-n", here, "link", "set", "net0", "up")
            run("ip", "-n", here, "link", "set", "lo", "up")

    def _add(self, name: str) -> None:
        run("ip", "netns", "add", self._prefix + name)

    def _path(self, machine: str) -> str:
        return str(_IN_RUN / (self._prefix + machine))


def run(*command: str) -> None:
    """Runs a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")


def _move_to(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, _NEW_NETWORK):
        raise OSError(ctypes.get_errno(), "cannot enter a network namespace")


def _kill(number: int) -> None:
    try:
        os.kill(number, signal.SIGCONT)
        os.kill(number, signal.SIGKILL)
    except ProcessLookupError:
        return

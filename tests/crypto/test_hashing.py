"""The process of slow hashes: it is started anew when it is gone, and never outlives its server."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rxauth.crypto import passwords
from rxauth.crypto.hashing import HashingEndedError, HashingProcess
from rxauth.crypto.passwords import Cost, Verdict

CHEAP = Cost(8, 1, 1)
PASSWORD = "mauve tin \N{SNOWMAN} \ud800"
SERVER = """
import os, signal
from rxauth.crypto.hashing import HashingProcess
print(HashingProcess().run(os.getpid), flush=True)
signal.pause()
"""


@pytest.fixture
def process() -> Iterator[HashingProcess]:
    """One process, ended after the test."""
    made = HashingProcess()
    yield made
    made.close()


def is_there(process_id: int) -> bool:
    """Tells whether a process runs; one that ended and was not asked about counts as ended."""
    try:
        return ") Z " not in Path(f"/proc/{process_id}/stat").read_text()
    except FileNotFoundError:
        return False


def test_any_password_is_hashed_and_judged_there(process: HashingProcess) -> None:
    stored = process.run(passwords.new_hash, PASSWORD, CHEAP)
    assert process.run(passwords.judge, PASSWORD, stored, CHEAP) == Verdict(is_right=True, replacement=None)
    assert process.run(passwords.judge, "wrong", stored, CHEAP) == Verdict(is_right=False, replacement=None)


def test_a_process_that_was_ended_is_started_again(process: HashingProcess) -> None:
    first = process.run(os.getpid)
    os.kill(first, signal.SIGKILL)
    second = process.run(os.getpid)
    assert second not in {first, os.getpid()}


def test_work_that_ends_every_process_is_an_error(process: HashingProcess) -> None:
    with pytest.raises(HashingEndedError):
        process.run(os._exit, 1)
    assert process.run(os.getpid) != os.getpid()


def test_it_ends_with_a_server_that_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        process_id = int(server.stdout.readline())
        assert is_there(process_id)
        server.kill()
    until = time.monotonic() + 30
    while is_there(process_id) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_there(process_id)

"""Attacks with very large tokens, over raw sockets: what they cost a real server process, and what it keeps of them."""

import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import make_world
from tests.live import Process, process
from tests.world import Template, World

MEGABYTE = 1_000_000
CHUNK = 65_536
NOISE_BYTES = 4 * MEGABYTE  # what a process may take for itself meanwhile
MARK = "QmFkVG9rZW5NYXJr"  # stands in every token of this module, and nowhere else


@pytest.fixture(scope="module")
def module_world(templates: dict[str, Template], tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world("sqlite", templates, tmp_path_factory)


@pytest.fixture(scope="module")
def server(module_world: World) -> Iterator[Process]:
    with process(module_world.settings) as running:
        for _ in range(20):  # so that what a first request costs is not counted
            assert _pour(running, 60_000).startswith(b"HTTP/1.1 401")
        yield running


def _pour(server: Process, size: int, unit: str = MARK) -> bytes:
    """Sends a token of `size` characters until it is whole or the server answers; returns the answer."""
    chunk = (unit * (CHUNK // len(unit) + 1)).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(b"POST /graphql HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ")
        left = size
        try:
            while left and not select.select([connection], [], [], 0)[0]:
                connection.sendall(chunk[:left])
                left -= min(left, len(chunk))
            if not left:
                connection.sendall(b"\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        except (BrokenPipeError, ConnectionResetError):
            pass  # it answered and closed: the answer is read now
        return connection.recv(CHUNK)


def _peak_bytes(server: Process) -> int:
    """Returns the most memory that the process ever held."""
    status = Path(f"/proc/{server.process_id}/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.parametrize("size", [70_000, MEGABYTE, 64 * MEGABYTE])
def test_a_token_larger_than_a_head_may_be_is_refused_before_it_is_whole(server: Process, size: int) -> None:
    before = _peak_bytes(server)

    assert _pour(server, size).startswith(b"HTTP/1.1 431")
    assert _peak_bytes(server) - before < max(size // 4, NOISE_BYTES)


def test_many_large_tokens_leave_nothing_behind(server: Process) -> None:
    before = _peak_bytes(server)
    for _ in range(30):
        assert _pour(server, MEGABYTE).startswith(b"HTTP/1.1 431")
        assert _pour(server, 60_000).startswith(b"HTTP/1.1 401")

    assert _peak_bytes(server) - before < NOISE_BYTES


@pytest.mark.parametrize("size", [8_192, 10_000, 60_000])
@pytest.mark.parametrize("unit", [".", "a.", "..a", "eyJhbGciOiJSUzI1NiJ9.", "A"])
def test_a_token_of_ten_thousand_dots_is_refused(server: Process, unit: str, size: int) -> None:
    before = _peak_bytes(server)

    assert _pour(server, size, unit).startswith(b"HTTP/1.1 401")
    assert _peak_bytes(server) - before < NOISE_BYTES


def test_what_was_sent_as_a_token_is_found_neither_in_the_log_nor_in_the_audit_records(sqlite_world: World) -> None:
    with process(sqlite_world.settings) as server:
        for size in (len(MARK), 5_000, 60_000, MEGABYTE):
            assert _pour(server, size).startswith((b"HTTP/1.1 401", b"HTTP/1.1 431"))
        for header in (f"Basic {MARK}", f"Bearer {MARK} {MARK}", MARK, f"Bearer {MARK}é"):
            assert server.http.post("/graphql", headers={b"authorization": header.encode()}).status_code in {400, 401}
        log = server.stop()
    database = sqlite_world.open()
    entries = database.read(lambda tx: tx.connection.exec_driver_sql("SELECT entry FROM audit_outbox").all())
    database.close()

    assert "serves" in log
    assert MARK not in log
    assert any(b"invalid_token" in entry for (entry,) in entries)
    assert not any(MARK.encode() in entry for (entry,) in entries)

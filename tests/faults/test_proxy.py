"""Where a client of PostgreSQL commits, as the proxy sees it in what the client sends."""

import struct

import pytest

from tests.faults.proxy import Commits

START = struct.pack("!II", 8, 196_608)
ENCRYPTION = struct.pack("!II", 8, 80_877_103)


def message(kind: bytes, *texts: bytes) -> bytes:
    """Returns a message of texts that end in a zero."""
    body = b"".join(text + b"\0" for text in texts)
    return kind + struct.pack("!I", 4 + len(body)) + body


PREPARED = message(b"P", b"s_1", b"COMMIT")
EXECUTED = message(b"B", b"", b"s_1")
SENT = [
    (message(b"Q", b"COMMIT"), True),
    (message(b"Q", b"SELECT 'COMMIT'"), False),
    (message(b"P", b"s_1", b"SELECT 1"), False),
    (EXECUTED, False),
    (PREPARED, False),
    (EXECUTED, True),
    (message(b"B", b"", b"s_2"), False),
    (EXECUTED, True),
    (message(b"P", b"", b"INSERT INTO audit_outbox"), False),
    (message(b"B", b"", b""), True),
    (message(b"Q", b"BEGIN ISOLATION LEVEL READ COMMITTED"), False),
    (message(b"B", b"", b""), False),
    (message(b"Q", b"ROLLBACK"), False),
    (message(b"B", b"", b""), True),
]


@pytest.mark.parametrize("piece", [1, 7, 1_000])
def test_a_commit_is_seen_however_it_is_sent(piece: int) -> None:
    stream = ENCRYPTION + START + b"".join(sent for sent, _ in SENT)
    commits, seen = Commits(), []
    for begin in range(0, len(stream), piece):
        seen += list(commits.split(stream[begin : begin + piece]))

    assert seen == [(ENCRYPTION, False), (START, False), *SENT]

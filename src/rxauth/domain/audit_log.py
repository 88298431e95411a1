"""The audit log: entries that are numbered and chained, and the name under which they belong together.

An entry wraps its record with its number and the name of the log, as canonical JSON (RFC 8785). Each entry's hash
covers the one before it; the entries are also the leaves of a tree whose root the checkpoints sign.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, select

from rxauth.domain.errors import DomainError
from rxauth.storage.database import Transaction
from rxauth.storage.many_rows import insert_rows, packed
from rxauth.storage.tables.audit import audit_entries, audit_log
from rxauth.storage.tenancy import sql

PAGE: Final = 1_000
DAY_US: Final = 86_400_000_000
_GENESIS: Final = b"rxauth-audit-v1\n"

_NAME = sql(select(audit_log.c.name))
_HEAD = sql(select(audit_entries.c.seq, audit_entries.c.hash).order_by(audit_entries.c.seq.desc()).limit(1))
_ADD = insert_rows(audit_entries)
_ENTRIES = sql(
    select(audit_entries.c.seq, audit_entries.c.id, audit_entries.c.entry, audit_entries.c.hash)
    .where(audit_entries.c.seq > bindparam("after"), audit_entries.c.seq <= bindparam("until"))
    .order_by(audit_entries.c.seq)
    .limit(bindparam("most"))
)


class NoAuditLogError(DomainError):
    """Nothing was numbered yet."""

    def __init__(self) -> None:
        super().__init__("there is no audit log yet: start the server once")


@dataclass(frozen=True, slots=True)
class Entry:
    """One link of the chain, as it is stored."""

    seq: int
    id: str
    entry: bytes
    hash: bytes


class Chain:
    """Entries that are about to be added, each bound to the one before it. seq, hash: of the last one."""

    def __init__(self, name: str, seq: int, previous: bytes) -> None:
        self.name = name
        self.seq = seq
        self.hash = previous
        self.rows: list[Mapping[str, Any]] = []

    def add(self, record_id: str, record: bytes) -> None:
        """Gives a record its number and its place."""
        self.seq += 1
        entry = wrap(self.name, self.seq, record_id, record)
        self.hash = chain_hash(self.seq, self.hash, entry)
        self.rows.append({"seq": self.seq, "id": record_id, "entry": entry, "hash": self.hash})


def genesis_hash(name: str) -> bytes:
    """Returns what the first entry's hash covers in place of an entry before it."""
    return sha256(_GENESIS + name.encode()).digest()


def chain_hash(seq: int, previous: bytes, entry: bytes) -> bytes:
    """Returns the hash of an entry."""
    return sha256(b"\x02" + seq.to_bytes(8) + previous + sha256(entry).digest()).digest()


def wrap(name: str, seq: int, record_id: str, record: bytes) -> bytes:
    """Returns the entry of a record: canonical, if the record is."""
    members = {"id": record_id, "log": name, "record": msgspec.Raw(record), "seq": seq}
    return msgspec.json.encode(members, order="sorted")


def name_of(transaction: Transaction) -> str | None:
    """Returns the name of the log; None: there is none yet."""
    row = transaction.first(_NAME)
    return None if row is None else str(row.name)


def head(transaction: Transaction) -> tuple[int, bytes] | None:
    """Returns the number and the hash of the last entry; None: there is none yet."""
    row = transaction.first(_HEAD)
    return None if row is None else (row.seq, row.hash)


def append(transaction: Transaction, rows: Sequence[Mapping[str, Any]]) -> None:
    """Adds entries."""
    if rows:
        transaction.run(_ADD, **packed(audit_entries, rows))


def entries(transaction: Transaction, after: int, until: int) -> Iterator[Entry]:
    """Reads the entries of a range of numbers, a page at a time."""
    while page := transaction.all(_ENTRIES, after=after, until=until, most=PAGE):
        for row in page:
            yield Entry(row.seq, row.id, row.entry, row.hash)
        after = page[-1].seq

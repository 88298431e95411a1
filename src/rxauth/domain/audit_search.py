"""The audit log as one organization reads it: its own entries, newest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, select

from rxauth.domain import audit_index
from rxauth.domain.audit import Event
from rxauth.domain.audit_index import Range
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.paging import Page, first_of
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_entries, audit_outbox
from rxauth.storage.tenancy import sql

SEARCHED: Final = 2_000  # records that one request looks through
READ_AT_ONCE: Final = 100
_EVENTS = frozenset(Event)
_IDS = sql(
    select(audit_outbox.c.id)
    .where(
        audit_outbox.c.organization_id == bindparam("organization_id"),
        audit_outbox.c.id >= bindparam("since"),
        audit_outbox.c.id < bindparam("before"),
    )
    .order_by(audit_outbox.c.id.desc())
    .limit(bindparam("most"))
)
# Asked for each of the few records. As a join PostgreSQL would read the whole log.
_ITS_NUMBER = select(audit_entries.c.seq).where(audit_entries.c.id == audit_outbox.c.id).limit(1).scalar_subquery()
_ENTRIES = sql(
    select(audit_outbox.c.id, _ITS_NUMBER.label("seq"), audit_outbox.c.entry).where(
        audit_outbox.c.id.in_(bindparam("ids", expanding=True))
    )
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: None takes any. Moments: UTC milliseconds; until: the first that is too late."""

    event: str | None = None
    actor_id: str | None = None
    target: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    with_tokens: bool = True

    def takes(self, entry: "Numbered") -> bool:
        """Tells whether an entry is one of them, whenever it was made."""
        if not self.with_tokens and entry.event == Event.TOKEN_ISSUED:
            return False
        return (
            self.event in {None, entry.event}
            and self.target in {None, entry.target}
            and self.actor_id in {None, entry.actor_id}
        )

    @property
    def looks_through(self) -> bool:
        """Whether some of the records that are read for it may not be taken."""
        is_tokens = self.event == Event.TOKEN_ISSUED and self.actor_id is None
        return is_tokens or (self.target is not None and (self.event or self.actor_id) is not None)


@dataclass(frozen=True, slots=True)
class Numbered:
    """An act as the log has it. at_us: UTC microseconds. details: what belongs to this kind of event."""

    id: str
    seq: int
    at_us: int
    event: str
    outcome: str
    actor_kind: str
    actor_id: str | None
    target: str | None
    reason: str | None
    network: str | None
    request_id: str | None
    count: int
    details: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Found:
    """A page of entries. next: where to go on from; None: there are no older ones."""

    entries: tuple[Numbered, ...]
    next: str | None


def search(transaction: Transaction, organization_id: str, wanted: Wanted, page: Page) -> Found:
    """Reads what the organization did and had done to it, and what its people did before they acted for it.

    A search looks through a bounded number of records, so a page may have fewer entries than it could.

    Raises:
        InvalidError: there is no such event.
    """
    if wanted.event is not None and wanted.event not in _EVENTS:
        raise InvalidError("event: there is none of this name", "event")
    most = SEARCHED if wanted.looks_through else page.rows
    since = "" if wanted.since_ms is None else first_of(wanted.since_ms)
    before = page.before if wanted.until_ms is None else min(page.before, first_of(wanted.until_ms))
    ids = _ids(transaction, organization_id, wanted, Range(since, before, most))
    found: list[Numbered] = []
    for start in range(0, len(ids), READ_AT_ONCE):
        for entry in _read(transaction, ids[start : start + READ_AT_ONCE]):
            if wanted.takes(entry):
                found.append(entry)
                if len(found) == page.rows:
                    return Found(tuple(found), entry.id)
    return Found(tuple(found), ids[-1] if len(ids) == most else None)


def find(transaction: Transaction, organization_id: str, entry_id: str) -> Numbered:
    """Returns one entry of the organization's.

    Raises:
        AbsentError: it has none of this identifier.
    """
    for entry in _read(transaction, [entry_id]):
        one = Range(entry_id, f"{entry_id} ", 1)
        wanted = Wanted(event=entry.event, actor_id=entry.actor_id, target=entry.target)
        if entry_id in _ids(transaction, organization_id, wanted, one):
            return entry
    raise AbsentError("there is no such entry", "id")


def _ids(transaction: Transaction, organization_id: str, wanted: Wanted, within: Range) -> Sequence[str]:
    if wanted.target is not None:
        return audit_index.ids(transaction, organization_id, [audit_index.key_of_target(wanted.target)], within)
    keys = audit_index.keys(wanted.event, wanted.actor_id, with_tokens=wanted.with_tokens)
    found = set(audit_index.ids(transaction, organization_id, keys, within))
    if wanted.actor_id is None and wanted.with_tokens and wanted.event in {None, Event.TOKEN_ISSUED}:
        # Most of what an organization has are its tokens, which have no row for being one.
        rows = transaction.all(
            _IDS, organization_id=organization_id, since=within.since, before=within.before, most=within.most
        )
        found.update(row.id for row in rows)
    return sorted(found, reverse=True)[: within.most]


def _read(transaction: Transaction, ids: Sequence[str]) -> list[Numbered]:
    """Reads entries, those that are numbered, in this order."""
    rows = {row.id: row for row in transaction.all(_ENTRIES, ids=list(ids)) if row.seq is not None} if ids else {}
    return [_numbered(rows[one]) for one in ids if one in rows]


def _numbered(row: Any) -> Numbered:
    entry = msgspec.json.decode(row.entry)
    actor = entry.pop("actor")
    del entry["v"], entry["organization_id"]
    known = {name: entry.pop(name) for name in ("at_us", "event", "outcome", "target", "reason")}
    rest = {name: entry.pop(name) for name in ("network", "request_id", "count")}
    return Numbered(
        id=row.id, seq=row.seq, actor_kind=actor["kind"], actor_id=actor["id"], details=entry, **known, **rest
    )

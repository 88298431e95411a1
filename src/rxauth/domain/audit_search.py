"""The audit log as one organization reads it: its own entries, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, select

from rxauth.domain.audit import Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.paging import Page
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_entries, audit_outbox
from rxauth.storage.tenancy import sql

SEARCHED: Final = 2_000  # records that one request looks through
_EVENTS = frozenset(Event)
_OF_ORGANIZATION = sql(
    select(audit_outbox.c.id, audit_entries.c.seq, audit_outbox.c.entry)
    .join(audit_entries, audit_entries.c.id == audit_outbox.c.id)
    .where(audit_outbox.c.organization_id == bindparam("organization_id"), audit_outbox.c.id < bindparam("before"))
    .order_by(audit_outbox.c.id.desc())
    .limit(bindparam("most"))
)


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


def search(transaction: Transaction, organization_id: str, event: str | None, target: str | None, page: Page) -> Found:
    """Reads what the organization did and had done to it; event, target: None takes any.

    A search looks through a bounded number of records, so a page may have fewer entries than it could.

    Raises:
        InvalidError: there is no such event.
    """
    if event is not None and event not in _EVENTS:
        raise InvalidError("event: there is none of this name")
    most = page.rows if event is None and target is None else SEARCHED
    rows = transaction.all(_OF_ORGANIZATION, organization_id=organization_id, before=page.before, most=most)
    found: list[Numbered] = []
    for looked, row in enumerate(rows, 1):
        entry = _numbered(row)
        if event in {None, entry.event} and target in {None, entry.target}:
            found.append(entry)
        if len(found) == page.rows or looked == most:
            return Found(tuple(found), row.id)
    return Found(tuple(found), None)


def _numbered(row: Any) -> Numbered:
    entry = msgspec.json.decode(row.entry)
    actor = entry.pop("actor")
    del entry["v"], entry["organization_id"]
    known = {name: entry.pop(name) for name in ("at_us", "event", "outcome", "target", "reason")}
    rest = {name: entry.pop(name) for name in ("network", "request_id", "count")}
    return Numbered(
        id=row.id, seq=row.seq, actor_kind=actor["kind"], actor_id=actor["id"], details=entry, **known, **rest
    )

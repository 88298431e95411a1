"""The audit log of the caller's organization."""

from collections.abc import Sequence
from typing import NamedTuple

from rxauth.api.context import Info
from rxauth.domain import audit_search
from rxauth.domain.audit_search import Found, Numbered
from rxauth.domain.paging import page


class Detail(NamedTuple):
    """What belongs to one kind of event."""

    name: str
    value: str


def search(
    _root: None,
    info: Info,
    event: str | None = None,
    target: str | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Found:
    """Query.auditEntries: newest first, of one event or about one target."""
    context = info.context
    wanted = page(after, first)
    return context.read(lambda tx: audit_search.search(tx, context.organization_id, event, target, wanted))


def at_ms(entry: Numbered, _info: Info) -> int:
    """AuditEntry.at."""
    return entry.at_us // 1_000


def details(entry: Numbered, _info: Info) -> Sequence[Detail]:
    """AuditEntry.details: sorted by name."""
    return [Detail(name, str(value)) for name, value in sorted(entry.details.items())]

"""By what entries of the audit log are found again: added in the transaction that numbers them.

A token is found by its own identifier and by its client. There are many, so it has no other row; and lists without
tokens are read from rows that have none.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Text, bindparam, insert, literal_column, select

from rxauth.domain.audit import Event
from rxauth.domain.audit_owners import Owned, Record
from rxauth.storage.database import Transaction
from rxauth.storage.sequencing import rows_of_texts, text_at
from rxauth.storage.tables.audit import audit_index as table
from rxauth.storage.tenancy import sql

_ACTS: Final = "acts"  # everything but tokens
_ROWS = rows_of_texts(bindparam("rows", type_=Text)).table_valued("value")
_ADD = sql(
    insert(table).from_select(
        [one.name for one in table.c], select(*(text_at(_ROWS.c.value, literal_column(place)) for place in "012"))
    ),
    across_tenants="records are numbered in one order, whosever they are",
)
_IDS = sql(
    select(table.c.id)
    .where(
        table.c.organization_id == bindparam("organization_id"),
        table.c.key == bindparam("key"),
        table.c.id >= bindparam("since"),
        table.c.id < bindparam("before"),
    )
    .order_by(table.c.id.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Range:
    """At most `most` identifiers, from `since` on and below `before`."""

    since: str
    before: str
    most: int


def add(transaction: Transaction, records: Iterable[Owned]) -> None:
    """Adds what records are found by that are being numbered."""
    rows = [
        (organization_id, key, one.id)
        for one in records
        for organization_id in one.organization_ids
        for key in _keys_of(one.record)
    ]
    if rows:
        # In the order in which they lie: rows under one key are written one after the other.
        transaction.run(_ADD, rows=msgspec.json.encode(sorted(rows)).decode())


def keys(event: str | None, actor_id: str | None, *, with_tokens: bool = True) -> Sequence[str]:
    """Returns the keys under which everything is that an actor did, of an event; None: whoever, whatever.

    Tokens of whoever it was are under none of them: they are the bulk of an organization's records.
    """
    if event is not None:
        return (_of_event(event),) if actor_id is None else (_of_actor(actor_id, event),)
    if actor_id is None:
        return (_ACTS,)
    tokens = (_of_actor(actor_id, Event.TOKEN_ISSUED),) if with_tokens else ()
    return (_of_actor(actor_id), *tokens)


def key_of_target(target: str) -> str:
    """Returns the key under which everything is that was done to something."""
    return f"target {target}"


def ids(transaction: Transaction, organization_id: str, among: Iterable[str], within: Range) -> list[str]:
    """Lists the identifiers under some keys, newest first."""
    found = {
        row.id
        for key in among
        for row in transaction.all(
            _IDS, organization_id=organization_id, key=key, since=within.since, before=within.before, most=within.most
        )
    }
    return sorted(found, reverse=True)[: within.most]


def _keys_of(record: Record) -> Iterator[str]:
    actor_id, is_token = record.actor.id, record.event == Event.TOKEN_ISSUED
    if not is_token:
        yield _of_event(record.event)
    if actor_id is not None:
        yield _of_actor(actor_id, record.event)
    if record.target is not None:
        yield key_of_target(record.target)
    if not is_token:
        yield _ACTS
        if actor_id is not None:
            yield _of_actor(actor_id)


def _of_event(event: str) -> str:
    return f"event {event}"


def _of_actor(actor_id: str, event: str = "") -> str:
    return f"actor {actor_id} {event}".rstrip()

"""Tallies: how often what was done in an organization, by hour, client and secret.

They are counted in the transaction that numbers the records, so they are as exact as the audit log, and whoever acts
waits for nothing. There is one sequencer at a time, so nobody else changes a row meanwhile.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from sqlalchemy import bindparam, case, func, select
from sqlalchemy.dialects.postgresql import insert

from rxauth.domain.audit import Event
from rxauth.domain.audit_owners import Owned
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import client_secrets
from rxauth.storage.tables.tallies import tallies as table
from rxauth.storage.tenancy import sql

HOUR_S: Final = 3_600
DAY_HOURS: Final = 24
_HOUR_US: Final = HOUR_S * 1_000_000
_Key = tuple[str, str, int, str, str]

# SQLite has taken this form of PostgreSQL's as its own.
_NEW = insert(table).values({column.name: bindparam(column.name) for column in table.c})
_COUNT = sql(
    _NEW.on_conflict_do_update(
        index_elements=[column.name for column in table.primary_key],
        set_={
            "count": table.c.count + _NEW.excluded.count,
            "last_at": case((_NEW.excluded.last_at > table.c.last_at, _NEW.excluded.last_at), else_=table.c.last_at),
        },
    )
)
_OF_SECRET = (
    table.c.organization_id == bindparam("organization_id"),
    table.c.organization_id == client_secrets.c.organization_id,
    table.c.secret_id == client_secrets.c.id,
)
_LAST_USED = sql(
    select(
        client_secrets.c.id,
        select(table.c.last_at).where(*_OF_SECRET).order_by(table.c.hour.desc()).limit(1).scalar_subquery().label("at"),
        select(func.coalesce(func.sum(table.c.count), 0))
        .where(*_OF_SECRET, table.c.hour >= bindparam("since_hour"))
        .scalar_subquery()
        .label("recently"),
    ).where(
        client_secrets.c.organization_id == bindparam("organization_id"),
        client_secrets.c.id.in_(bindparam("secret_ids", expanding=True)),
    )
)
_BUCKET = (table.c.hour // bindparam("hours")).label("bucket")
_SERIES = (
    select(table.c.event, _BUCKET, func.sum(table.c.count).label("count"))
    .where(
        table.c.organization_id == bindparam("organization_id"),
        table.c.event.in_(bindparam("events", expanding=True)),
        table.c.hour >= bindparam("since_hour"),
        table.c.hour < bindparam("until_hour"),
    )
    .group_by(table.c.event, "bucket")
)
_OF_CLIENTS = sql(
    _SERIES.add_columns(table.c.client_id)
    .where(table.c.client_id.in_(bindparam("client_ids", expanding=True)))
    .group_by(table.c.client_id)
)
_OF_ALL = sql(_SERIES)
_OF_CLIENT = sql(_SERIES.where(table.c.client_id == bindparam("client_id")))


class Step(IntEnum):
    """How long the times of a series are, in hours; a day is one of UTC."""

    HOUR = 1
    DAY = DAY_HOURS


@dataclass(frozen=True, slots=True)
class Use:
    """How a secret is used. last_at: when a token was last issued with it, UTC seconds.

    recently: how many were issued in the last 24 hours; hours are counted whole, so up to one hour more is in it.
    """

    last_at: int
    recently: int


def add(transaction: Transaction, records: Iterable[Owned]) -> None:
    """Counts records that are being numbered."""
    counted: dict[_Key, tuple[int, int]] = {}
    for one in records:
        record = one.record
        client_id = (record.actor.id or "") if record.actor.kind == "client" else ""
        secret_id = record.secret_id if record.event == Event.TOKEN_ISSUED else ""
        for organization_id in one.organization_ids:
            key = (organization_id, record.event, record.at_us // _HOUR_US, client_id, secret_id)
            count, last_at = counted.get(key, (0, 0))
            counted[key] = count + record.count, max(last_at, record.at_us // 1_000_000)
    names = [column.name for column in table.c]
    # In order of their keys: the rows of an organization are written where they lie, one after the other.
    transaction.run_many(_COUNT, [dict(zip(names, (*key, *counted[key]), strict=True)) for key in sorted(counted)])


def last_used(transaction: Transaction, organization_id: str, secret_ids: Sequence[str], now: int) -> Mapping[str, Use]:
    """Tells when secrets of an organization's clients were last used; one that never was is not in it.

    Numbering takes up to a second, so what was issued within the last one may be missing. now: UTC seconds.
    """
    since_hour = now // HOUR_S - DAY_HOURS
    rows = transaction.all(
        _LAST_USED, organization_id=organization_id, secret_ids=list(secret_ids), since_hour=since_hour
    )
    return {row.id: Use(row.at, int(row.recently)) for row in rows if row.at is not None}


def series(
    transaction: Transaction,
    organization_id: str,
    events: Iterable[Event],
    *,
    client_id: str | None,
    since_hour: int,
    until_hour: int,
    step: Step = Step.HOUR,
) -> Mapping[Event, Sequence[int]]:
    """Counts events from one hour since 1970 until before another, an hour or a day of UTC at a time.

    client_id None: of everybody. The first and the last day may be parts of one; every time has its number, 0 too.
    """
    wanted, values = tuple(events), {} if client_id is None else {"client_id": client_id}
    first = since_hour // step
    counts = {event: [0] * max(0, (until_hour - 1) // step - first + 1) for event in wanted}
    rows = transaction.all(
        _OF_ALL if client_id is None else _OF_CLIENT,
        organization_id=organization_id,
        events=list(wanted),
        since_hour=since_hour,
        until_hour=until_hour,
        hours=int(step),
        **values,
    )
    for row in rows:
        counts[Event(row.event)][row.bucket - first] = int(row.count)
    return counts


def of_clients(
    transaction: Transaction,
    organization_id: str,
    events: Iterable[Event],
    client_ids: Sequence[str],
    *,
    since_hour: int,
    until_hour: int,
    step: Step,
) -> Mapping[str, Mapping[Event, Sequence[int]]]:
    """Counts events as `series` does, for each of some clients."""
    wanted, first = tuple(events), since_hour // step
    times = max(0, (until_hour - 1) // step - first + 1)
    counts = {client_id: {event: [0] * times for event in wanted} for client_id in client_ids}
    rows = transaction.all(
        _OF_CLIENTS,
        organization_id=organization_id,
        events=list(wanted),
        client_ids=list(client_ids),
        since_hour=since_hour,
        until_hour=until_hour,
        hours=int(step),
    )
    for row in rows:
        counts[row.client_id][Event(row.event)][row.bucket - first] = int(row.count)
    return counts

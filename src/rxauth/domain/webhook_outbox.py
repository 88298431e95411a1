"""The outbox of webhooks: an event is written with the act that it tells of, and a delivery for each who wants it."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import bindparam, insert

from rxauth.domain import webhooks
from rxauth.domain.leases import WAITING
from rxauth.domain.webhooks import Listener
from rxauth.ids import Kind, new_id, new_ulid
from rxauth.storage.database import Transaction
from rxauth.storage.tables.webhooks import webhook_deliveries, webhook_events
from rxauth.storage.tenancy import insert_row, sql

_INSERT_EVENT = insert_row(webhook_events)
_INSERT_DELIVERY = sql(
    insert(webhook_deliveries).values(
        {column.name: bindparam(column.name) for column in webhook_deliveries.c if column.name != "number"}
    )
)
Make = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Happening:
    """What happened, to what, and when (UTC milliseconds). event: one of `webhooks.EVENTS`."""

    event: str
    subject: str
    at_ms: int


def emit(
    transaction: Transaction,
    organization_id: str,
    happened: Happening,
    data: Make,
    listeners: Sequence[Listener] | None = None,
) -> None:
    """Tells an organization's webhooks of an event, once the transaction is committed; see `emit_all`."""
    emit_all(transaction, organization_id, [(happened, data)], listeners)


def emit_all(
    transaction: Transaction,
    organization_id: str,
    happenings: Sequence[tuple[Happening, Make]],
    listeners: Sequence[Listener] | None = None,
) -> None:
    """Tells an organization's webhooks of events, once the transaction is committed; many cost no more than one.

    The transaction has locked the rows of the subjects: so the events of each stay in order. Beside each event stands
    what makes its own part, and is asked only if somebody wants the event. listeners: the webhooks, if this transaction
    read them already.
    """
    if not happenings:
        return
    known = webhooks.listeners(transaction, organization_id) if listeners is None else listeners
    events, deliveries = [], []
    for happened, data in happenings:
        wanting = [one.id for one in known if one.wants(happened.event)]
        if wanting:
            event_id = new_ulid(happened.at_ms)
            body = _body(event_id, organization_id, happened, data())
            events.append(_event(event_id, organization_id, happened, body))
            deliveries += [_delivery(one, event_id, organization_id, happened) for one in wanting]
    transaction.run_many(_INSERT_EVENT, events)
    transaction.run_many(_INSERT_DELIVERY, deliveries)


def send(
    transaction: Transaction, organization_id: str, webhook_id: str, happened: Happening, data: Mapping[str, Any]
) -> str:
    """Tells one webhook of something, whatever it wants to hear of; returns the delivery's identifier."""
    event_id = new_ulid(happened.at_ms)
    body = _body(event_id, organization_id, happened, data)
    delivery = _delivery(webhook_id, event_id, organization_id, happened)
    transaction.run(_INSERT_EVENT, **_event(event_id, organization_id, happened, body))
    transaction.run(_INSERT_DELIVERY, **delivery)
    return str(delivery["id"])


def _event(event_id: str, organization_id: str, happened: Happening, body: bytes) -> dict[str, Any]:
    return {
        "id": event_id,
        "organization_id": organization_id,
        "type": happened.event,
        "subject": happened.subject,
        "body": body,
        "created_at": happened.at_ms // 1_000,
    }


def _delivery(webhook_id: str, event_id: str, organization_id: str, happened: Happening) -> dict[str, Any]:
    now = happened.at_ms // 1_000
    return {
        "id": new_id(Kind.DELIVERY, happened.at_ms),
        "webhook_id": webhook_id,
        "organization_id": organization_id,
        "event_id": event_id,
        "subject": happened.subject,
        "state": WAITING,
        "attempts": 0,
        "failures": 0,
        "began_at": now,
        "next_attempt_at": now,
        "outcome": None,
        "settled_at": None,
    }


def named(record_id: str, external_id: str | None) -> dict[str, str]:
    """Returns how an event names a record; without an externalId it has none."""
    return {"id": record_id} if external_id is None else {"id": record_id, "externalId": external_id}


def written_time(at_ms: int) -> str:
    """Returns a moment as events write it: ISO 8601, with milliseconds and Z."""
    seconds, milliseconds = divmod(at_ms, 1_000)
    at = datetime.datetime.fromtimestamp(seconds, datetime.UTC).replace(microsecond=milliseconds * 1_000)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _body(event_id: str, organization_id: str, happened: Happening, data: Mapping[str, Any]) -> bytes:
    """Returns a CloudEvent 1.0, in the bytes of JSON.stringify: published verifiers write it anew to check it."""
    return msgspec.json.encode(
        {
            "id": event_id,
            "type": happened.event,
            "specversion": "1.0",
            "datacontenttype": "application/json",
            "time": written_time(happened.at_ms),
            "subject": happened.subject,
            "source": f"org:{organization_id}",
            "data": data,
        }
    )

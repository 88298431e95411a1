"""Webhooks: where an organization wants to hear of its events, and the secret with which it knows who speaks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from rxauth.crypto import sealing, secrets
from rxauth.domain import webhook_deliveries
from rxauth.domain.destinations import Network, require_destination
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.names import require_text
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.webhooks import webhooks as table
from rxauth.storage.tenancy import insert_row, sql

ORDER_EVENTS: Final = tuple(
    f"photon:order:{what}"
    for what in ("created", "placed", "fulfillment", "rerouted", "completed", "error", "canceled")
)
PRESCRIPTION_EVENTS: Final = tuple(
    f"photon:prescription:{what}" for what in ("created", "depleted", "expired", "active", "canceled")
)
SECRET_EVENTS: Final = ("rxauth:secret:expiring",)
EVENTS: Final = (*ORDER_EVENTS, *PRESCRIPTION_EVENTS, *SECRET_EVENTS)
OVERLAP_S: Final = 86_400
OVERLAP_LIMIT_S: Final = 30 * 86_400
WEBHOOKS_LIMIT: Final = 20  # of one organization
SECRET_LIMIT_CHARACTERS: Final = 256
SECRET_PREFIX: Final = "rxw_"  # noqa: S105

_INSERT = insert_row(table)
_COLUMNS: Final = (table.c.id, table.c.name, table.c.url, table.c.filters, table.c.created_at, table.c.previous_until)
_MINE = (table.c.organization_id == bindparam("organization_id"), table.c.deleted_at.is_(None))
_LISTENERS = sql(select(table.c.id, table.c.filters).where(*_MINE).order_by(table.c.id))
_ALL = sql(select(*_COLUMNS).where(*_MINE).order_by(table.c.id))
_ONE = sql(select(*_COLUMNS).where(*_MINE, table.c.id == bindparam("id")))
_LOCKED = sql(select(*_COLUMNS, table.c.sealed_secret).where(*_MINE, table.c.id == bindparam("id")).with_for_update())
_OWNER = (
    table.c.organization_id == bindparam("the_organization_id"),
    table.c.id == bindparam("the_id"),
    table.c.deleted_at.is_(None),
)
_CHANGE = sql(
    update(table)
    .where(*_OWNER)
    .values(name=bindparam("name"), url=bindparam("url"), filters=bindparam("filters", type_=table.c.filters.type))
)
_ROTATE = sql(
    update(table)
    .where(*_OWNER)
    .values(
        sealed_secret=bindparam("sealed_secret"),
        sealed_previous=bindparam("sealed_previous"),
        previous_until=bindparam("previous_until"),
    )
)
# Its secrets are forgotten; the row stays, for the log of its deliveries.
_DELETE = sql(
    update(table).where(*_OWNER).values(deleted_at=bindparam("moment"), sealed_secret=b"", sealed_previous=None)
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where an organization hears of its events. filters: the types it wants; None: all. Times: UTC seconds.

    previous_until: until when the secret before is good too; None: there was none. shared_secret: in the answer that
    made it; None: it is not shown any more.
    """

    id: str
    name: str | None = field(repr=False)
    url: str = field(repr=False)
    filters: tuple[str, ...] | None
    created_at: int
    previous_until: int | None = None
    shared_secret: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Listener:
    """A webhook, as far as events ask who wants them. filters: as a webhook has them."""

    id: str
    filters: tuple[str, ...] | None

    def wants(self, event: str) -> bool:
        """Tells whether it hears of a type of events."""
        return self.filters is None or event in self.filters


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks a webhook to be. filters None or empty: all events. secret "": nothing proves who speaks."""

    url: str = field(repr=False)
    name: str | None = field(default=None, repr=False)
    filters: tuple[str, ...] | None = None
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Keeper:
    """How webhooks are kept. networks: the private ones that may be called."""

    sealing_key: bytes = field(repr=False)
    networks: tuple[Network, ...] = ()

    def create(self, transaction: Transaction, organization_id: str, wanted: Wanted, now: int) -> Webhook:
        """Adds a webhook; it hears of what happens from now on.

        Raises:
            InvalidError: the URL, a filter, the name or the secret is not acceptable, or there are too many.
        """
        _check(wanted, self.networks)
        if len(all_of(transaction, organization_id)) >= WEBHOOKS_LIMIT:
            raise InvalidError(f"an organization has at most {WEBHOOKS_LIMIT} webhooks: delete one")
        webhook_id = new_id(Kind.WEBHOOK, now * 1000)
        made = Webhook(webhook_id, wanted.name, wanted.url, _kept(wanted.filters), now)
        transaction.run(
            _INSERT,
            id=webhook_id,
            organization_id=organization_id,
            name=made.name,
            url=made.url,
            filters=made.filters,
            sealed_secret=sealing.seal(wanted.secret.encode(), self.sealing_key, purpose(webhook_id)),
            sealed_previous=None,
            previous_until=None,
            created_at=now,
            deleted_at=None,
        )
        return made

    def change(
        self,
        transaction: Transaction,
        organization_id: str,
        webhook_id: str,
        now: int,
        *,
        overlap_s: int = OVERLAP_S,
        **changes: Any,
    ) -> Webhook:
        """Changes what is named of `url`, `name`, `filters` and `secret`.

        After a new secret the one before is still good for `overlap_s`: a receiver that refuses the one signature gets
        the other.

        Raises:
            AbsentError: the organization has no such webhook. InvalidError: as for `create`.
        """
        owner = {"the_organization_id": organization_id, "the_id": webhook_id}
        row = transaction.first(_LOCKED, organization_id=organization_id, id=webhook_id)
        if row is None:
            raise AbsentError("there is no such webhook", "id")
        before = _webhook(row)
        wanted = Wanted(**{"url": before.url, "name": before.name, "filters": before.filters, **changes})
        _check(wanted, self.networks)
        after = replace(before, name=wanted.name, url=wanted.url, filters=_kept(wanted.filters))
        transaction.run(_CHANGE, **owner, name=after.name, url=after.url, filters=after.filters)
        if "secret" not in changes:
            return after
        if not 0 <= overlap_s <= OVERLAP_LIMIT_S:
            raise InvalidError(f"overlapHours is 0 to {OVERLAP_LIMIT_S // 3_600} (30 days)", "overlapHours")
        sealed = sealing.seal(wanted.secret.encode(), self.sealing_key, purpose(webhook_id))
        until = now + overlap_s
        previous = {"sealed_previous": row.sealed_secret, "previous_until": until}
        transaction.run(_ROTATE, **owner, sealed_secret=sealed, **previous)
        return replace(after, previous_until=until)


def delete(transaction: Transaction, organization_id: str, webhook_id: str, now: int) -> None:
    """Ends a webhook at once; what it was still to hear is given up.

    Raises:
        AbsentError: the organization has no such webhook.
    """
    owner = {"the_organization_id": organization_id, "the_id": webhook_id}
    if not transaction.run(_DELETE, **owner, moment=now):
        raise AbsentError("there is no such webhook", "id")
    webhook_deliveries.give_up(transaction, organization_id, webhook_id, now)


def all_of(transaction: Transaction, organization_id: str) -> list[Webhook]:
    """Lists an organization's webhooks, oldest first."""
    return [_webhook(row) for row in transaction.all(_ALL, organization_id=organization_id)]


def find(transaction: Transaction, organization_id: str, webhook_id: str) -> Webhook | None:
    """Returns a webhook of the organization, or None."""
    row = transaction.first(_ONE, organization_id=organization_id, id=webhook_id)
    return None if row is None else _webhook(row)


def require(transaction: Transaction, organization_id: str, webhook_id: str, named: str = "id") -> Webhook:
    """Returns a webhook of the organization; named: the argument that names it.

    Raises:
        AbsentError: it has no such webhook.
    """
    found = find(transaction, organization_id, webhook_id)
    if found is None:
        raise AbsentError("there is no such webhook", named)
    return found


def new_secret() -> str:
    """Returns a secret with which a receiver knows who speaks: a prefix for leak scanners, and 256 random bits."""
    return f"{SECRET_PREFIX}{secrets.new_handle()}"


def listeners(transaction: Transaction, organization_id: str) -> tuple[Listener, ...]:
    """Returns who hears of an organization's events."""
    return tuple(listener(*row) for row in transaction.all(_LISTENERS, organization_id=organization_id))


def listener(webhook_id: str, filters: Sequence[str] | None) -> Listener:
    """Reads a listener from the columns of a webhook."""
    return Listener(webhook_id, None if filters is None else tuple(filters))


def purpose(webhook_id: str) -> str:
    """Returns what the secrets of a webhook are sealed for."""
    return f"the secret of {webhook_id}"


def _check(wanted: Wanted, networks: Sequence[Network]) -> None:
    require_destination(wanted.url, networks)
    require_text(wanted.name, "name")
    unknown = [one for one in wanted.filters or () if one not in EVENTS]
    if unknown:
        raise InvalidError(f"filters has an event that there is not; there are {', '.join(EVENTS)}", "filters")
    secret = wanted.secret
    if len(secret) > SECRET_LIMIT_CHARACTERS or not secret.isprintable() or " " in secret:
        raise InvalidError(
            f"sharedSecret has at most {SECRET_LIMIT_CHARACTERS} characters, and no space among them", "sharedSecret"
        )


def _kept(filters: Iterable[str] | None) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(filters or ())) or None


def _webhook(row: Any) -> Webhook:
    filters = None if row.filters is None else tuple(row.filters)
    return Webhook(row.id, row.name, row.url, filters, row.created_at, row.previous_until)

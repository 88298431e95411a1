"""The secrets of the machine client: made by people, shown once, and ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from rxauth.api.context import Context, Info
from rxauth.api.management.callers import actor
from rxauth.domain import audit, called, clients, machine_clients, tallies
from rxauth.domain.audit import Event
from rxauth.domain.client_secrets import Described, Secret
from rxauth.domain.clients import Client
from rxauth.domain.errors import InvalidError
from rxauth.domain.machine_clients import DAY_S
from rxauth.domain.names import Name
from rxauth.domain.paging import page
from rxauth.domain.tallies import Use
from rxauth.storage.database import Transaction

OVERLAP_S: Final = DAY_S
LIFETIME_LIMIT_DAYS: Final = machine_clients.LONGEST_LIFE_S // DAY_S
Details = Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret, of this client; text: only where it was just made."""

    client: Client
    stored: Secret
    text: str | None = field(default=None, repr=False)


def search(client: Client, info: Info, after: str | None = None, first: int | None = None) -> Sequence[Shown]:
    """MachineClient.secrets: newest first."""
    context, found = info.context, machine_clients.page_of(client, page(after, first))
    context.want(tallies.last_used, [one.id for one in found], context.clock.seconds())
    context.want(called.people, [one.created_by for one in found])
    return [Shown(client, one) for one in found]


def find(_root: None, info: Info, id: str) -> Shown | None:  # noqa: A002  # as the contract names what is asked for
    """Query.machineSecret: None for one of somebody else's, as for one that there is not."""
    context = info.context
    client = context.read(lambda tx: machine_clients.find(tx, context.organization_id))
    stored = None if client is None else client.secret(id)
    return None if client is None or stored is None else Shown(client, stored)


def create(
    _root: None,
    info: Info,
    name: str,
    overlap_seconds: int | None = None,
    expires_at: int | None = None,
    lifetime_days: int | None = None,
) -> Shown:
    """Mutation.createMachineSecret.

    Raises:
        AbsentError: there is no machine client. ExistsError: two secrets work already. InvalidError: a value is none.
    """
    context = info.context
    now = context.clock.seconds()
    overlap_s = OVERLAP_S if overlap_seconds is None else overlap_seconds
    described = Described(name.strip(), actor(context.caller).id, end_of(expires_at, lifetime_days, now))

    def work(transaction: Transaction) -> Shown:
        client = machine_clients.lock(transaction, context.organization_id)
        new, stored = machine_clients.make_secret(transaction, client, overlap_s, now, described)
        _record(transaction, context, Event.SECRET_CREATED, new.id)
        return Shown(machine_clients.lock(transaction, context.organization_id), stored, new.text)

    return context.write(work)


def rename(_root: None, info: Info, id: str, name: str) -> Shown:  # noqa: A002  # as the contract names what is acted on
    """Mutation.renameMachineSecret."""
    context = info.context
    now = context.clock.seconds()
    return _change(
        context, id, {"name": 1}, lambda tx, client: machine_clients.rename_secret(tx, client, id, name, now)
    )


def set_expiry(
    _root: None,
    info: Info,
    id: str,  # noqa: A002  # as the contract names what is acted on
    expires_at: int | None = None,
    lifetime_days: int | None = None,
) -> Shown:
    """Mutation.setMachineSecretExpiry."""
    context = info.context
    now = context.clock.seconds()
    end = end_of(expires_at, lifetime_days, now)
    details = {"expires_at": 0 if end is None else end}
    return _change(context, id, details, lambda tx, client: machine_clients.set_expiry(tx, client, id, end, now))


def revoke(_root: None, info: Info, id: str) -> Shown:  # noqa: A002  # as the contract names what is acted on
    """Mutation.revokeMachineSecret: one that is revoked already stays as it is.

    Raises:
        AbsentError: there is no such secret.
    """
    context = info.context

    def work(transaction: Transaction) -> Shown:
        client = machine_clients.lock(transaction, context.organization_id)
        if machine_clients.secret_of(client, id).revoked_at is None:
            clients.revoke_secret(transaction, client.id, id, context.clock.seconds())
            client = machine_clients.lock(transaction, context.organization_id)
            _record(transaction, context, Event.SECRET_REVOKED, id)
        return Shown(client, machine_clients.secret_of(client, id))

    return context.write(work)


def state(shown: Shown, info: Info) -> str:
    """MachineSecret.state: at this moment."""
    if shown.stored.revoked_at is not None:
        return "REVOKED"
    return "WORKS" if shown.stored.is_live(info.context.clock.seconds()) else "EXPIRED"


def created_by_name(shown: Shown, info: Info) -> str | None:
    """MachineSecret.createdByName."""
    name: Name | None = info.context.get(called.people, shown.stored.created_by or "")
    return None if name is None else name.full


def last_used_at(shown: Shown, info: Info) -> int | None:
    """MachineSecret.lastUsedAt."""
    use = _use(shown, info.context)
    return None if use is None else use.last_at * 1_000


def tokens_in_last_day(shown: Shown, info: Info) -> int:
    """MachineSecret.tokensInLastDay."""
    use = _use(shown, info.context)
    return 0 if use is None else use.recently


def _use(shown: Shown, context: Context) -> Use | None:
    use: Use | None = context.get(tallies.last_used, shown.stored.id, context.clock.seconds())
    return use


def _change(
    context: Context, secret_id: str, details: Details, change: Callable[[Transaction, Client], Secret]
) -> Shown:
    def work(transaction: Transaction) -> Shown:
        client = machine_clients.lock(transaction, context.organization_id)
        changed = change(transaction, client)
        _record(transaction, context, Event.SECRET_CHANGED, secret_id, details)
        return Shown(machine_clients.lock(transaction, context.organization_id), changed)

    return context.write(work)


def end_of(expires_at: int | None, lifetime_days: int | None, now: int) -> int | None:
    """Returns when a secret is to end, in UTC seconds, of the two ways to say it; None: not at all.

    Raises:
        InvalidError: both ways, or a time that none has.
    """
    if expires_at is not None and lifetime_days is not None:
        raise InvalidError("either expiresAt or lifetimeDays says when it ends, not both", "lifetimeDays")
    if lifetime_days is not None:
        if not 1 <= lifetime_days <= LIFETIME_LIMIT_DAYS:
            raise InvalidError(f"lifetimeDays is 1 to {LIFETIME_LIMIT_DAYS}", "lifetimeDays")
        return now + lifetime_days * DAY_S
    return None if expires_at is None else expires_at // 1_000


def _record(
    transaction: Transaction, context: Context, event: Event, secret_id: str, details: Details | None = None
) -> None:
    act = audit.Act(event, actor(context.caller), context.organization_id, secret_id, details=details or {})
    audit.record(transaction, act, context.clock.microseconds())

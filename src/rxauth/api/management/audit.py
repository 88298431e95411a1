"""The audit log of the caller's organization, and how it was last verified."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rxauth.api.context import Info
from rxauth.domain import audit_names, audit_search, audit_state
from rxauth.domain.audit_names import Actor
from rxauth.domain.audit_search import Found, Numbered, Wanted
from rxauth.domain.audit_state import Checkpoint, State
from rxauth.domain.paging import page


class Detail(NamedTuple):
    """What belongs to one kind of event."""

    name: str
    value: str


def search(
    _root: None,
    info: Info,
    *,
    event: str | None = None,
    target: str | None = None,
    actor_id: str | None = None,
    since: int | None = None,
    until: int | None = None,
    without_tokens: bool | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Found:
    """Query.auditEntries: newest first; None takes any."""
    context, wanted_page = info.context, page(after, first)
    wanted = Wanted(event, actor_id, target, since, until, with_tokens=not without_tokens)
    found = context.read(lambda tx: audit_search.search(tx, context.organization_id, wanted, wanted_page))
    _want_names(info, found.entries)
    return found


def find(_root: None, info: Info, id: str) -> Numbered:  # noqa: A002  # the contract's name
    """Query.auditEntry.

    Raises:
        AbsentError: the organization's log has no such entry.
    """
    context = info.context
    found = context.read(lambda tx: audit_search.find(tx, context.organization_id, id))
    _want_names(info, [found])
    return found


def find_actor(_root: None, info: Info, id: str) -> Actor:  # noqa: A002  # the contract's name
    """Query.auditActor.

    Raises:
        AbsentError: nobody of this identifier ever was in the organization.
    """
    context = info.context
    return context.read(lambda tx: audit_names.find_actor(tx, context.organization_id, id))


def verification(_root: None, info: Info) -> State:
    """Query.auditVerification."""
    return info.context.read(audit_state.read)


def at_ms(entry: Numbered | Checkpoint, _info: Info) -> int:
    """AuditEntry.at, AuditCheckpoint.at."""
    return entry.at_us // 1_000


def actor_name(entry: Numbered, info: Info) -> str | None:
    """AuditEntry.actorName."""
    return _name(info, entry.actor_id)


def target_name(entry: Numbered, info: Info) -> str | None:
    """AuditEntry.targetName."""
    return _name(info, entry.target)


def details(entry: Numbered, _info: Info) -> Sequence[Detail]:
    """AuditEntry.details: sorted by name."""
    return [Detail(name, str(value)) for name, value in sorted(entry.details.items())]


def verified_at(state: State, _info: Info) -> int | None:
    """AuditVerification.verifiedAt."""
    return None if state.verified is None else state.verified.at_us // 1_000


def verified(attribute: str) -> Callable[[State, Info], Any]:
    """Returns a resolver of what the last verification says; null: there was none."""
    return lambda state, _info: None if state.verified is None else getattr(state.verified, attribute)


def _want_names(info: Info, entries: Sequence[Numbered]) -> None:
    info.context.want(audit_names.of, [one for entry in entries for one in (entry.actor_id, entry.target)])


def _name(info: Info, identifier: str | None) -> str | None:
    return None if identifier is None else info.context.get(audit_names.of, identifier)

"""What is told of providers in order of time: what was done about them, and what of theirs ends soon."""

from collections.abc import Sequence

from rxauth.api.context import Info
from rxauth.api.management.provider_people import name_of
from rxauth.domain import called, provider_expirations, provider_history
from rxauth.domain.errors import InvalidError
from rxauth.domain.paging import page
from rxauth.domain.provider_acts import Reason
from rxauth.domain.provider_expirations import DAYS, Expiration, Window
from rxauth.domain.provider_history import FROM_THE_LAST, Done
from rxauth.domain.provider_lists import Candidate
from rxauth.policy.licences import LicenceStatus

_DAYS = 90
_DAY_S = 86_400


def history(
    _root: None, info: Info, user_id: str, after: int | None = None, first: int | None = None
) -> Sequence[Done]:
    """Query.providerHistory."""
    context = info.context
    rows, before = page(None, first).rows, FROM_THE_LAST if after is None else after
    found = context.read(lambda tx: provider_history.of_provider(tx, context.organization_id, user_id, rows, before))
    context.want(called.people, (one.actor_id for one in found if one.actor_kind == "person"))
    context.want(called.apps, (one.actor_id for one in found if one.actor_kind == "client"))
    return found


def expirations(
    _root: None,
    info: Info,
    within_days: int | None = None,
    ended_days: int | None = None,
    after: str | None = None,
    first: int | None = None,
) -> Sequence[Expiration]:
    """Query.providerExpirations."""
    context, now = info.context, info.context.clock.seconds()
    days = _DAYS if within_days is None else within_days
    if days not in DAYS:
        raise InvalidError(f"withinDays is {DAYS.start} to {DAYS.stop - 1}", "withinDays")
    ended = ended_days or 0
    if ended != 0 and ended not in DAYS:
        raise InvalidError(f"endedDays is 0 to {DAYS.stop - 1}", "endedDays")
    window, rows = Window(now - ended * _DAY_S, now + days * _DAY_S), page(None, first).rows
    found = context.read(lambda tx: provider_expirations.search(tx, context.organization_id, window, rows, after))
    context.want(called.people, (one.user_id for one in found))
    return found


def actor_name(source: Done, info: Info) -> str | None:
    """AuthorityHistoryEntry.actorName."""
    if source.actor_kind == "client":
        found: str | None = info.context.get(called.apps, source.actor_id)
        return found
    return name_of(info.context, source.actor_id)


def event(source: Done, _info: Info) -> str:
    """AuthorityHistoryEntry.event."""
    return source.event.partition(".")[2].upper()


def reason(source: Done, _info: Info) -> str | None:
    """AuthorityHistoryEntry.reason."""
    return None if source.reason is None else Reason(source.reason).name


def licence_status(source: Done, _info: Info) -> str | None:
    """AuthorityHistoryEntry.licenceStatus."""
    return None if source.licence_status is None else LicenceStatus(source.licence_status).name


def candidate_state(source: Candidate, _info: Info) -> str | None:
    """ProviderCandidate.state."""
    return None if source.state is None else source.state.name


def expiring_name(source: Expiration, info: Info) -> str:
    """ProviderExpiration.name."""
    return name_of(info.context, source.user_id) or ""


def has_ended(source: Expiration, info: Info) -> bool:
    """ProviderExpiration.hasEnded."""
    return source.ends_at <= info.context.clock.seconds()

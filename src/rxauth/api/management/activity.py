"""What was done over time in the caller's organization, as numbers for a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from rxauth.api.context import Info
from rxauth.api.errors import ForbiddenError
from rxauth.domain import delivery_series, tallies
from rxauth.domain.audit import Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.leases import DEAD
from rxauth.domain.tallies import HOUR_S, Step
from rxauth.domain.webhook_deliveries import DELIVERED
from rxauth.policy import decide

LIMIT_TIMES: Final = 1_000
OF_CLIENTS: Final = frozenset({Event.TOKEN_ISSUED, Event.TOKEN_REFUSED})
_HOUR_MS: Final = HOUR_S * 1_000


@dataclass(frozen=True, slots=True)
class Counted:
    """One time of a series. at: when it begins, UTC milliseconds."""

    at: int
    count: int


@dataclass(frozen=True, slots=True)
class Delivered:
    """One time of a series of deliveries."""

    at: int
    delivered: int
    dead: int


class Span(NamedTuple):
    """The hours that a series is of."""

    since_hour: int
    until_hour: int
    step: Step

    def begins(self) -> list[int]:
        """Returns when each of its times begins, in UTC milliseconds."""
        steps = range(self.since_hour // self.step, (self.until_hour - 1) // self.step + 1)
        return [one * self.step * _HOUR_MS for one in steps]


def of_event(
    _root: None,
    info: Info,
    *,
    event: str,
    since: int,
    until: int,
    client_id: str | None = None,
    step: str | None = None,
) -> Sequence[Counted]:
    """Query.activitySeries.

    Raises:
        InvalidError: there is no such event, or too many times. ForbiddenError: the event is none of a client's tokens.
    """
    context = info.context
    if event not in OF_CLIENTS:
        insufficient = decide.require(context.caller, ("read:audit",), context.clock.seconds())
        if insufficient is not None:
            raise ForbiddenError(insufficient)
    try:
        wanted = Event(event)
    except ValueError:
        raise InvalidError("event: there is none of this name", "event") from None
    span = _span(since, until, step)
    counts = context.read(
        lambda tx: tallies.series(tx, context.organization_id, [wanted], client_id=client_id, **span._asdict())
    )
    return [Counted(*one) for one in zip(span.begins(), counts[wanted], strict=True)]


def of_deliveries(
    _root: None, info: Info, *, since: int, until: int, webhook_id: str | None = None, step: str | None = None
) -> Sequence[Delivered]:
    """Query.webhookDeliverySeries.

    Raises:
        InvalidError: too many times.
    """
    context, span = info.context, _span(since, until, step)
    counts = context.read(lambda tx: delivery_series.series(tx, context.organization_id, webhook_id, **span._asdict()))
    return [Delivered(*one) for one in zip(span.begins(), counts[DELIVERED], counts[DEAD], strict=True)]


def _span(since_ms: int, until_ms: int, step: str | None) -> Span:
    """Returns the whole hours that hold what was asked for."""
    chosen = Step.DAY if step is None else Step[step]
    span = Span(since_ms // _HOUR_MS, -(-until_ms // _HOUR_MS), chosen)
    times = (span.until_hour - span.since_hour) // chosen
    if times < 0:
        raise InvalidError("until is before since", "until")
    if times > LIMIT_TIMES:
        raise InvalidError(f"at most {LIMIT_TIMES} hours or days at once; ask for days, or for less", "since")
    return span

"""What was done over time in the caller's organization, as numbers for a picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

from rxauth.api.context import Context, Info
from rxauth.api.errors import ForbiddenError
from rxauth.domain import delivery_series, tallies
from rxauth.domain.audit import Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.leases import DEAD
from rxauth.domain.tallies import HOUR_S, Step
from rxauth.domain.webhook_deliveries import DELIVERED
from rxauth.policy import decide
from rxauth.storage.database import Transaction

LIMIT_TIMES: Final = 1_000
_USUAL: Final = {Step.HOUR: 24, Step.DAY: 30}
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


@dataclass(frozen=True, slots=True)
class Tokens:
    """One time of a client's series."""

    at: int
    issued: int
    refused: int


class Client(Protocol):
    """A client of any kind, as it is shown."""

    @property
    def id(self) -> str:
        """Its identifier."""


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
    since: int | None = None,
    until: int | None = None,
    last: int | None = None,
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
    span = _span(context, since, until, last, step)
    counts = context.read(
        lambda tx: tallies.series(tx, context.organization_id, [wanted], client_id=client_id, **span._asdict())
    )
    return [Counted(*one) for one in zip(span.begins(), counts[wanted], strict=True)]


def of_deliveries(
    _root: None,
    info: Info,
    *,
    since: int | None = None,
    until: int | None = None,
    last: int | None = None,
    webhook_id: str | None = None,
    step: str | None = None,
) -> Sequence[Delivered]:
    """Query.webhookDeliverySeries.

    Raises:
        InvalidError: too many times.
    """
    context = info.context
    span = _span(context, since, until, last, step)
    counts = context.read(lambda tx: delivery_series.series(tx, context.organization_id, webhook_id, **span._asdict()))
    return [Delivered(*one) for one in zip(span.begins(), counts[DELIVERED], counts[DEAD], strict=True)]


def of_client(client: Client, info: Info, step: str | None = None, last: int | None = None) -> Sequence[Tokens]:
    """MachineClient.tokenSeries, App.tokenSeries.

    Raises:
        InvalidError: too many times.
    """
    context, span = info.context, _span(info.context, None, None, last, step)
    found = context.get(_of_clients, client.id, span)
    issued, refused = (found or {}).get(Event.TOKEN_ISSUED), (found or {}).get(Event.TOKEN_REFUSED)
    nothing = [0] * len(span.begins())
    return [Tokens(*one) for one in zip(span.begins(), issued or nothing, refused or nothing, strict=True)]


def _of_clients(
    transaction: Transaction, organization_id: str, client_ids: Sequence[str], span: Span
) -> Mapping[str, Mapping[Event, Sequence[int]]]:
    return tallies.of_clients(transaction, organization_id, OF_CLIENTS, client_ids, **span._asdict())


def _span(context: Context, since_ms: int | None, until_ms: int | None, last: int | None, step: str | None) -> Span:
    """Returns the whole hours that hold what was asked for: by default those up to now, with the one that goes on."""
    chosen = Step.DAY if step is None else Step[step]
    until_hour = context.clock.seconds() // HOUR_S + 1 if until_ms is None else -(-until_ms // _HOUR_MS)
    number = (_USUAL[chosen] if last is None else last) - 1
    since_hour = (until_hour - 1) // chosen * chosen - number * chosen if since_ms is None else since_ms // _HOUR_MS
    times = (until_hour - since_hour) // chosen
    if times < 0 or (last or 1) < 1:
        raise InvalidError("until is before since", "until")
    if times > LIMIT_TIMES:
        raise InvalidError(f"at most {LIMIT_TIMES} hours or days at once; ask for days, or for less", "since")
    return Span(since_hour, until_hour, chosen)

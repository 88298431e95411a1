"""What clients saw and what the database kept, and the checker that compares the two. It knows no server."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

PRESCRIBE, TAKE, GIVE = "prescribe", "take", "give"  # what is asked for
MAY, MAY_NOT = "may prescribe", "may not prescribe"  # how a provider stands
WRITTEN = "prescription.written"  # the audit event


@dataclass(frozen=True, slots=True)
class Call:
    """One request as its client saw it. began, ended: seconds of one clock.

    answer: what was acknowledged, a prescription's identifier or an act's audit event; None: it was refused, or nobody
    knows what came of it.
    """

    kind: str
    provider: str
    began: float
    ended: float
    answer: str | None
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """A committed change of how a provider stands. at: when it committed, microseconds of the database's clock."""

    provider: str
    stands: str
    at: int


@dataclass(frozen=True, slots=True)
class Written:
    """A committed prescription. at: as in `Turn`."""

    id: str
    provider: str
    at: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What the database has. done: how many acts it kept, by audit event and provider; recorded: how many entries
    there are of each event and target.
    """

    turns: tuple[Turn, ...]
    written: tuple[Written, ...]
    done: Counter[tuple[str, str]]
    recorded: Counter[tuple[str, str]]


def violations(calls: Sequence[Call], kept: Kept) -> list[str]:
    """Returns a sentence for each promise that a history breaks."""
    calls = tuple(calls)  # of a race that may still go on
    return [*_late(kept), *_after_acknowledgement(calls), *_lost(calls, kept), *_unrecorded(kept)]


def _late(kept: Kept) -> Iterator[str]:
    """Finds prescriptions that committed while, by the order of commits, their provider might not prescribe."""
    stands: dict[str, str] = {}
    events: list[Turn | Written] = [*kept.turns, *kept.written]
    for one in sorted(events, key=lambda one: one.at):
        if isinstance(one, Turn):
            stands[one.provider] = one.stands
        elif stands.get(one.provider) != MAY:
            yield f"{one.id} committed after authority had been taken from its provider"


def _after_acknowledgement(calls: Sequence[Call]) -> Iterator[str]:
    """Finds prescriptions that were asked for after the answer that authority was taken, and before it was given."""
    acts = [one for one in calls if one.kind in {TAKE, GIVE}]
    for call in calls:
        if call.kind != PRESCRIBE or call.answer is None:
            continue
        mine = [one for one in acts if one.provider == call.provider and one.began < call.ended]
        last = max(mine, key=lambda one: one.began, default=None)
        if last is not None and last.kind == TAKE and last.answer is not None and last.ended < call.began:
            yield f"{call.answer} was asked for {call.began - last.ended:.3f} s after authority was taken"


def _lost(calls: Sequence[Call], kept: Kept) -> Iterator[str]:
    """Finds what was acknowledged and is not there."""
    there = {one.id for one in kept.written}
    for call in calls:
        if call.kind == PRESCRIBE and call.answer is not None and call.answer not in there:
            yield f"{call.answer} was acknowledged and is not there"
    acknowledged = Counter((one.answer, one.provider) for one in calls if one.kind == TAKE and one.answer is not None)
    for (event, provider), number in acknowledged.items():
        if kept.done[event, provider] < number:
            yield f"{number} times {event} of {provider} was acknowledged, and it is there {kept.done[event, provider]}"


def _unrecorded(kept: Kept) -> Iterator[str]:
    """Wants exactly one audit entry for each prescription and each act."""
    for (event, target), number in (Counter((WRITTEN, one.id) for one in kept.written) + kept.done).items():
        if kept.recorded[event, target] != number:
            yield f"{event} of {target} happened {number} times and is recorded {kept.recorded[event, target]} times"

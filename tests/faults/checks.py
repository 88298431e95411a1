"""The checkers: pure functions over a history and what the database has in the end; a sentence for each violation."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from tests.faults.operations import FAIL, OK, Found, Operation

# What ends a subject, what gives it back, and for how many seconds each use of it may still pass at other processes:
# what is decided in a transaction, not at all; what is answered from memory, until the change feed was heard.
ENDS: Final = frozenset({"revoke", "revoke secret", "suspend", "remove key"})
GIVES: Final = frozenset({"restore"})
ONCE: Final = frozenset({"exchange code"})  # accepted once; others have one effect, and may be told so again
FED: Final = frozenset({"token", "use"})  # decided from what the feed keeps true
AT_ONCE: Final = frozenset({"refresh", "prescribe"})
ASKED: Final = frozenset({"provider.proposed", "provider.change_asked", "provider.restore_asked"})
GIVEN: Final = frozenset({"provider.approved", "provider.changed", "provider.restored"})


def violations(history: Sequence[Operation], found: Found, bound_s: float) -> list[str]:
    """Returns a sentence for each promise that was broken; bound_s: how late the change feed may be."""
    return [
        *at_most_once(history, found),
        *late(history, bound_s),
        *lost(history, found),
        *unrecorded(history, found),
        *not_two_people(found.said),
        *unexpected(history),
    ]


def at_most_once(history: Sequence[Operation], found: Found) -> Iterator[str]:
    """Finds what was accepted twice, or had two effects."""
    accepted: defaultdict[str, list[Operation]] = defaultdict(list)
    for one in history:
        if one.spends is not None and one.outcome == OK:
            accepted[one.spends].append(one)
    for spent, operations in accepted.items():
        effects = {one.effect for one in operations if one.effect is not None}
        if operations[0].kind in ONCE and len(operations) > 1:
            yield f"{operations[0].kind}: {spent} was accepted {len(operations)} times"
        elif len(effects) > 1:
            yield f"{operations[0].kind}: {spent} had the effects {', '.join(sorted(effects))}"
    for one in history:
        if one.kind == "replay" and one.outcome == OK:
            yield f"what had been spent in {one.subject} was accepted again"
    for spent, number in found.made.items():
        if number > 1:
            yield f"{spent} was done {number} times"


def late(history: Sequence[Operation], bound_s: float) -> Iterator[str]:
    """Finds uses that passed though what they rest on had been ended when they were asked for."""
    for use, behind_s in lateness(history):
        if behind_s > (bound_s if use.kind in FED else 0.0):
            yield f"{use.kind} of {use.subject} at {use.node} passed {behind_s:.3f} s after its end was acknowledged"


def lateness(history: Iterable[Operation]) -> list[tuple[Operation, float]]:
    """Returns each use that was asked for after an end and passed, with how long after, in seconds.

    Whatever overlaps, either way is right; and what nobody knows of may have given it back.
    """
    ends: defaultdict[str, list[Operation]] = defaultdict(list)
    gives: defaultdict[str, list[Operation]] = defaultdict(list)
    uses = []
    for one in history:
        if one.kind in ENDS and one.outcome == OK:
            ends[one.subject].append(one)
        elif one.kind in GIVES and one.outcome != FAIL:
            gives[one.subject].append(one)
        elif one.kind in FED | AT_ONCE and one.outcome == OK:
            uses.append(one)
    behind = []
    for use in uses:
        over = [
            end.ended
            for end in ends[use.subject]
            if end.ended is not None
            and end.ended < use.began
            and not any(_may_come_between(end, give, use) for give in gives[use.subject])
        ]
        if over:
            behind.append((use, use.began - min(over)))
    return behind


def _may_come_between(end: Operation, give: Operation, use: Operation) -> bool:
    is_after_end = give.ended is None or give.outcome != OK or give.ended > end.began
    return is_after_end and (use.ended is None or give.began < use.ended)


def lost(history: Iterable[Operation], found: Found) -> Iterator[str]:
    """Finds what was acknowledged and is not there."""
    for one in history:
        if one.outcome == OK and one.leaves is not None and one.leaves not in found.things:
            yield f"{one.kind} was acknowledged, and {' '.join(one.leaves)} is not there"


def unrecorded(history: Iterable[Operation], found: Found) -> Iterator[str]:
    """Finds acknowledged acts without their audit record, and tokens with two."""
    acts = {(one.spends or str(one.number), one.records) for one in history if one.outcome == OK}
    wanted = Counter(records for _, records in acts if records is not None)
    for records, number in wanted.items():
        there = found.recorded[records]
        if there < number:
            yield f"{' of '.join(records)} was acknowledged {number} times and is recorded {there} times"
    for records, number in found.recorded.items():
        if records[0] == "token.issued" and number > 1:
            yield f"{' of '.join(records)} is recorded {number} times"


def not_two_people(said: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Replays the audit records: authority is given by two people, the second of whom approves what the first asked."""
    asked: dict[tuple[Any, Any], tuple[Any, Any]] = {}
    for record in said:
        event, provider = record["event"], (record.get("organization_id"), record.get("target"))
        if record.get("outcome") != "success":
            continue
        if event in ASKED:
            asked[provider] = record.get("proposal_id"), record["actor"]["id"]
        elif event in GIVEN:
            proposal_id, first = asked.pop(provider, (None, None))
            if proposal_id is None or proposal_id != record.get("proposal_id"):
                yield f"{event} of {provider[1]} was never asked for"
            elif first == record["actor"]["id"]:
                yield f"{event} of {provider[1]} was asked for and given by one person"


def unexpected(history: Iterable[Operation]) -> Iterator[str]:
    """Finds answers of servers that did not know what to say."""
    for (kind, status), number in Counter((one.kind, one.status) for one in history).items():
        if status == 500:
            yield f"{kind} was answered {status} {number} times"

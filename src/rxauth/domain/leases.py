"""Leases: each row of an outbox is attempted by one process at a time, with longer pauses, until something comes of it.

What is sent, and to whom, is not known here.
"""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Table, bindparam, exists, update

from rxauth.storage.database import Transaction
from rxauth.storage.tenancy import Statement, sql

WAITING: Final = "waiting"
DEAD: Final = "dead"
# An attempt ends before its lease; of a process that died, another takes over when it is up.
LEASE_S: Final = 8
_DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait after an attempt that failed, and for how long at all.

    from_first_attempt: not from when the row was written, which may be long before anybody could be told.
    """

    first_pause_s: int
    longest_pause_s: int
    given_up_after_s: int
    from_first_attempt: bool = False

    def pause_s(self, failures: int) -> int:
        """Returns how long to wait after an attempt that failed, when `failures` did before it."""
        return min(self.longest_pause_s, self.first_pause_s << min(failures, _DOUBLINGS))


@dataclass(frozen=True, slots=True)
class Leased:
    """A row that one process attempts, until its lease is up. attempt: its number, from 1."""

    number: int
    id: str
    organization_id: str
    attempt: int
    failures: int
    began_at: int


@dataclass(frozen=True, slots=True)
class Result:
    """What came of an attempt. outcome: `http_` and the status, or a code. ended_at: UTC seconds."""

    outcome: str
    is_taken: bool
    is_final: bool
    ended_at: int
    took_ms: int


class Outbox:
    """The leases of one table. The rows that agree in the columns of `lane` wait for each other.

    Its columns: number, id, organization_id, state, attempts, failures, began_at, next_attempt_at, outcome, settled_at.
    """

    def __init__(self, table: Table, lane: tuple[str, ...], patience: Patience) -> None:
        self.patience = patience
        self._lane = lane
        earlier = table.alias("earlier")
        self.due: tuple[ColumnElement[bool], ...] = (
            table.c.state == WAITING,
            table.c.next_attempt_at <= bindparam("moment"),
            ~exists().where(
                *(earlier.c[name] == table.c[name] for name in lane),
                earlier.c.state == WAITING,
                earlier.c.number < table.c.number,
            ),
        )
        owner = table.c.organization_id == bindparam("the_organization_id")
        the_one = (owner, table.c.id == bindparam("the_id"))
        # An attempt whose lease was taken over decides nothing any more.
        still_mine = (table.c.state == WAITING, table.c.attempts == bindparam("attempt"))
        later: dict[str, Any] = {"next_attempt_at": bindparam("again_at")}
        self.lease_one: Statement = sql(
            update(table)
            .where(*the_one)
            .values(attempts=table.c.attempts + 1, next_attempt_at=bindparam("until"), began_at=bindparam("since"))
        )
        self.settle_one: Statement = sql(
            update(table)
            .where(*the_one, *still_mine)
            .values(state=bindparam("new_state"), outcome=bindparam("what"), settled_at=bindparam("moment"))
        )
        self.postpone_one: Statement = sql(
            update(table)
            .where(*the_one, *still_mine)
            .values(later | {"failures": table.c.failures + 1, "outcome": bindparam("what")})
        )
        # Nobody looks at what stands behind it until then.
        self.postpone_lane: Statement = sql(
            update(table)
            .where(
                owner,
                *(table.c[name] == bindparam(f"the_{name}") for name in lane if name != "organization_id"),
                table.c.state == WAITING,
                table.c.next_attempt_at < bindparam("again_at"),
            )
            .values(later)
        )

    def lease(self, transaction: Transaction, row: Any, now: int) -> dict[str, Any]:
        """Takes a row that is due and locked, for `LEASE_S`; returns what a `Leased` of it has."""
        began_at = now if self.patience.from_first_attempt and row.attempts == 0 else row.began_at
        which = {"the_organization_id": row.organization_id, "the_id": row.id}
        transaction.run(self.lease_one, **which, until=now + LEASE_S, since=began_at)
        return {
            "number": row.number,
            "id": row.id,
            "organization_id": row.organization_id,
            "attempt": row.attempts + 1,
            "failures": row.failures,
            "began_at": began_at,
        }

    def state_after(self, leased: Leased, result: Result, taken: str, refused: str = DEAD) -> str:
        """Returns the state that a row is in after an attempt, as far as this attempt goes."""
        if result.is_taken or result.is_final:
            return taken if result.is_taken else refused
        return DEAD if result.ended_at - leased.began_at >= self.patience.given_up_after_s else WAITING

    def settle(self, transaction: Transaction, leased: Leased, result: Result, state: str) -> bool:
        """Notes the state after an attempt; tells whether it was this attempt's to decide."""
        owner = {"the_organization_id": leased.organization_id}
        noted = {**owner, "the_id": leased.id, "attempt": leased.attempt, "what": result.outcome}
        if state != WAITING:
            return transaction.run(self.settle_one, **noted, new_state=state, moment=result.ended_at) > 0
        again_at = result.ended_at + self.patience.pause_s(leased.failures)
        is_mine = transaction.run(self.postpone_one, **noted, again_at=again_at) > 0
        if is_mine:
            lane = {f"the_{name}": getattr(leased, name) for name in self._lane}
            transaction.run(self.postpone_lane, **(owner | lane), again_at=again_at)
        return is_mine

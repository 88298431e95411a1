"""Resets of second factors: asked for, approved, taken back and done; of two approvals at once, one counts."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from rxauth.domain import audit, factors, letters, member_acts, members, provider_leaving, providers, sessions, users
from rxauth.domain.audit import Act, Event
from rxauth.domain.errors import AbsentError
from rxauth.domain.mails import Outbox
from rxauth.domain.member_acts import Attempt, MemberRefusedError
from rxauth.domain.members import FactorState
from rxauth.domain.pruning import BY_AGE, Pruning
from rxauth.domain.sessions import Ended
from rxauth.ids import Kind, new_id
from rxauth.policy import decide, factor_reset
from rxauth.policy.authority import Refusal
from rxauth.policy.factor_reset import LIFETIME_S, Standing, Step
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import factor_resets as table
from rxauth.storage.tenancy import insert_row, sql

_STALE: Final = Refusal("nothing_asked", "nobody asked for this, or somebody did it already: look at it again")
KEPT_S: Final = 90 * 86_400
_MINE = table.c.organization_id == bindparam("organization_id")
_OPEN = (table.c.approved_at.is_(None), table.c.ended_at.is_(None))
_INSERT = insert_row(table)
_WAITING = sql(
    select(table.c.id, table.c.user_id, table.c.asked_by, table.c.asked_at)
    .where(
        _MINE,
        table.c.user_id.in_(bindparam("user_ids", expanding=True)),
        *_OPEN,
        table.c.expires_at > bindparam("moment"),
    )
    .order_by(table.c.id)
)
_THIS_ONE = (
    table.c.organization_id == bindparam("owner"),
    table.c.id == bindparam("reset_id"),
    table.c.user_id == bindparam("member_id"),
)
_SPEND = sql(
    update(table)
    .where(*_THIS_ONE, *_OPEN, table.c.expires_at > bindparam("moment"))
    .values(approved_at=bindparam("moment"), approved_by=bindparam("approver"))
)
_END = sql(update(table).where(*_THIS_ONE, *_OPEN).values(ended_at=bindparam("moment")))
FORGET: Final = Pruning(table, table.c.id, KEPT_S, kind=Kind.PROPOSAL, across_tenants=BY_AGE)
_END_ALL = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.user_id == bindparam("member_id"), *_OPEN)
    .values(ended_at=bindparam("moment"))
)


@dataclass(frozen=True, slots=True)
class Reset:
    """What waits for a second person. asked_at: UTC seconds."""

    id: str
    user_id: str
    asked_by: str
    asked_at: int


def waiting_for(transaction: Transaction, organization_id: str, user_ids: list[str], now: int) -> dict[str, Reset]:
    """Returns what waits for a second person, by the member it is about."""
    rows = transaction.all(_WAITING, organization_id=organization_id, user_ids=user_ids, moment=now)
    return {row.user_id: Reset(row.id, row.user_id, row.asked_by, row.asked_at) for row in rows}


def begin(transaction: Transaction, attempt: Attempt, second_factor_at: int | None, outbox: Outbox) -> list[Ended]:
    """Takes a member's second factors, or, of a prescriber, asks a second person to; returns the sessions it ended.

    Raises:
        MemberRefusedError: with its code.
    """
    users.lock(transaction, attempt.user_id)
    step = factor_reset.first_step(attempt.roles)
    _require(transaction, attempt, step, second_factor_at)
    transaction.run(_END_ALL, owner=attempt.organization_id, member_id=attempt.user_id, moment=attempt.now)
    if step is Step.RESET:
        member_acts.record(transaction, Event.FACTORS_RESET, attempt, _taken(transaction, attempt.user_id))
        return _reset(transaction, attempt.user_id, [attempt.organization_id], outbox, attempt.now)
    reset_id = new_id(Kind.PROPOSAL, attempt.now * 1000)
    transaction.run(
        _INSERT,
        id=reset_id,
        organization_id=attempt.organization_id,
        user_id=attempt.user_id,
        asked_by=attempt.giver.user_id,
        asked_at=attempt.now,
        expires_at=attempt.now + LIFETIME_S,
        approved_by=None,
        approved_at=None,
        ended_at=None,
    )
    member_acts.record(transaction, Event.FACTOR_RESET_ASKED, attempt, {"proposal_id": reset_id})
    outbox.put(transaction, letters.factor_reset_asked(_email(transaction, attempt.user_id)), attempt.now)
    return []


def approve(
    transaction: Transaction, attempt: Attempt, reset_id: str, second_factor_at: int | None, outbox: Outbox
) -> list[Ended]:
    """Takes a member's second factors, as the second person; returns the sessions it ended.

    Raises:
        MemberRefusedError: with its code.
    """
    users.lock(transaction, attempt.user_id)
    waiting = _require(transaction, attempt, Step.APPROVE, second_factor_at)
    values = {"owner": attempt.organization_id, "reset_id": reset_id, "member_id": attempt.user_id}
    spent = transaction.run(_SPEND, **values, approver=attempt.giver.user_id, moment=attempt.now)
    if waiting is None or spent == 0:
        raise MemberRefusedError(_STALE)
    details = {"proposal_id": reset_id, "first_by": waiting.asked_by, **_taken(transaction, attempt.user_id)}
    member_acts.record(transaction, Event.FACTORS_RESET, attempt, details)
    return _reset(transaction, attempt.user_id, [attempt.organization_id], outbox, attempt.now)


def withdraw(transaction: Transaction, attempt: Attempt, reset_id: str) -> None:
    """Takes back what was asked; anybody does who could have asked.

    Raises:
        MemberRefusedError: with its code.
    """
    member_acts.require_rank(attempt)
    values = {"owner": attempt.organization_id, "reset_id": reset_id, "member_id": attempt.user_id}
    if transaction.run(_END, **values, moment=attempt.now) == 0:
        raise MemberRefusedError(_STALE)
    member_acts.record(transaction, Event.FACTOR_RESET_WITHDRAWN, attempt, {"proposal_id": reset_id})


def refusal(
    transaction: Transaction, attempt: Attempt, step: Step, second_factor_at: int | None
) -> tuple[Refusal | None, Reset | None]:
    """Says why a step would be refused, and what waits."""
    waiting = waiting_for(transaction, attempt.organization_id, [attempt.user_id], attempt.now).get(attempt.user_id)
    standing = Standing(
        attempt.user_id,
        attempt.roles,
        attempt.user_id in members.elsewhere(transaction, attempt.organization_id, [attempt.user_id]),
        _state(transaction, attempt.user_id).has_second,
        None if waiting is None else waiting.asked_by,
        0 if waiting is None else waiting.asked_at,
        waiting is None or _may_ask(transaction, attempt, waiting.asked_by),
    )
    return factor_reset.refusal(step, standing, attempt.giver, second_factor_at, attempt.now), waiting


def by_operator(transaction: Transaction, user_id: str, outbox: Outbox, now: int) -> list[Ended]:
    """Takes anybody's second factors, whichever organizations they work for; returns the sessions it ended.

    Raises:
        AbsentError: nobody has this identifier, or there is no second factor.
    """
    users.lock(transaction, user_id)
    if users.find(transaction, user_id) is None or not _state(transaction, user_id).has_second:
        raise AbsentError(f"there is no person {user_id} with a second factor")
    act = Act(Event.FACTORS_RESET, audit.OPERATOR, target=user_id, details=_taken(transaction, user_id))
    audit.record(transaction, act, now * 1_000_000)
    return _reset(transaction, user_id, list(providers.authorities_of_person(transaction, user_id)), outbox, now)


def _require(transaction: Transaction, attempt: Attempt, step: Step, second_factor_at: int | None) -> Reset | None:
    refused, waiting = refusal(transaction, attempt, step, second_factor_at)
    if refused is not None:
        raise MemberRefusedError(refused)
    return waiting


def _reset(
    transaction: Transaction, user_id: str, organization_ids: list[str], outbox: Outbox, now: int
) -> list[Ended]:
    """Whoever lost a factor signs nothing until two people say so again (21 CFR 1311.125(d))."""
    factors.forget(transaction, user_id)
    for organization_id in organization_ids:
        provider_leaving.lose_factors(transaction, organization_id, user_id, now)
    ended = [Ended(user_id, session_id) for session_id in sessions.end_all(transaction, user_id, now)]
    outbox.put(transaction, letters.factors_reset(_email(transaction, user_id)), now)
    return ended


def _may_ask(transaction: Transaction, attempt: Attempt, asker_id: str) -> bool:
    subject = providers.subject_for_writing(transaction, attempt.organization_id, asker_id)
    return subject is not None and member_acts.GIVE_ROLES in decide.held(subject, attempt.now)


def _state(transaction: Transaction, user_id: str) -> FactorState:
    return members.factors_of(transaction, "", [user_id]).get(user_id, FactorState())


def _taken(transaction: Transaction, user_id: str) -> dict[str, Any]:
    state = _state(transaction, user_id)
    return {"totp": int(state.has_app), "passkeys": state.passkeys, "recovery_codes": state.recovery_codes_left}


def _email(transaction: Transaction, user_id: str) -> str:
    user = users.find(transaction, user_id)
    if user is None:
        raise AbsentError("there is no such person", "userId")
    return user.email

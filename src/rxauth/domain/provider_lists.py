"""Lists of an organization's authorities: those in one state, those that wait for a second person, or all of them."""

from functools import cache
from typing import Any

from sqlalchemy import and_, bindparam, not_, or_, select

from rxauth.domain import providers
from rxauth.domain.paging import Page
from rxauth.domain.providers import Provider
from rxauth.policy.authority import PROPOSAL_LIFETIME_S, State
from rxauth.storage.database import Transaction
from rxauth.storage.tables.providers import provider_authorities as table
from rxauth.storage.tenancy import Statement, sql

# `policy.authority.state_at`, as the database judges it: a test compares the two.
_FRESH = and_(table.c.asked_at.is_not(None), table.c.asked_at > bindparam("asked_after"))
_OVER = and_(table.c.effective_until.is_not(None), table.c.effective_until <= bindparam("now"))
_HELD = table.c.state.in_((State.APPROVED, State.SUSPENDED))
_WAITS = and_(table.c.proposal_id.is_not(None), _FRESH)


def search(
    transaction: Transaction,
    organization_id: str,
    page: Page,
    now: int,
    *,
    state: State | None = None,
    waiting: bool | None = None,
) -> list[Provider]:
    """Returns a page of authorities as they stand at `now` (UTC seconds); pages go by the person's identifier.

    state, waiting: None takes any. waiting: whether there is a proposal that a second person can still approve.
    """
    values: dict[str, Any] = {"organization_id": organization_id, "before": page.before, "rows": page.rows}
    if state is not None or waiting is not None:
        values |= {"asked_after": now - PROPOSAL_LIFETIME_S}
    if state in {State.APPROVED, State.SUSPENDED, State.EXPIRED}:
        values |= {"now": now}
    rows = transaction.all(_page(state=state, waiting=waiting), **values)
    return providers.of_rows(transaction, organization_id, rows)


def _stands(state: State) -> Any:
    if state is State.PROPOSED:
        return and_(table.c.state == state, _FRESH)
    if state is State.EXPIRED:
        return or_(and_(table.c.state == State.PROPOSED, not_(_FRESH)), and_(_HELD, _OVER))
    if state in {State.APPROVED, State.SUSPENDED}:
        return and_(table.c.state == state, not_(_OVER))
    return table.c.state == state


@cache
def _page(*, state: State | None, waiting: bool | None) -> Statement:
    conditions = [table.c.organization_id == bindparam("organization_id"), table.c.user_id < bindparam("before")]
    if state is not None:
        conditions.append(_stands(state))
    if waiting is not None:
        conditions.append(_WAITS if waiting else not_(_WAITS))
    return sql(select(*table.c).where(*conditions).order_by(table.c.user_id.desc()).limit(bindparam("rows")))

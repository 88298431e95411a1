"""Lists of an organization's authorities, whatever their state, and of the members who could be proposed for one."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from sqlalchemy import and_, bindparam, func, not_, or_, select

from rxauth.domain import providers
from rxauth.domain.names import Name
from rxauth.domain.paging import Page
from rxauth.domain.providers import Provider
from rxauth.policy.authority import PROPOSAL_LIFETIME_S, State
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import memberships, users
from rxauth.storage.tables.providers import provider_authorities as table
from rxauth.storage.tenancy import Statement, sql

# `policy.authority.state_at`, as the database judges it: a test compares the two.
_FRESH = and_(table.c.asked_at.is_not(None), table.c.asked_at > bindparam("asked_after"))
_OVER = and_(table.c.effective_until.is_not(None), table.c.effective_until <= bindparam("now"))
_HELD = table.c.state.in_((State.APPROVED, State.SUSPENDED))
_OPEN: Final = (State.REJECTED, State.REVOKED)  # to a new proposal, as whatever is expired
_WAITS = and_(table.c.proposal_id.is_not(None), _FRESH)

WORDS_LIMIT: Final = 5
WORD_LIMIT_CHARACTERS: Final = 1_000  # more than any name has, and less than SQLite takes for a pattern
_WILD: Final = str.maketrans({"/": "//", "%": "/%", "_": "/_"})
_PERSON: Final = (users.c.id, users.c.first_name, users.c.last_name, users.c.title, users.c.middle_name)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A member for whom an authority can be proposed. npi: of their profile. state None: nobody ever proposed one."""

    user_id: str
    name: Name = field(repr=False)
    email: str = field(repr=False)
    npi: str | None = field(repr=False)
    state: State | None


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


def candidates(
    transaction: Transaction, organization_id: str, page: Page, now: int, *, name: str = "", user_id: str | None = None
) -> list[Candidate]:
    """Returns a page of members who could be proposed at `now` (UTC seconds); pages go by the person's identifier.

    name: parts of the name or of the e-mail address, all of which must be found; ASCII letters in either case. user_id:
    None takes any.
    """
    words = [word[:WORD_LIMIT_CHARACTERS] for word in name.lower().split()[:WORDS_LIMIT]]
    values: dict[str, Any] = {f"word_{number}": f"%{word.translate(_WILD)}%" for number, word in enumerate(words)}
    values |= {} if user_id is None else {"user_id": user_id}
    rows = transaction.all(
        _candidates(words=len(words), is_one=user_id is not None),
        organization_id=organization_id,
        before=page.before,
        rows=page.rows,
        now=now,
        asked_after=now - PROPOSAL_LIFETIME_S,
        **values,
    )
    return [
        Candidate(
            row.id,
            Name(*row[1:5]),
            row.email,
            row.npi,
            None if row.state is None else State.EXPIRED if row.state not in _OPEN else State(row.state),
        )
        for row in rows
    ]


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


@cache
def _candidates(*, words: int, is_one: bool) -> Statement:
    of_member = (table.c.organization_id == memberships.c.organization_id) & (table.c.user_id == memberships.c.user_id)
    written = func.lower(users.c.first_name + " " + users.c.last_name + " " + users.c.email)
    conditions = [
        memberships.c.organization_id == bindparam("organization_id"),
        memberships.c.user_id < bindparam("before"),
        users.c.disabled_at.is_(None),
        or_(table.c.state.is_(None), table.c.state.in_(_OPEN), _stands(State.EXPIRED)),
        *(written.like(bindparam(f"word_{number}"), escape="/") for number in range(words)),
    ]
    if is_one:
        conditions.append(memberships.c.user_id == bindparam("user_id"))
    return sql(
        select(*_PERSON, users.c.email, users.c.npi, table.c.state)
        .select_from(memberships)
        .join(users, users.c.id == memberships.c.user_id)
        .outerjoin(table, of_member)
        .where(*conditions)
        .order_by(memberships.c.user_id.desc())
        .limit(bindparam("rows"))
    )

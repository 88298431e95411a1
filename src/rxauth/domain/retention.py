"""Retention: which tables lose their old rows, and by what. Every other table keeps what it has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from rxauth.domain import (
    authorization_codes,
    domains,
    email_changes,
    factor_resets,
    invites,
    kept_answers,
    mails,
    months,
    old_changes,
    operators,
    passkey_challenges,
    password_resets,
    request_counts,
    sessions,
    sign_ins,
    token_families,
    upstream_logouts,
    upstream_messages,
    upstream_requests,
    webhook_log,
)
from rxauth.domain.pruning import Pruning
from rxauth.storage.database import Transaction
from rxauth.storage.sizes import database_bytes
from rxauth.storage.tenancy import sql

_SIZE: Final = sql(select(database_bytes()))

# By their age alone. Families and codes go before the sessions that they name.
PRUNINGS: Final[tuple[Pruning, ...]] = (
    passkey_challenges.FORGET,
    sign_ins.FORGET,
    password_resets.FORGET,
    email_changes.FORGET,
    kept_answers.FORGET,
    operators.FORGET_FORMS,
    mails.FORGET,
    invites.FORGET,
    factor_resets.FORGET,
    authorization_codes.FORGET,
    token_families.FORGET,
    request_counts.FORGET,
    upstream_requests.FORGET,
    upstream_logouts.FORGET,
    upstream_messages.FORGET,
)
# Each removes some of what is too old at a moment (UTC seconds), and tells whether there may be more.
SWEEPS: Final[tuple[Callable[[Transaction, int], bool], ...]] = (
    months.make_ahead,
    months.drop_old,
    *PRUNINGS,
    sessions.forget,
    webhook_log.forget,
    old_changes.forget,
    domains.forget,
)


@dataclass(frozen=True, slots=True)
class Growth:
    """How large the database is. overdue_s: for how long the oldest row of a table has been too old; 0: none is."""

    database_bytes: int
    overdue_s: Mapping[str, int]


def look(transaction: Transaction, now: int) -> Growth:
    """Looks how the database grows; it asks for the oldest row of each table by an index, and counts none."""
    overdue = {one.table.name: one.overdue_s(transaction, now) for one in (*PRUNINGS, sessions.FORGET)}
    overdue |= {"changes": old_changes.overdue_s(transaction, now)}
    overdue |= {"webhook_events": webhook_log.overdue_s(transaction, now)}
    return Growth(int(transaction.first(_SIZE)[0]), overdue)

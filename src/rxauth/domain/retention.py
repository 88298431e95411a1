"""Retention: which tables lose their old rows, and by what. Every other table keeps what it has."""

from collections.abc import Callable
from typing import Final

from rxauth.domain import (
    authorization_codes,
    email_changes,
    factor_resets,
    invites,
    kept_answers,
    mails,
    months,
    operators,
    passkey_challenges,
    password_resets,
    request_counts,
    sessions,
    sign_ins,
    token_families,
    webhook_log,
)
from rxauth.domain.pruning import Pruning
from rxauth.storage.database import Transaction

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
)
# Each removes some of what is too old at a moment (UTC seconds), and tells whether there may be more.
SWEEPS: Final[tuple[Callable[[Transaction, int], bool], ...]] = (
    months.make_ahead,
    months.drop_old,
    *PRUNINGS,
    sessions.forget,
    webhook_log.forget,
)

"""Second factors: which of them a person has."""

from sqlalchemy import bindparam, select, union_all

from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import passkeys, totp_factors
from rxauth.storage.tenancy import sql

_SECOND = sql(
    union_all(
        select(totp_factors.c.user_id).where(
            totp_factors.c.user_id == bindparam("user_id"), totp_factors.c.confirmed_at.is_not(None)
        ),
        select(passkeys.c.user_id).where(passkeys.c.user_id == bindparam("user_id")),
    )
)


def has_second(transaction: Transaction, user_id: str) -> bool:
    """Tells whether a person can prove a second factor."""
    return transaction.first(_SECOND, user_id=user_id) is not None

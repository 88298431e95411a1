"""Challenges for passkeys: each for one browser, one purpose and one person, once, for five minutes."""

import secrets
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, update

from rxauth.domain.pruning import Pruning
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import passkey_challenges as table
from rxauth.storage.tenancy import insert_row, sql

LIFETIME_S: Final = 300
KEPT_S: Final = 3_600  # after it expired
_BYTES: Final = 32

_INSERT = insert_row(table)
FORGET: Final = Pruning(table, table.c.expires_at, KEPT_S)
_SPEND = sql(
    update(table)
    .where(
        table.c.challenge == bindparam("answered"),
        table.c.browser_digest == bindparam("browser"),
        table.c.purpose == bindparam("wanted"),
        table.c.user_id.is_not_distinct_from(bindparam("whose")),
        table.c.used_at.is_(None),
        table.c.expires_at > bindparam("moment"),
    )
    .values(used_at=bindparam("moment"))
)


class Purpose(StrEnum):
    """What an answer is good for."""

    REGISTER = "register"
    AUTHENTICATE = "authenticate"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a challenge is good for. browser_digest: of the browser's cookie; user_id None: nobody said who they are."""

    purpose: Purpose
    browser_digest: bytes = field(repr=False)
    user_id: str | None


def make(transaction: Transaction, asked: Asked, now: int) -> bytes:
    """Makes a challenge."""
    challenge = secrets.token_bytes(_BYTES)
    transaction.run(
        _INSERT,
        challenge=challenge,
        user_id=asked.user_id,
        browser_digest=asked.browser_digest,
        purpose=asked.purpose,
        expires_at=now + LIFETIME_S,
        used_at=None,
    )
    return challenge


def spend(transaction: Transaction, challenge: bytes, asked: Asked, now: int) -> bool:
    """Uses a challenge up, and tells whether it was made for this; of two answers at once, one is too late."""
    values = {"wanted": asked.purpose, "browser": asked.browser_digest, "whose": asked.user_id}
    return transaction.run(_SPEND, answered=challenge, **values, moment=now) == 1

"""Letters on their way: written in the transaction of the act that they tell of, sealed, and handed over later."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, select, update

from rxauth.crypto import sealing
from rxauth.domain.pruning import Pruning
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import mails as table
from rxauth.storage.tenancy import insert_row, sql

# Until then it is nobody else's to hand over; a server that died while it did so leaves it to the next attempt.
FIRST_PAUSE_S: Final = 120
LONGEST_PAUSE_S: Final = 6 * 3_600
GIVEN_UP_AFTER_S: Final = 7 * 86_400  # no link in a letter lives longer
KEPT_S: Final = 30 * 86_400  # handed over or given up
SHOWN_LIMIT: Final = 200
_DOUBLINGS: Final = 8

_INSERT = insert_row(table)
_DUE_CONDITIONS = (
    table.c.sent_at.is_(None),
    table.c.next_attempt_at <= bindparam("moment"),
    table.c.created_at > bindparam("too_old"),
)
_IS_DUE = sql(select(table.c.id).where(*_DUE_CONDITIONS).limit(1))
_NEXT = sql(
    select(*table.c)
    .where(*_DUE_CONDITIONS)
    .order_by(table.c.next_attempt_at, table.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_POSTPONE = sql(
    update(table)
    .where(table.c.id == bindparam("mail_id"))
    .values(attempts=table.c.attempts + 1, next_attempt_at=bindparam("again_at"))
)
# What was handed over is forgotten: the row remains, to be counted.
_SENT = sql(
    update(table)
    .where(table.c.id == bindparam("mail_id"), table.c.sent_at.is_(None))
    .values(sent_at=bindparam("moment"), sealed=b"")
)
FORGET: Final = Pruning(table, table.c.id, KEPT_S, kind=Kind.MAIL)
_ALL = sql(select(*table.c).where(table.c.sent_at.is_(None)).order_by(table.c.id.desc()).limit(SHOWN_LIMIT))


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody is told, as plain text."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """A letter that waits, as it is stored. attempts: how often it was tried before. Times: UTC seconds."""

    id: str
    created_at: int
    attempts: int
    sealed: bytes = field(repr=False)

    def read(self, sealing_key: bytes) -> Letter:
        """Opens the letter.

        Raises:
            CannotUnsealError: it was sealed with another key.
        """
        return msgspec.json.decode(sealing.unseal(self.sealed, sealing_key, _purpose(self.id)), type=Letter)


@dataclass(frozen=True, slots=True)
class Outbox:
    """Where letters are put. issuer: the public URL of this server, the only one that a letter ever links to."""

    issuer: str
    sealing_key: bytes = field(repr=False)

    def url(self, path: str) -> str:
        """Returns the public URL of a page of this server."""
        return f"{self.issuer.rstrip('/')}{path}"

    def link(self, path: str, token: str) -> str:
        """Returns the link that a letter has; token: letters, digits, `-` and `_` only."""
        return f"{self.url(path)}?token={token}"

    def put(self, transaction: Transaction, letter: Letter, now: int) -> str:
        """Has a letter sent once the transaction is committed; returns its identifier."""
        row = self._row(letter, now)
        transaction.run(_INSERT, **row)
        return str(row["id"])

    def put_all(self, transaction: Transaction, letters: Iterable[Letter], now: int) -> None:
        """Has several letters sent; see `put`."""
        transaction.run_many(_INSERT, [self._row(one, now) for one in letters])

    def _row(self, letter: Letter, now: int) -> dict[str, Any]:
        mail_id = new_id(Kind.MAIL, now * 1000)
        return {
            "id": mail_id,
            "sealed": sealing.seal(msgspec.json.encode(letter), self.sealing_key, _purpose(mail_id)),
            "created_at": now,
            "next_attempt_at": now,
            "attempts": 0,
            "sent_at": None,
        }


def is_due(transaction: Transaction, now: int) -> bool:
    """Tells whether a letter waits to be handed over; for a look that writes nothing."""
    return transaction.first(_IS_DUE, **_due_at(now)) is not None


def claim(transaction: Transaction, now: int) -> Mail | None:
    """Takes the letter that has waited longest, for this process alone, until its next attempt; None: there is none.

    It is postponed before it is tried, so a letter is lost by nothing and a letter that fails stands in nobody's way.
    """
    row = transaction.first(_NEXT, **_due_at(now))
    if row is None:
        return None
    transaction.run(_POSTPONE, mail_id=row.id, again_at=now + pause_s(row.attempts))
    return _mail(row)


def pause_s(attempts: int) -> int:
    """Returns how long to wait after an attempt, when `attempts` failed before it."""
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S << min(attempts, _DOUBLINGS))


def sent(transaction: Transaction, mail_id: str, now: int) -> None:
    """Notes that a letter was handed over, and forgets what it said."""
    transaction.run(_SENT, mail_id=mail_id, moment=now)


def all_of_them(transaction: Transaction, sealing_key: bytes) -> list[tuple[Mail, Letter]]:
    """Returns the letters that were not handed over, newest first, opened: for the sandbox, which shows its mail."""
    found = [_mail(row) for row in transaction.all(_ALL)]
    return [(mail, mail.read(sealing_key)) for mail in found]


def _due_at(now: int) -> dict[str, int]:
    return {"moment": now, "too_old": now - GIVEN_UP_AFTER_S}


def _mail(row: Any) -> Mail:
    return Mail(row.id, row.created_at, row.attempts, row.sealed)


def _purpose(mail_id: str) -> str:
    return f"the letter {mail_id}"

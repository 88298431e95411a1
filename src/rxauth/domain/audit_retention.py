"""How long entries of the audit log are kept, and the answer to whoever asks to erase one."""

from datetime import UTC, date, datetime

import msgspec
from sqlalchemy import bindparam, select

from rxauth.domain import audit
from rxauth.domain.errors import AbsentError, DomainError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_entries
from rxauth.storage.tenancy import sql

_ENTRY = sql(select(audit_entries.c.entry).where(audit_entries.c.id == bindparam("id")))


class ErasureRefusedError(DomainError):
    """An entry is not erased. code: the reason that is recorded."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def kept_until(at_us: int, years: int) -> date:
    """Returns the day until which an entry must be kept; at_us: UTC microseconds."""
    made = datetime.fromtimestamp(at_us // 1_000_000, UTC).date()
    try:
        return made.replace(year=made.year + years)
    except ValueError:  # the 29th of February
        return date(made.year + years, 3, 1)


def refuse_erasure(transaction: Transaction, entry_id: str, years: int, now_us: int) -> ErasureRefusedError:
    """Records that somebody asked to erase an entry, and returns why it stays. The record must be committed.

    Raises:
        AbsentError: there is no such entry.
    """
    row = transaction.first(_ENTRY, id=entry_id)
    if row is None:
        raise AbsentError(f"there is no entry {entry_id}")
    last = kept_until(msgspec.json.decode(row.entry)["record"]["at_us"], years)
    if datetime.fromtimestamp(now_us // 1_000_000, UTC).date() <= last:
        error = ErasureRefusedError("retention", f"entry {entry_id} must be kept until {last.isoformat()}: it stays")
    else:
        error = ErasureRefusedError(
            "chain", f"entry {entry_id} stays: without it nobody could prove the entries before and after it"
        )
    act = audit.Act(audit.Event.AUDIT_ERASURE_REFUSED, audit.OPERATOR, target=entry_id, reason=error.code)
    audit.record(transaction, act, now_us)
    return error

"""When the audit log was last verified, and what came of it, as its own record says."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select

from rxauth.domain import audit
from rxauth.domain.audit import Act
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_outbox
from rxauth.storage.tables.audit import audit_verifications as table
from rxauth.storage.tenancy import insert_row, sql

_INSERT = insert_row(table)
_LAST = sql(select(func.max(table.c.record_id)))
_RECORD = sql(select(audit_outbox.c.entry).where(audit_outbox.c.id == bindparam("id")))


@dataclass(frozen=True, slots=True)
class Verification:
    """One verification. at_us: UTC microseconds. entries: how many it read; problems: how many it found."""

    at_us: int
    entries: int
    problems: int
    is_whole: bool


def record(transaction: Transaction, act: Act, at_us: int) -> None:
    """Records a verification, so that it is found as the last one."""
    row = audit.row(act, at_us)
    audit.record_all(transaction, [row])
    transaction.run(_INSERT, record_id=row["id"])


def last(transaction: Transaction) -> Verification | None:
    """Returns the last verification; None: there was none."""
    found = transaction.first(_LAST)[0]
    row = None if found is None else transaction.first(_RECORD, id=found)
    if row is None:
        return None
    entry: dict[str, Any] = msgspec.json.decode(row.entry)
    return Verification(entry["at_us"], entry["entries"], entry["problems"], "from" not in entry)

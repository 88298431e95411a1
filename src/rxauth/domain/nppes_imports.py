"""The imports of the register: each is begun, goes on batch by batch, and ends; one that never ended is known as half.

A batch is kept whole or not at all, and what is kept is true whether or not the rest follows: an NPI that is missing is
not verified. So a half import needs no undoing: the same file is imported again, from its beginning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from rxauth.ids import new_ulid
from rxauth.storage.database import Transaction
from rxauth.storage.tables.nppes import nppes_imports
from rxauth.storage.tables.providers import nppes_providers
from rxauth.storage.tenancy import insert_row, sql

_BEGIN = insert_row(nppes_imports)
_LAST = sql(select(*nppes_imports.c).order_by(nppes_imports.c.id.desc()).limit(1))
_COUNT = sql(
    update(nppes_imports)
    .where(nppes_imports.c.id == bindparam("the_id"))
    .values(lines=nppes_imports.c.lines + bindparam("more"))
)
_END = sql(update(nppes_imports).where(nppes_imports.c.id == bindparam("the_id")).values(ended_at=bindparam("now")))
_FORGET = sql(delete(nppes_providers).where(nppes_providers.c.npi.in_(bindparam("npis", expanding=True))))
_INSERT = insert_row(nppes_providers)


@dataclass(frozen=True, slots=True)
class Import:
    """One import. lines: how many are kept. ended_at: UTC seconds; None: it is under way, or was cut off."""

    id: str
    began_at: int
    ended_at: int | None
    lines: int


def begin(transaction: Transaction, now_ms: int) -> str:
    """Notes that an import begins; returns its identifier. now_ms: UTC milliseconds."""
    identifier = new_ulid(now_ms)
    transaction.run(_BEGIN, id=identifier, began_at=now_ms // 1_000, ended_at=None, lines=0)
    return identifier


def keep(transaction: Transaction, import_id: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Keeps rows of the register, each in place of the one that its NPI had before."""
    latest = {row["npi"]: row for row in rows}
    transaction.run(_FORGET, npis=list(latest))
    transaction.run_many(_INSERT, list(latest.values()))
    transaction.run(_COUNT, the_id=import_id, more=len(rows))


def end(transaction: Transaction, import_id: str, now: int) -> None:
    """Notes that the whole file was read."""
    transaction.run(_END, the_id=import_id, now=now)


def last(transaction: Transaction) -> Import | None:
    """Returns the import that was begun last; None: there never was one."""
    row = transaction.first(_LAST)
    return None if row is None else Import(**row._mapping)

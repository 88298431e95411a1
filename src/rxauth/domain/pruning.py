"""Pruning: rows of which nothing can come any more go, a few at once, each batch one short transaction by an index.

Whoever shows what is gone is refused as whoever shows what never was: nothing is accepted because nobody remembers it.
"""

from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Select, Table, bindparam, delete, select, tuple_

from rxauth.domain.paging import first_of
from rxauth.ids import Kind, made_at_ms
from rxauth.storage.batches import ON_POSTGRES, ON_SQLITE, rows_at_once
from rxauth.storage.database import Transaction
from rxauth.storage.tenancy import sql

# Of fewer than these a batch was not full.
LEAST: Final = min(ON_POSTGRES, ON_SQLITE)
# Why rows of every organization are removed at once.
BY_AGE: Final = "rows go by their age, whoever they were of"


class Pruning:
    """Removes the rows of one table that are older than `kept_s`, the oldest first; rows that somebody has locked stay.

    age: an indexed column, of UTC seconds or, of a `kind`, of identifiers that sort by age. But those in which one of
    `unless` holds. across_tenants: see `sql`.
    """

    def __init__(
        self,
        table: Table,
        age: Column[Any],
        kept_s: int,
        *unless: ColumnElement[bool],
        kind: Kind | None = None,
        across_tenants: str | None = None,
    ) -> None:
        self.table = table
        self.kept_s = kept_s
        self._kind = kind
        keys = list(table.primary_key.columns)
        condition = age <= bindparam("before")
        all_old: Select[Any] = select(*keys).where(condition, *(~one for one in unless)).order_by(age)
        chosen = all_old.limit(rows_at_once()).with_for_update(skip_locked=True, of=table)
        old = chosen.cte("old")
        key = keys[0] if len(keys) == 1 else tuple_(*keys)
        found = select(*(old.c[one.name] for one in keys))
        # Counted by what it returns: SQLite's driver counts no statement that begins with WITH.
        removed = delete(table).where(key.in_(found)).returning(keys[0])
        oldest = select(age.label("age")).where(condition).order_by(age).limit(1)
        self.choose, self.remove, self.oldest = (
            sql(clause, across_tenants=across_tenants) for clause in (chosen, removed, oldest)
        )

    def __call__(self, transaction: Transaction, now: int) -> bool:
        """Removes some; tells whether there may be more."""
        return len(transaction.all(self.remove, before=self.before(now))) >= LEAST

    def overdue_s(self, transaction: Transaction, now: int) -> int:
        """Returns for how many seconds the oldest row has been too old; 0: none is."""
        row = transaction.first(self.oldest, before=self.before(now))
        if row is None:
            return 0
        made_at = row.age if self._kind is None else made_at_ms(row.age) // 1_000
        return max(0, now - self.kept_s - int(made_at))

    def before(self, now: int) -> int | str:
        """Returns the age that a row has at most."""
        moment = max(0, now - self.kept_s)
        return moment if self._kind is None else f"{self._kind}_{first_of(moment * 1_000)}"

"""The tenancy guard: a statement on an organization's table is refused unless it binds that organization.

It is refused where it is made, at import. A transaction runs only `Statement`s, which have passed.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, Delete, Insert, Select, Table, Update, bindparam, insert
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import BinaryExpression, BooleanClauseList
from sqlalchemy.sql.expression import (
    Alias,
    ClauseElement,
    Executable,
    FromClause,
    Join,
    TableClause,
    TextClause,
    TextualSelect,
)

from rxauth.storage.tables.metadata import TENANT_COLUMN, is_tenant_table


class TenancyError(Exception):
    """A statement could read or change rows of more than one organization, and gives no reason."""


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement that passed the guard; made by `sql` alone.

    owner: the parameter that names the organization; None: it touches no tenant's table, or those of several tenants.
    """

    clause: Executable
    owner: str | None = None
    is_across: bool = False


def insert_row(table: Table) -> Statement:
    """Returns an INSERT that takes every column of `table` as a parameter of the same name."""
    return sql(insert(table).values({column.name: bindparam(column.name) for column in table.c}))


def sql(clause: Executable, *, across_tenants: str | None = None, only: Sequence[Table] | None = None) -> Statement:
    """Passes a statement through the guard.

    across_tenants: why this statement may touch rows of several organizations; None means it does not. only: the tables
    of which it may; None: of any.

    Raises:
        TenancyError: some SELECT, INSERT, UPDATE or DELETE in it leaves the organization of a tenant's table open.
    """
    if across_tenants is not None and not across_tenants.strip():
        raise TenancyError("across_tenants wants a reason")
    if across_tenants is None or only is not None:
        for part in visitors.iterate(clause):  # type: ignore[arg-type]  # every statement can be traversed
            _check(part, only or ())
    if not any(_is_about_tenants(part) for part in visitors.iterate(clause)):  # type: ignore[arg-type]
        return Statement(clause)
    if across_tenants is not None:
        return Statement(clause, is_across=True)
    return Statement(clause, _owner(clause))


def _is_about_tenants(part: object) -> bool:
    if isinstance(part, (Insert, Update, Delete)):
        return _is_tenants(part.table)
    return _is_tenants(part) or isinstance(part, (TextClause, TextualSelect))


def _owner(clause: Executable) -> str:
    """Returns the name of the one parameter that organizations are compared with, or that a new row's is."""
    owners = set()
    pairs: list[tuple[Any, Any]]
    for part in visitors.iterate(clause):  # type: ignore[arg-type]
        if isinstance(part, BinaryExpression) and part.operator is operators.eq:
            pairs = [(part.left, part.right), (part.right, part.left)]
        elif isinstance(part, Insert):
            pairs = list((part._values or {}).items())
        else:
            continue
        owners |= {
            other.key
            for column, other in pairs
            if isinstance(other, BindParameter) and getattr(column, "name", column) == TENANT_COLUMN
        }
    if len(owners) != 1:
        raise TenancyError(f"one parameter has to name the organization, not {len(owners)}")
    return str(owners.pop())


@dataclass(frozen=True, slots=True)
class _Condition:
    """One conjunct, and the tables it restricts; None means all of the statement's."""

    clause: ColumnElement[Any]
    restricts: tuple[FromClause, ...] | None = None


def _check(part: object, free: Sequence[Table]) -> None:
    if isinstance(part, Select):
        conditions = [_Condition(clause) for clause in _conjuncts(part.whereclause)]
        tables: list[FromClause] = []
        for source in part.get_final_froms():
            tables.extend(_flatten(source, conditions))
        _check_tables([table for table in tables if _is_tenants(table) and not _among(table, free)], conditions)
    elif isinstance(part, (Update, Delete)):
        _check_change(part)
    elif isinstance(part, Insert) and _is_tenants(part.table):
        _check_insert(part)

    elif isinstance(part, (TextClause, TextualSelect)) or (
        isinstance(part, TableClause) and not isinstance(part, Table)
    ):
        raise TenancyError("a statement written as text says nothing of the organizations that it touches")


def _check_change(change: Update | Delete) -> None:
    """Checks an UPDATE or DELETE, and the tables that it reads beside the one it changes."""
    conditions = [_Condition(clause) for clause in _conjuncts(change.whereclause)]
    tables: list[FromClause] = [change.table]
    for column in _columns(change.whereclause):
        if not _among(column.table, tables):
            tables.append(column.table)
    _check_tables([table for table in tables if _is_tenants(table)], conditions)


def _columns(element: ClauseElement | None) -> Iterator[Column[Any]]:
    """Returns the columns of a condition, without those of selects in it, which are checked by themselves."""
    if isinstance(element, Column):
        yield element
    elif element is not None and not isinstance(element, Select):
        for child in element.get_children():
            yield from _columns(child)


def _check_insert(insert: Insert) -> None:
    columns = {getattr(column, "name", column) for column in (insert._values or {})}
    if insert.select is not None:
        columns |= {getattr(column, "name", column) for column in insert._select_names or ()}
    if TENANT_COLUMN not in columns:
        raise TenancyError(f"INSERT into {insert.table.name} does not say which {TENANT_COLUMN} the row has")


def _check_tables(tables: list[FromClause], conditions: list[_Condition]) -> None:
    """A table is bound by a parameter, or by being equal to the organization of a table that is."""
    bound: list[FromClause] = []
    waiting = list(tables)
    while waiting:
        found = [table for table in waiting if any(_binds(condition, table, bound) for condition in conditions)]
        if not found:
            names = ", ".join(sorted(str(getattr(table, "name", table)) for table in waiting))
            raise TenancyError(f"the statement does not bind {TENANT_COLUMN} of: {names}")
        bound.extend(found)
        waiting = [table for table in waiting if not _among(table, found)]


def _binds(condition: _Condition, table: FromClause, bound: list[FromClause]) -> bool:
    clause = condition.clause
    if condition.restricts is not None and not _among(table, condition.restricts):
        return False
    if not isinstance(clause, BinaryExpression) or clause.operator is not operators.eq:
        return False
    owner = table.c[TENANT_COLUMN]
    for mine, other in ((clause.left, clause.right), (clause.right, clause.left)):
        if mine is not owner:
            continue
        if isinstance(other, BindParameter):
            return True
        if isinstance(other, Column) and other.name == TENANT_COLUMN and _among(other.table, bound):
            return True
    return False


def _among(table: object, tables: Iterable[object]) -> bool:
    return any(table is one for one in tables)  # `in` would compare with SQLAlchemy's ==


def _conjuncts(clause: ColumnElement[Any] | None) -> Iterator[ColumnElement[Any]]:
    if isinstance(clause, BooleanClauseList) and clause.operator is operators.and_:
        for part in clause.clauses:
            yield from _conjuncts(part)
    elif clause is not None:
        yield clause


def _flatten(source: FromClause, conditions: list[_Condition]) -> list[FromClause]:
    """Lists the tables of a FROM and adds the ON clauses; an outer join's restricts its right side only."""
    if not isinstance(source, Join):
        return [source]
    left, right = _flatten(source.left, conditions), _flatten(source.right, conditions)
    restricts = tuple(right) if source.isouter else None
    if not source.full:
        conditions.extend(_Condition(clause, restricts) for clause in _conjuncts(source.onclause))
    return left + right


def _is_tenants(table: object) -> bool:
    return is_tenant_table(table.element if isinstance(table, Alias) else table) and isinstance(table, (Table, Alias))

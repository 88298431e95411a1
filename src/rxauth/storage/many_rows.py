"""Many new rows in one statement with two parameters, whatever their number: what a row costs the driver is the most.

Texts and numbers go as one JSON text. Octets lie in one string beside it, and each row says where its own are.
"""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, Final

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    select,
)

from rxauth.storage.sequencing import rows_of_texts, text_at
from rxauth.storage.tenancy import Statement, sql

_TEXTS: Final = "row_texts"
_OCTETS: Final = "row_octets"


def insert_rows(table: Table, **made: ColumnElement[Any]) -> Statement:
    """Returns an INSERT of what `packed` makes of rows; made: columns that the statement itself has a value for."""
    row = rows_of_texts(bindparam(_TEXTS, type_=Text)).table_valued("value").c.value
    places = count()
    values = [made[column.name] if column.name in made else _value(row, column, places) for column in table.c]
    return sql(insert(table).from_select([column.name for column in table.c], select(*values)))


def packed(table: Table, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Returns the parameters of `insert_rows`; what a row has no value for, the statement makes."""
    octets: list[bytes] = []
    texts: list[list[Any]] = []
    names = [(column.name, isinstance(column.type, LargeBinary)) for column in table.c if column.name in rows[0]]
    first = 1
    for row in rows:
        text: list[Any] = []
        for name, is_octets in names:
            value = row[name]
            if is_octets:
                octets.append(value)
                text += (first, len(value))
                first += len(value)
            else:
                text.append(value)
        texts.append(text)
    return {_TEXTS: msgspec.json.encode(texts).decode(), _OCTETS: b"".join(octets)}


def _value(row: ColumnElement[Any], column: Column[Any], places: "count[int]") -> ColumnElement[Any]:
    def next_text() -> ColumnElement[Any]:
        return text_at(row, literal_column(str(next(places))))

    if isinstance(column.type, LargeBinary):
        octets = bindparam(_OCTETS, type_=LargeBinary)
        return func.substr(octets, cast(next_text(), Integer), cast(next_text(), Integer), type_=LargeBinary)
    return next_text() if isinstance(column.type, Text) else cast(next_text(), column.type)

"""Finding things by the beginnings of the words of their names, each of which stands in a table beside them."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, Table, bindparam, select

from rxauth.domain.errors import InvalidError
from rxauth.domain.names import after_prefix, search_words

LIMIT_CHARACTERS: Final = 200
WORDS_LIMIT: Final = 5


def wanted(name: str | None) -> list[str] | None:
    """Returns the words that are looked for; None: any name will do, for nothing was typed. Empty: nothing is found.

    Raises:
        InvalidError: nothing has so long a name.
    """
    if name is None or not name.strip():
        return None
    if len(name) > LIMIT_CHARACTERS:
        raise InvalidError(f"name has more than {LIMIT_CHARACTERS} characters", "name")
    return search_words(name)[:WORDS_LIMIT]


def values(words: Sequence[str]) -> dict[str, str]:
    """Returns the parameters that `matching` asks for."""
    given = {f"word_{number}": word for number, word in enumerate(words)}
    return given | {f"past_{number}": after_prefix(word) for number, word in enumerate(words)}


def matching(
    identifier: Column[Any], found: Column[Any], count: int, *within: ColumnElement[bool]
) -> list[ColumnElement[bool]]:
    """Returns the conditions that a thing has, for each of so many words, one that begins with it.

    found: the column of the table of words that names the thing. within: what else its rows have to be.
    """
    table = found.table
    assert isinstance(table, Table)  # noqa: S101  # a column of a table that was declared
    word = table.c.word
    return [
        identifier.in_(
            select(found).where(word >= bindparam(f"word_{number}"), word < bindparam(f"past_{number}"), *within)
        )
        for number in range(count)
    ]


def are_in(words: Sequence[str], name: str) -> bool:
    """Tells of a single name what `matching` asks of a table."""
    own = search_words(name)
    return all(any(one.startswith(word) for one in own) for word in words)

"""Looking for a part of a text, without case."""

from typing import Any

from sqlalchemy import ColumnElement, bindparam, func

from rxauth.domain.errors import InvalidError

LIMIT_CHARACTERS = 200
_ESCAPE = "\\"


def contains(column: ColumnElement[Any], parameter: str) -> ColumnElement[bool]:
    """Returns the condition that `column` has the text of a parameter in it; the parameter is made by `part`."""
    return func.lower(column).like(func.lower(bindparam(parameter)), escape=_ESCAPE)


def part(text: str) -> str:
    """Returns the parameter that looks for `text`, whose own wildcards mean themselves.

    Raises:
        InvalidError: nothing has so long a name.
    """
    if len(text) > LIMIT_CHARACTERS:
        raise InvalidError(f"name has more than {LIMIT_CHARACTERS} characters", "name")
    for character in (_ESCAPE, "%", "_"):
        text = text.replace(character, _ESCAPE + character)
    return f"%{text}%"

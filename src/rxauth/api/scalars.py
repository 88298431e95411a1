"""The contract's scalars: what they accept, and how they are written."""

import datetime
import re
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

from graphql import GraphQLError, GraphQLScalarType, StringValueNode, ValueNode

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PHONE_PUNCTUATION = str.maketrans("", "", " -().")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_US_DIGITS: Final = 10


def format_datetime(at_ms: int) -> str:
    """Returns UTC milliseconds as ISO 8601 with milliseconds and Z."""
    moment = datetime.datetime.fromtimestamp(at_ms / 1000, datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at_ms % 1000:03d}Z"


def _date(text: str) -> str:
    try:
        if _DAY.fullmatch(text) is None:
            raise ValueError(text)
        return datetime.date.fromisoformat(text).isoformat()
    except ValueError:
        raise GraphQLError("A date is written YYYY-MM-DD.") from None


def _datetime(text: str) -> int:
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise GraphQLError("A time is written like 2026-11-23T16:00:00.000Z.") from None
    if moment.tzinfo is None:
        raise GraphQLError("A time says its offset from UTC, such as Z.")
    return round(moment.timestamp() * 1000)


def _email(text: str) -> str:
    if _EMAIL.fullmatch(text) is None or ".." in text:
        raise GraphQLError("That is not an e-mail address.")
    return text


def _phone(text: str) -> str:
    """Reads a telephone number; ten digits without a country are the United States'."""
    digits = text.translate(_PHONE_PUNCTUATION)
    if len(digits) == _US_DIGITS and not digits.startswith("+"):
        digits = f"+1{digits}"
    elif len(digits) == _US_DIGITS + 1 and digits.startswith("1"):
        digits = f"+{digits}"
    if _E164.fullmatch(digits) is None:
        raise GraphQLError("A phone number is written like +12025550102.")
    return digits


def _scalar(name: str, read: Callable[[str], Any], write: Callable[[Any], str] = str) -> GraphQLScalarType:
    def from_variable(value: Any) -> Any:
        if not isinstance(value, str):
            raise GraphQLError(f"{name} is a text.")
        return read(value)

    def from_literal(node: ValueNode) -> Any:
        if not isinstance(node, StringValueNode):
            raise GraphQLError(f"{name} is a text.", node)
        try:
            return read(node.value)
        except GraphQLError as error:
            raise GraphQLError(error.message, node) from None

    return GraphQLScalarType(
        name, coerce_output_value=write, coerce_input_value=from_variable, coerce_input_literal=from_literal
    )


SCALARS: Final = MappingProxyType(
    {
        "AWSDate": _scalar("AWSDate", _date),
        "AWSDateTime": _scalar("AWSDateTime", _datetime, format_datetime),
        "AWSEmail": _scalar("AWSEmail", _email),
        "AWSPhone": _scalar("AWSPhone", _phone),
    }
)

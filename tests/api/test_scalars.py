"""The contract's scalars as the executable schema reads and writes them."""

import datetime
from typing import Any

import pytest
from graphql import GraphQLError, GraphQLScalarType
from hypothesis import given
from hypothesis import strategies as st

from rxauth.api.scalars import SCALARS, format_datetime
from tests.api.measures import SCHEMA


def scalar(name: str) -> GraphQLScalarType:
    """Returns a scalar of the schema that the server runs."""
    found = SCHEMA.type_map[name]
    assert isinstance(found, GraphQLScalarType)
    return found


def read(name: str, value: Any) -> Any:
    """Reads a value as the executor reads a variable."""
    return scalar(name).coerce_input_value(value)


@pytest.mark.parametrize("name", SCALARS)
@pytest.mark.parametrize("value", [None, 0, 1.5, True, [], {}, ["2026-01-01"]])
def test_a_scalar_is_written_as_a_text(name: str, value: Any) -> None:
    with pytest.raises(GraphQLError):
        read(name, value)


@given(st.dates())
def test_a_date_is_read_as_it_is_written(day: datetime.date) -> None:
    assert read("AWSDate", day.isoformat()) == day.isoformat()
    assert scalar("AWSDate").coerce_output_value(day.isoformat()) == day.isoformat()


@pytest.mark.parametrize(
    "text", ["", "2026-02-29", "2026-13-01", "2026-1-1", "20260101", "2026-01-01T00:00:00Z", "today"]
)
def test_a_day_that_is_not_is_no_date(text: str) -> None:
    with pytest.raises(GraphQLError, match="YYYY-MM-DD"):
        read("AWSDate", text)


@given(st.integers(0, 253_402_300_799_999))
def test_a_time_is_read_as_it_is_written(at_ms: int) -> None:
    assert read("AWSDateTime", format_datetime(at_ms)) == at_ms
    assert scalar("AWSDateTime").coerce_output_value(at_ms) == format_datetime(at_ms)


@pytest.mark.parametrize(
    ("at_ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_435_200_000, "2026-11-23T12:00:00.000Z"),
        (1_795_435_200_007, "2026-11-23T12:00:00.007Z"),
        (1_582_934_399_999, "2020-02-28T23:59:59.999Z"),
    ],
)
def test_a_time_is_written_with_milliseconds_and_z(at_ms: int, text: str) -> None:
    assert format_datetime(at_ms) == text


@pytest.mark.parametrize(
    ("text", "at_ms"), [("2026-11-23T12:00:00Z", 1_795_435_200_000), ("2026-11-23T07:00:00-05:00", 1_795_435_200_000)]
)
def test_a_time_may_have_another_offset(text: str, at_ms: int) -> None:
    assert read("AWSDateTime", text) == at_ms


@pytest.mark.parametrize(
    "text", ["", "2026-11-23", "2026-11-23T12:00:00", "noon", "1795435200", "2026-11-23T25:00:00Z"]
)
def test_a_time_without_its_offset_is_no_time(text: str) -> None:
    with pytest.raises(GraphQLError):
        read("AWSDateTime", text)


@pytest.mark.parametrize(
    "text", ["a@b.example", "first.last+tag@sub.example.com", "o'hara@example.com", "ä@example.com"]
)
def test_an_address_is_kept_as_it_is_written(text: str) -> None:
    assert read("AWSEmail", text) == text


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_an_international_number_is_kept_as_it_is_written(number: str) -> None:
    assert read("AWSPhone", number) == number


@given(st.text(max_size=30))
def test_whatever_is_read_as_a_phone_number_is_in_its_international_form(text: str) -> None:
    try:
        number = read("AWSPhone", text)
    except GraphQLError:
        return
    assert number[0] == "+"
    assert number[1:].isascii()
    assert number[1:].isdigit()
    assert 7 <= len(number) - 1 <= 15

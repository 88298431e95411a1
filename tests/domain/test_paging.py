"""Pages: their sizes and where they begin."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rxauth.domain.errors import InvalidError
from rxauth.domain.paging import DEFAULT_ROWS, FROM_THE_START, LIMIT_ROWS, Page, page
from rxauth.ids import Kind, new_id


@pytest.mark.parametrize(
    ("first", "rows"), [(None, 25), (1, 1), (25, 25), (99, 99), (100, 100), (101, 100), (2**31 - 1, 100)]
)
def test_a_page_has_as_many_rows_as_asked_up_to_a_hundred(first: int | None, rows: int) -> None:
    assert page(None, first) == Page(rows, FROM_THE_START)


@pytest.mark.parametrize("first", [0, -1, -(2**31)])
def test_a_page_of_no_rows_is_refused(first: int) -> None:
    with pytest.raises(InvalidError, match="first"):
        page(None, first)


def test_the_usual_size_is_within_the_limit() -> None:
    assert page(None, None).rows == DEFAULT_ROWS <= LIMIT_ROWS


@pytest.mark.parametrize("after", [None, ""])
def test_a_cursor_that_says_nothing_is_the_start(after: str | None) -> None:
    assert page(after, 10).before == FROM_THE_START


@given(st.text(min_size=1))
def test_a_cursor_is_where_the_page_begins(after: str) -> None:
    assert page(after, 10).before == after


@given(st.sampled_from(Kind), st.integers(0, 2**48 - 1))
def test_the_start_is_before_every_identifier(kind: Kind, at_ms: int) -> None:
    assert new_id(kind, at_ms) < FROM_THE_START

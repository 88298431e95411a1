"""The order file of ICD-10-CM, as it is published: columns are places in the line."""

import io
import tracemalloc
from collections.abc import Iterator
from typing import IO, Any

import pytest

from rxauth.domain import icd10_file
from rxauth.domain.diagnoses import Diagnosis
from rxauth.domain.ndc_file import BrokenTableError

CHAPTER = ("00001", "A00", "0", "Cholera", "Cholera")
CODE = (
    "00002",
    "A000",
    "1",
    "Cholera due to Vibrio cholerae 01, biovar cholerae",
    "Cholera due to the classical biovar",
)
LONG = (
    "12345",
    "T782XXA",
    "1",
    "Anaphylactic shock, unspecified, initial encounter",
    "Anaphylactic shock, unspecified",
)


def line(number: str, code: str, flag: str, short: str, long: str) -> str:
    """Returns a line as it is published: places 1-5, 7-13, 15, 17-76, and from 78 on."""
    return f"{number:5} {code:7} {flag} {short:60} {long}\n"


def read(*lines: str) -> list[Diagnosis]:
    """Reads an order file."""
    return list(icd10_file.rows(io.BytesIO("".join(lines).encode())))


def test_diagnoses_are_read_with_their_dots() -> None:
    assert read(line(*CHAPTER), line(*CODE), line(*LONG)) == [
        Diagnosis("A00", "Cholera", billable=False),
        Diagnosis("A00.0", "Cholera due to the classical biovar"),
        Diagnosis("T78.2XXA", "Anaphylactic shock, unspecified"),
    ]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ("00002 A000\n", "line 2: the header flag is missing"),
        ("00002 A000    1 Cholera\n", "line 2: the long description is missing"),
        (line("00002", "", "1", "a", "a"), "line 2: the code is missing"),
        (line("", "A000", "1", "a", "a"), "line 2: the order number is missing"),
        (line("x", "A000", "1", "a", "a"), "line 2: the order number is no number"),
        (line("00002", "A000", "2", "a", "a"), "line 2: the header flag is neither 0 nor 1"),
        (line("00002", "1A", "1", "a", "a"), "line 2: the code is none of ICD-10-CM"),
        ("a" * 100_001, "line 2: it has more than 100000 bytes"),
    ],
)
def test_a_line_that_is_too_short_or_wrong_is_named_with_its_column(broken: str, told: str) -> None:
    with pytest.raises(BrokenTableError) as raised:
        read(line(*CHAPTER), broken)

    assert str(raised.value) == told


class Long(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines

    def readline(self, _size: int | None = -1, /) -> bytes:
        return next(self._lines, b"")


@pytest.mark.proof
def test_memory_does_not_grow_with_the_file(is_whole: bool) -> None:
    rows = 1_000_000 if is_whole else 5_000
    made: Any = (line(f"{n % 100_000:05}", f"A{n % 90 + 10}{n % 10}", "1", "a", "a").encode() for n in range(rows))
    stream: IO[bytes] = Long(made)  # type: ignore[assignment]
    tracemalloc.start()
    count = sum(1 for _ in icd10_file.rows(stream))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == rows
    assert peak < 1_000_000

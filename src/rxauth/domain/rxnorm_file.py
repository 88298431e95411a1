"""Reading RxNorm's release files (RRF): cells between bars, one more bar at the end, and no header line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Final

from rxauth.domain.ndc_file import BrokenTableError
from rxauth.domain.reference_files import lines

CONCEPTS: Final = "RXNCONSO.RRF"
RELATIONS: Final = "RXNREL.RRF"
ATTRIBUTES: Final = "RXNSAT.RRF"
# The columns of each table, as the release's documentation lists them.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    table: tuple(names.split())
    for table, names in (
        (CONCEPTS, "RXCUI LAT TS LUI STT SUI ISPREF RXAUI SAUI SCUI SDUI SAB TTY CODE STR SRL SUPPRESS CVF"),
        (RELATIONS, "RXCUI1 RXAUI1 STYPE1 REL RXCUI2 RXAUI2 STYPE2 RELA RUI SRUI SAB SL DIR RG SUPPRESS CVF"),
        (ATTRIBUTES, "RXCUI LUI SUI RXAUI STYPE CODE ATUI SATUI ATN SAB ATV SUPPRESS CVF"),
    )
}
NAMES: Final = {table: re.compile(re.escape(table), re.IGNORECASE) for table in COLUMNS}
_SOURCE: Final = "RXNORM"  # the files also have the names and codes of other sources, under licences of their own
# No brand names: what a brand is used for may have several meanings, and its drugs say what they contain themselves.
_TYPES: Final = frozenset({"IN", "PIN", "MIN", "SCDC", "SCD", "SBD", "GPCK", "BPCK"})
_RELATIONS: Final = frozenset({"has_ingredient", "consists_of", "contains", "tradename_of", "form_of", "has_part"})


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept. type: a term type of RxNorm: IN is an ingredient, SCD a drug, SBD one with a brand."""

    rxcui: str
    type: str
    name: str


@dataclass(frozen=True, slots=True)
class Relation:
    """`of` is related to `to`: a drug consists_of a component, a component has_ingredient an ingredient."""

    of: str
    how: str
    to: str


@dataclass(frozen=True, slots=True)
class Coded:
    """A concept is sold under an NDC, as on a bill: eleven digits."""

    rxcui: str
    ndc: str


def concepts(stream: IO[bytes]) -> Iterator[Concept | None]:
    """Reads the concepts of RxNorm's own; None for each other line.

    Raises:
        BrokenTableError: naming the line, and the column that is missing.
    """
    for rxcui, source, kind, name, suppressed in _picked(stream, CONCEPTS, "RXCUI SAB TTY STR SUPPRESS"):
        counts = source == _SOURCE and kind in _TYPES and suppressed in {"N", ""}
        yield Concept(rxcui, kind, name) if counts else None


def relations(stream: IO[bytes]) -> Iterator[Relation | None]:
    """Reads what consists of what, as `concepts` does its table; a line begins with what it is related to."""
    for to, of, how, source in _picked(stream, RELATIONS, "RXCUI1 RXCUI2 RELA SAB"):
        yield Relation(of, how, to) if source == _SOURCE and how in _RELATIONS and to and of else None


def codes(stream: IO[bytes]) -> Iterator[Coded | None]:
    """Reads the NDCs, as `concepts` does its table."""
    for rxcui, name, source, value, suppressed in _picked(stream, ATTRIBUTES, "RXCUI ATN SAB ATV SUPPRESS"):
        counts = name == "NDC" and source == _SOURCE and suppressed in {"N", ""}
        yield Coded(rxcui, value) if counts else None


def _picked(stream: IO[bytes], table: str, wanted: str) -> Iterator[Sequence[str]]:
    columns = COLUMNS[table]
    places = [columns.index(name) for name in wanted.split()]
    for number, line in lines(stream):
        cells = line.split("|")
        if len(cells) != len(columns) + 1:
            told = f"line {number} of {table}: it has {len(cells) - 1} columns, the published layout {len(columns)}"
            missing = columns[max(len(cells) - 1, 0)] if len(cells) <= len(columns) else None
            raise BrokenTableError(told if missing is None else f"{told}: {missing} is missing")
        yield [cells[place] for place in places]

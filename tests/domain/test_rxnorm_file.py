"""RxNorm's release files, as they are published: cells between bars, without a header."""

import io
import tracemalloc
import zipfile
from pathlib import Path
from typing import IO, Any

import pytest

from rxauth.domain import rxnorm_file
from rxauth.domain.ndc_file import BrokenTableError
from rxauth.domain.rxnorm_file import ATTRIBUTES, COLUMNS, CONCEPTS, RELATIONS, Coded, Concept, Relation
from tests.domain.test_icd10_file import Long

READERS: dict[str, Any] = {
    CONCEPTS: rxnorm_file.concepts,
    RELATIONS: rxnorm_file.relations,
    ATTRIBUTES: rxnorm_file.codes,
}


def line(table: str, **cells: str) -> str:
    """Returns a line of a table of RxNorm's own."""
    own = {"SAB": "RXNORM", "SUPPRESS": "N", **cells}
    return "|".join([*(own.get(name, "") for name in COLUMNS[table]), ""]) + "\n"


def concept(rxcui: str, kind: str, name: str, **cells: str) -> str:
    """Returns a line of concepts."""
    return line(CONCEPTS, RXCUI=rxcui, TTY=kind, STR=name, **cells)


def relation(of: str, how: str, to: str, **cells: str) -> str:
    """Returns a line of relations."""
    return line(RELATIONS, RXCUI2=of, RELA=how, RXCUI1=to, **cells)


def coded(rxcui: str, ndc: str, **cells: str) -> str:
    """Returns a line of attributes that is an NDC."""
    return line(ATTRIBUTES, **{"RXCUI": rxcui, "ATN": "NDC", "ATV": ndc, **cells})


def release(folder: Path, concepts: list[str], relations: list[str], codes: list[str]) -> Path:
    """Writes a release, which has the subset of what may be prescribed beside the whole; returns its path."""
    file = folder / "RxNorm_full.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for table, lines in ((CONCEPTS, concepts), (RELATIONS, relations), (ATTRIBUTES, codes)):
            archive.writestr(f"prescribe/rrf/{table}", "")
            archive.writestr(f"rrf/{table}", "".join(lines))
    return file


def read(table: str, *lines: str) -> list[Any]:
    """Reads a table."""
    return list(READERS[table](io.BytesIO("".join(lines).encode())))


def test_concepts_relations_and_codes_are_read() -> None:
    assert read(CONCEPTS, concept("9", "IN", "testocillin")) == [Concept("9", "IN", "testocillin")]
    assert read(RELATIONS, relation("8", "has_ingredient", "9")) == [Relation("8", "has_ingredient", "9")]
    assert read(ATTRIBUTES, coded("7", "99999000130")) == [Coded("7", "99999000130")]


def test_what_is_of_others_or_suppressed_or_of_no_use_is_left_out() -> None:
    concepts = [{"SAB": "MMSL"}, {"SUPPRESS": "O"}, {"TTY": "DF"}, {"TTY": "BN"}]
    assert read(CONCEPTS, *(line(CONCEPTS, **{"RXCUI": "9", "TTY": "IN", **one}) for one in concepts)) == [None] * 4
    assert read(RELATIONS, relation("8", "isa", "9"), relation("8", "contains", "9", SAB="MMSL")) == [None] * 2
    codes = [{"SAB": "MTHSPL"}, {"SUPPRESS": "O"}, {"ATN": "RXN_STRENGTH"}]
    assert read(ATTRIBUTES, *(coded("7", "99999000130", **one) for one in codes)) == [None] * 3


@pytest.mark.parametrize("table", COLUMNS)
def test_a_line_with_fewer_columns_names_the_first_that_is_missing(table: str) -> None:
    names = COLUMNS[table]
    for count in range(1, len(names)):
        with pytest.raises(BrokenTableError) as raised:
            read(table, line(table), "|".join(["x"] * count) + "|\n")
        told = (
            f"line 2 of {table}: it has {count} columns, the published layout {len(names)}: {names[count]} is missing"
        )
        assert str(raised.value) == told
    with pytest.raises(BrokenTableError, match=rf"it has {len(names) + 1} columns, the published layout {len(names)}$"):
        read(table, "|".join(["x"] * (len(names) + 1)) + "|\n")


@pytest.mark.proof
@pytest.mark.parametrize("table", COLUMNS)
def test_memory_does_not_grow_with_the_file(table: str, is_whole: bool) -> None:
    rows = 1_000_000 if is_whole else 5_000
    made = {CONCEPTS: concept("9", "IN", "a"), RELATIONS: relation("8", "contains", "9"), ATTRIBUTES: coded("7", "1")}
    stream: IO[bytes] = Long(made[table].encode() for _ in range(rows))  # type: ignore[assignment]
    tracemalloc.start()
    count = sum(1 for _ in READERS[table](stream))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == rows
    assert peak < 1_000_000

"""Generated files of a million rows are imported, and memory does not grow with them."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from rxauth.cli.reference_sources import Work
from rxauth.domain import (
    diagnoses,
    icd10_file,
    ndc_file,
    ndc_import,
    nppes_pharmacies,
    rxnorm_file,
    rxnorm_import,
)
from rxauth.ids import ALPHANUMERIC
from rxauth.storage.database import Database
from rxauth.storage.scratch import scratch
from tests.domain.test_icd10_file import Long, line
from tests.domain.test_ndc_file import MADE_UP as PRODUCT
from tests.domain.test_ndc_file import PRODUCT_HEADER, TODAY
from tests.domain.test_ndc_file import table as products
from tests.domain.test_nppes_pharmacies import MADE_UP as PHARMACY
from tests.domain.test_nppes_pharmacies import WHERE
from tests.domain.test_nppes_pharmacies import table as register
from tests.domain.test_rxnorm_file import coded, concept, relation
from tests.world import NOW, World

MEGABYTES_LIMIT = 40  # more than this and it grows; a million rows held in memory are several hundred


class Watched:
    """A file that is made while it is read, and how much memory the process has meanwhile."""

    def __init__(self, rows: int, make: Callable[[int], bytes], header: bytes = b"") -> None:
        self._rows = rows
        self._make = make
        self._header = header
        self.megabytes: list[float] = []

    @property
    def stream(self) -> IO[bytes]:
        """The file, to be read once."""
        return Long(self._lines())  # type: ignore[return-value]

    def _lines(self) -> Iterator[bytes]:
        if self._header:
            yield self._header
        for number in range(self._rows):
            if number % max(1, self._rows // 50) == 0:
                pages = int(Path("/proc/self/statm").read_text().split()[1])
                self.megabytes.append(pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
            yield self._make(number)

    @property
    def growth(self) -> float:
        """By how much it grew after the first fifth, in which caches fill."""
        return max(self.megabytes) - max(self.megabytes[:10])


def import_diagnoses(work: Work, rows: int) -> Watched:
    """Imports diagnoses, each another."""

    def make(number: int) -> bytes:
        digits = ALPHANUMERIC[:36]
        rest = "".join(digits[number // 36**place % 36] for place in range(4))
        return line(
            f"{number % 100_000:05}", f"A0{rest[0]}{rest[1:]}{digits[number // 36**4]}", "1", "a", "b c"
        ).encode()

    file = Watched(rows, make)
    work.keep("diagnoses", icd10_file.rows(file.stream), diagnoses.keep)
    return file


def import_products(work: Work, rows: int) -> Watched:
    """Imports products, fifty to a drug."""
    header, row, _ = products(PRODUCT_HEADER, PRODUCT | {"PRODUCTNDC": "@", "NONPROPRIETARYNAME": "#"}).split("\r\n")

    def make(number: int) -> bytes:
        return f"{row.replace('@', f'{number:09}').replace('#', f'drug {number // 50}')}\r\n".encode()

    file = Watched(rows, make, f"{header}\r\n".encode())
    work.keep("products", ndc_file.products(file.stream, TODAY), ndc_import.keep_products)
    return file


def import_pharmacies(work: Work, rows: int) -> Watched:
    """Imports a register in which every tenth is a pharmacy."""
    header, row, _ = register(PHARMACY).split(b"\r\n")

    def make(number: int) -> bytes:
        made = row.replace(b'"1234567893"', f'"{npi(number)}"'.encode())
        return (made if number % 10 == 0 else made.replace(b"3336C", b"1111C")) + b"\r\n"

    file = Watched(rows, make, header + b"\r\n")
    work.keep("pharmacies", nppes_pharmacies.rows(file.stream, WHERE), nppes_pharmacies.keep)
    return file


def import_rxnorm(work: Work, rows: int) -> Watched:
    """Imports concepts of which every twentieth is an ingredient, remembers relations, and looks for codes."""
    kinds = ("IN", *(("SCD", "SBD", "SCDC") * 7)[:19])
    third = rows // 3
    files = [
        Watched(third, lambda number: concept(str(number), kinds[number % 20], f"name {number}").encode()),
        Watched(third, lambda number: relation(str(number), "consists_of", str(number + 1)).encode()),
        Watched(third, lambda number: coded(str(number), f"{number:011}").encode()),
    ]
    with scratch() as memory:
        rxnorm_import.begin(memory)

        def concepts(found: list[Any]) -> None:
            rxnorm_import.remember_concepts(memory, found)
            work.database.write(lambda tx: rxnorm_import.keep_ingredients(tx, found))

        work.each("concepts", rxnorm_file.concepts(files[0].stream), concepts)
        work.each(
            "relations",
            rxnorm_file.relations(files[1].stream),
            lambda found: rxnorm_import.remember_relations(memory, found),
        )
        work.keep(
            "codes",
            rxnorm_file.codes(files[2].stream),
            lambda tx, found: rxnorm_import.keep_codes(tx, memory, found),
        )
    return max(files, key=lambda file: file.growth)


def npi(number: int) -> str:
    """Returns an NPI with its check digit (45 CFR 162.406: the Luhn formula, with 80840 in front)."""
    digits = f"1{number:08}"
    total = 24
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{digits}{-total % 10}"


IMPORTS = [import_diagnoses, import_products, import_pharmacies, import_rxnorm]


@pytest.mark.proof
@pytest.mark.parametrize("imported", IMPORTS)
def test_memory_does_not_grow_with_the_file(
    sqlite_world: World, imported: Callable[[Work, int], Watched], is_whole: bool
) -> None:
    rows = 1_000_000 if is_whole else 1_500
    database = Database(sqlite_world.settings.database_url)
    work = Work(database, Path("none"), None, NOW)
    began = time.monotonic()

    file = imported(work, rows)

    database.close()
    rate = rows / (time.monotonic() - began)
    print(f"{rows} rows, {rate:.0f} a second, {file.growth:.0f} MB more of {max(file.megabytes):.0f}; {work.told()}")
    assert file.growth < MEGABYTES_LIMIT
    assert sum(work.counts.values()) == (rows // 3 * 3 if imported is import_rxnorm else rows)

"""How each official file is imported: a transaction for each batch of lines, counted, and told how far it is."""

import datetime
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Final

from rxauth.domain import (
    diagnoses,
    gazetteer_file,
    icd10_file,
    ndc_file,
    ndc_import,
    nppes_file,
    nppes_pharmacies,
    reference_files,
    rxnorm_file,
    rxnorm_import,
)
from rxauth.domain.ndc_file import BrokenTableError
from rxauth.domain.nppes_file import BrokenFileError
from rxauth.storage.database import Database, Transaction
from rxauth.storage.scratch import Scratch, scratch

BROKEN: Final = (BrokenTableError, BrokenFileError)
_BATCH = 500  # a tenth of a second: a server that runs beside it goes on writing
_TELL_EVERY = 50_000


class Work:
    """An import that is under way. now: UTC seconds."""

    def __init__(self, database: Database, file: Path, places: Path | None, now: int) -> None:
        self.database = database
        self.file = file
        self.places = places
        self.today = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y%m%d")
        self.counts: dict[str, int] = {}

    def keep(self, what: str, found: Iterator[Any], keep: Callable[[Transaction, list[Any]], int | None]) -> None:
        """Keeps what the lines of a file say; `keep` returns how many of them it had no use for, None: of all."""
        self.each(what, found, lambda batch: self.database.write(partial(_kept, keep=keep, found=batch)))

    def each(self, what: str, found: Iterator[Any], use: Callable[[list[Any]], int | None]) -> None:
        """Uses what the lines of a file say, as `keep` does, without a transaction."""
        self.counts.setdefault("left_out", 0)
        self.counts[what] = 0
        lines, began = 0, time.monotonic()
        while batch := list(islice(found, _BATCH)):
            used = [one for one in batch if one is not None]
            homeless = use(used) or 0
            self.counts[what] += len(used) - homeless
            self.counts["left_out"] += len(batch) - len(used) + homeless
            lines += len(batch)
            if lines % _TELL_EVERY == 0:
                print(f"{what}: {lines} lines, {lines / (time.monotonic() - began):.0f} a second", file=sys.stderr)

    def told(self) -> str:
        """Returns what is said in the end."""
        kept = [f"{count} {what}" for what, count in self.counts.items() if what != "left_out"]
        listed = " and ".join([", ".join(kept[:-1]), kept[-1]] if len(kept) > 1 else kept)
        return f"{listed} were imported, {self.counts['left_out']} lines were left out."


def _kept(transaction: Transaction, keep: Callable[[Transaction, list[Any]], int | None], found: list[Any]) -> int:
    return keep(transaction, found) or 0


def _ndc(work: Work) -> None:
    work.counts |= {"products": 0, "packages": 0}
    with ndc_file.opened(work.file, ndc_file.PRODUCT_TABLE) as stream:
        work.keep("products", ndc_file.products(stream, work.today), ndc_import.keep_products)
    with ndc_file.opened(work.file, ndc_file.PACKAGE_TABLE) as stream:
        work.keep("packages", ndc_file.packages(stream, work.today), ndc_import.keep_packages)


def _diagnoses(work: Work) -> None:
    with reference_files.opened(work.file, icd10_file.NAME, icd10_file.CALLED) as stream:
        work.keep("diagnoses", icd10_file.rows(stream), diagnoses.keep)


def _pharmacies(work: Work) -> None:
    places: Mapping[str, tuple[float, float]] = {}
    if work.places is not None:
        with reference_files.opened(work.places, gazetteer_file.NAME, gazetteer_file.CALLED) as stream:
            places = gazetteer_file.places(stream)
    with nppes_file.opened(work.file) as stream:
        work.keep("pharmacies", nppes_pharmacies.rows(stream, places), nppes_pharmacies.keep)


def _rxnorm(work: Work) -> None:
    with scratch() as memory:
        rxnorm_import.begin(memory)

        def concepts(found: list[Any]) -> None:
            rxnorm_import.remember_concepts(memory, found)
            work.database.write(partial(rxnorm_import.keep_ingredients, found=found))

        with _table(work, rxnorm_file.CONCEPTS) as stream:
            work.each("concepts", rxnorm_file.concepts(stream), concepts)
        with _table(work, rxnorm_file.RELATIONS) as stream:
            work.each("relations", rxnorm_file.relations(stream), partial(rxnorm_import.remember_relations, memory))
        with _table(work, rxnorm_file.ATTRIBUTES) as stream:
            work.keep("codes", rxnorm_file.codes(stream), partial(_codes, memory=memory))
        rxnorm_import.finish(work.database, memory)


def _codes(transaction: Transaction, found: list[Any], memory: Scratch) -> int:
    return rxnorm_import.keep_codes(transaction, memory, found)


@contextmanager
def _table(work: Work, name: str) -> Iterator[Any]:
    with reference_files.opened(work.file, rxnorm_file.NAMES[name], name) as stream:
        yield stream


SOURCES: Final[Mapping[str, Callable[[Work], None]]] = {
    "ndc": _ndc,
    "rxnorm": _rxnorm,
    "pharmacies": _pharmacies,
    "diagnoses": _diagnoses,
}

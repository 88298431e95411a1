"""Reading the FDA's directory of drug codes (NDC) line by line: product.txt and package.txt, alone or in their zip.

Both are tables of cells between tabs, in Windows-1252; columns are found by the names in the first line.
"""

import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from rxauth.domain.errors import InvalidError

PRODUCT_TABLE: Final = "product.txt"
PACKAGE_TABLE: Final = "package.txt"
PRODUCT_COLUMNS: Final = (
    "PRODUCTNDC",
    "PRODUCTTYPENAME",
    "PROPRIETARYNAME",
    "PROPRIETARYNAMESUFFIX",
    "NONPROPRIETARYNAME",
    "DOSAGEFORMNAME",
    "ROUTENAME",
    "ENDMARKETINGDATE",
    "LABELERNAME",
    "SUBSTANCENAME",
    "ACTIVE_NUMERATOR_STRENGTH",
    "ACTIVE_INGRED_UNIT",
    "DEASCHEDULE",
    "NDC_EXCLUDE_FLAG",
)
PACKAGE_COLUMNS: Final = ("PRODUCTNDC", "NDCPACKAGECODE", "PACKAGEDESCRIPTION", "ENDMARKETINGDATE", "NDC_EXCLUDE_FLAG")
LINE_LIMIT_BYTES: Final = 200_000  # the longest real lines, of products with hundreds of substances, have some 20,000
_TYPES: Final = {"HUMAN PRESCRIPTION DRUG": "RX", "HUMAN OTC DRUG": "OTC"}
_SCHEDULES: Final = {"": None, "CI": "I", "CII": "II", "CIII": "III", "CIV": "IV", "CV": "V"}
_BROKEN: Final = (OSError, EOFError, zipfile.BadZipFile, zlib.error)


class BrokenTableError(InvalidError):
    """A table of the directory cannot be read any further; what came before is sound."""


@dataclass(frozen=True, slots=True)
class Product:
    """What the directory says of a product; None: it does not say it. type: RX, OTC or None. schedule: I to V."""

    ndc: str
    type: str | None
    brand_name: str | None
    generic_name: str
    strength: str | None
    route: str | None
    form: str | None
    labeler: str | None
    schedule: str | None


@dataclass(frozen=True, slots=True)
class Package:
    """What the directory says of a package."""

    ndc: str
    product_ndc: str
    description: str


@contextmanager
def opened(file: Path, table: str) -> Iterator[IO[bytes]]:
    """Opens a table: the file of that name itself, or the one inside a .zip.

    Raises:
        BrokenTableError: it cannot be read, or has no such table.
    """
    try:
        if file.suffix.lower() != ".zip":
            with file.open("rb") as stream:
                yield stream
            return
        with zipfile.ZipFile(file) as archive, archive.open(_member(archive, table)) as inside:
            yield inside
    except OSError as error:
        raise BrokenTableError(f"{file.name} cannot be read: {error.strerror or 'it is damaged'}") from None
    except (NotImplementedError, RuntimeError, zipfile.BadZipFile):
        raise BrokenTableError(f"{file.name} is no whole zip file: download it again") from None


def products(stream: IO[bytes], today: str) -> Iterator[Product | None]:
    """Reads a table of products; None for each line that the directory leaves out, or whose marketing has ended.

    today: YYYYMMDD.

    Raises:
        BrokenTableError: naming the line.
    """
    for number, cells in _lines(stream, PRODUCT_COLUMNS):
        generic_name = _plain(cells["NONPROPRIETARYNAME"]) or _plain(cells["SUBSTANCENAME"])
        if _is_out(cells, today) or generic_name is None:
            yield None
            continue
        schedule = cells["DEASCHEDULE"].upper()
        if schedule not in _SCHEDULES:  # taken for none, a controlled substance would seem to be an ordinary one
            raise BrokenTableError(f"line {number}: DEASCHEDULE is none of CI, CII, CIII, CIV and CV")
        brand = _plain(f"{cells['PROPRIETARYNAME']} {cells['PROPRIETARYNAMESUFFIX']}")
        yield Product(
            ndc=_code(cells["PRODUCTNDC"], number),
            type=_TYPES.get(cells["PRODUCTTYPENAME"].upper()),
            brand_name=None if brand is None or brand.casefold() == generic_name.casefold() else brand,
            generic_name=generic_name.lower(),
            strength=_strength(cells["ACTIVE_NUMERATOR_STRENGTH"], cells["ACTIVE_INGRED_UNIT"]),
            route=_titled(cells["ROUTENAME"].replace(";", " / ")),
            form=_titled(cells["DOSAGEFORMNAME"]),
            labeler=_plain(cells["LABELERNAME"]),
            schedule=_SCHEDULES[schedule],
        )


def packages(stream: IO[bytes], today: str) -> Iterator[Package | None]:
    """Reads a table of packages, as `products` does its own."""
    for number, cells in _lines(stream, PACKAGE_COLUMNS):
        if _is_out(cells, today):
            yield None
            continue
        description = _plain(cells["PACKAGEDESCRIPTION"]) or "package"
        yield Package(_code(cells["NDCPACKAGECODE"], number), _code(cells["PRODUCTNDC"], number), description)


def _lines(stream: IO[bytes], columns: tuple[str, ...]) -> Iterator[tuple[int, Mapping[str, str]]]:
    header = _cells(_next(stream, 1))
    missing = [name for name in columns if header.count(name) != 1]
    if missing:
        raise BrokenTableError(f"line 1: it does not name the column {missing[0]!r} once")
    places = [(name, header.index(name)) for name in columns]
    number = 1
    while line := _next(stream, number + 1):
        number += 1
        cells = _cells(line)
        if cells == [""]:
            continue
        if len(cells) != len(header):
            raise BrokenTableError(f"line {number}: it has {len(cells)} cells, the first line {len(header)}")
        yield number, {name: cells[place] for name, place in places}


def _next(stream: IO[bytes], number: int) -> str:
    try:
        line = stream.readline(LINE_LIMIT_BYTES + 1)
    except _BROKEN:
        raise BrokenTableError(f"after line {number - 1}: the file is damaged or cut off") from None
    if len(line) > LINE_LIMIT_BYTES:
        raise BrokenTableError(f"line {number}: it has more than {LINE_LIMIT_BYTES} bytes")
    return line.decode("cp1252", errors="replace")


def _cells(line: str) -> list[str]:
    return [_unquoted(cell.strip()) for cell in line.rstrip("\r\n").split("\t")]


def _unquoted(cell: str) -> str:
    """Takes off the quotes that spreadsheets put around cells with quotes or commas inside."""
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        return cell[1:-1].replace('""', '"').strip()
    return cell


def _is_out(cells: Mapping[str, str], today: str) -> bool:
    ended = cells["ENDMARKETINGDATE"]
    return cells["NDC_EXCLUDE_FLAG"].upper() not in {"", "N"} or (ended != "" and ended < today)


def _code(text: str, number: int) -> str:
    if not text.replace("-", "").isalnum() or len(text) > 13:  # 11 digits and two hyphens
        raise BrokenTableError(f"line {number}: a code is no NDC")
    return text


def _plain(text: str) -> str | None:
    return " ".join("".join(one if one.isprintable() else " " for one in text).split()) or None


def _titled(text: str) -> str | None:
    plain = _plain(text)
    return None if plain is None else plain.title()


def _strength(numerators: str, units: str) -> str | None:
    """Returns `500 mg / 125 mg`, or as many as there are; strengths of one unit each are written without the `/1`."""
    pairs = zip(numerators.split(";"), units.split(";"), strict=False)
    parts = (f"{amount.strip()} {unit.strip().removesuffix('/1')}".strip() for amount, unit in pairs)
    return _plain(" / ".join(part for part in parts if part))


def _member(archive: zipfile.ZipFile, table: str) -> str:
    names = [name for name in archive.namelist() if Path(name).name.lower() == table]
    if len(names) != 1:
        raise BrokenTableError(f"the zip file has {len(names)} tables named {table}; it should have one")
    return names[0]

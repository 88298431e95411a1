"""The FDA's directory of drug codes, as its published tables have it."""

import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

import pytest

from rxauth.domain import ndc_file
from rxauth.domain.ndc_file import BrokenTableError, Package, Product

# The first lines of the published tables.
PRODUCT_HEADER = (
    "PRODUCTID\tPRODUCTNDC\tPRODUCTTYPENAME\tPROPRIETARYNAME\tPROPRIETARYNAMESUFFIX\tNONPROPRIETARYNAME\t"
    "DOSAGEFORMNAME\tROUTENAME\tSTARTMARKETINGDATE\tENDMARKETINGDATE\tMARKETINGCATEGORYNAME\tAPPLICATIONNUMBER\t"
    "LABELERNAME\tSUBSTANCENAME\tACTIVE_NUMERATOR_STRENGTH\tACTIVE_INGRED_UNIT\tPHARM_CLASSES\tDEASCHEDULE\t"
    "NDC_EXCLUDE_FLAG\tLISTING_RECORD_CERTIFIED_THROUGH"
)
PACKAGE_HEADER = (
    "PRODUCTID\tPRODUCTNDC\tNDCPACKAGECODE\tPACKAGEDESCRIPTION\tSTARTMARKETINGDATE\tENDMARKETINGDATE\t"
    "NDC_EXCLUDE_FLAG\tSAMPLE_PACKAGE"
)
TODAY = "20261124"
MADE_UP: dict[str, str] = {
    "PRODUCTID": "99999-001_0001",
    "PRODUCTNDC": "99999-001",
    "PRODUCTTYPENAME": "HUMAN PRESCRIPTION DRUG",
    "PROPRIETARYNAME": "Testocil",
    "NONPROPRIETARYNAME": "Testocillin Sodium",
    "DOSAGEFORMNAME": "TABLET, FILM COATED",
    "ROUTENAME": "ORAL",
    "STARTMARKETINGDATE": "20200101",
    "LABELERNAME": "Nobody's Pharmacal, Inc.",
    "SUBSTANCENAME": "TESTOCILLIN SODIUM",
    "ACTIVE_NUMERATOR_STRENGTH": "500",
    "ACTIVE_INGRED_UNIT": "mg/1",
    "NDC_EXCLUDE_FLAG": "N",
}
BOX: dict[str, str] = {
    "PRODUCTID": "99999-001_0001",
    "PRODUCTNDC": "99999-001",
    "NDCPACKAGECODE": "99999-001-30",
    "PACKAGEDESCRIPTION": "30 TABLET, FILM COATED in 1 BOTTLE (99999-001-30)",
    "NDC_EXCLUDE_FLAG": "N",
    "SAMPLE_PACKAGE": "N",
}


def table(header: str, *rows: dict[str, str]) -> str:
    """Returns a table as the FDA writes it."""
    names = header.split("\t")
    return "\r\n".join([header, *("\t".join(row.get(name, "") for name in names) for row in rows), ""])


def products(*rows: dict[str, str], header: str = PRODUCT_HEADER) -> list[Product | None]:
    """Reads a table of products."""
    return list(ndc_file.products(io.BytesIO(table(header, *rows).encode("cp1252")), TODAY))


def packages(*rows: dict[str, str], header: str = PACKAGE_HEADER) -> list[Package | None]:
    """Reads a table of packages."""
    return list(ndc_file.packages(io.BytesIO(table(header, *rows).encode("cp1252")), TODAY))


def directory(folder: Path, made: list[dict[str, str]], sold: list[dict[str, str]]) -> Path:
    """Writes a download of the directory; returns its path."""
    file = folder / "ndctext.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("product.txt", table(PRODUCT_HEADER, *made).encode("cp1252"))
        archive.writestr("package.txt", table(PACKAGE_HEADER, *sold).encode("cp1252"))
    return file


def test_a_product_is_read() -> None:
    assert products(MADE_UP) == [
        Product(
            ndc="99999-001",
            type="RX",
            brand_name="Testocil",
            generic_name="testocillin sodium",
            strength="500 mg",
            route="Oral",
            form="Tablet, Film Coated",
            labeler="Nobody's Pharmacal, Inc.",
            schedule=None,
        )
    ]


@pytest.mark.parametrize(
    ("given", "name", "read"),
    [
        ({"PRODUCTTYPENAME": "HUMAN OTC DRUG"}, "type", "OTC"),
        ({"PRODUCTTYPENAME": "VACCINE"}, "type", None),
        ({"DEASCHEDULE": "CII"}, "schedule", "II"),
        ({"DEASCHEDULE": "CV"}, "schedule", "V"),
        ({"PROPRIETARYNAMESUFFIX": "XR"}, "brand_name", "Testocil XR"),
        ({"PROPRIETARYNAME": "TESTOCILLIN SODIUM"}, "brand_name", None),
        ({"PROPRIETARYNAME": ""}, "brand_name", None),
        ({"NONPROPRIETARYNAME": ""}, "generic_name", "testocillin sodium"),
        ({"NONPROPRIETARYNAME": '"Testocillin, ""new"""'}, "generic_name", 'testocillin, "new"'),
        ({"NONPROPRIETARYNAME": 'Testo "cillin"'}, "generic_name", 'testo "cillin"'),
        ({"NONPROPRIETARYNAME": "Caf\u00e9ine"}, "generic_name", "caf\u00e9ine"),
        (
            {"ACTIVE_NUMERATOR_STRENGTH": "875; 125", "ACTIVE_INGRED_UNIT": "mg/1; mg/1"},
            "strength",
            "875 mg / 125 mg",
        ),
        ({"ACTIVE_NUMERATOR_STRENGTH": "80", "ACTIVE_INGRED_UNIT": "mg/mL"}, "strength", "80 mg/mL"),
        ({"ACTIVE_NUMERATOR_STRENGTH": "", "ACTIVE_INGRED_UNIT": ""}, "strength", None),
        ({"ROUTENAME": "INTRAVENOUS; SUBCUTANEOUS"}, "route", "Intravenous / Subcutaneous"),
        ({"ROUTENAME": ""}, "route", None),
        ({"LABELERNAME": ""}, "labeler", None),
    ],
)
def test_a_cell_is_read(given: dict[str, str], name: str, read: Any) -> None:
    [product] = products(MADE_UP | given)

    assert getattr(product, name) == read


def test_a_package_is_read() -> None:
    assert packages(BOX) == [Package("99999-001-30", "99999-001", BOX["PACKAGEDESCRIPTION"])]


@pytest.mark.parametrize(
    "given",
    [{"NDC_EXCLUDE_FLAG": "Y"}, {"NDC_EXCLUDE_FLAG": "E"}, {"ENDMARKETINGDATE": "20261123"}],
    ids=["excluded", "expired", "ended"],
)
def test_what_is_out_of_the_directory_is_left_out(given: dict[str, str]) -> None:
    assert products(MADE_UP | given) == [None]
    assert packages(BOX | given) == [None]


def test_what_ends_today_or_later_is_still_there() -> None:
    assert None not in products(MADE_UP | {"ENDMARKETINGDATE": TODAY}, MADE_UP | {"ENDMARKETINGDATE": "20300101"})


def test_columns_are_found_by_name_and_a_missing_one_is_named() -> None:
    turned = "\t".join(reversed(PRODUCT_HEADER.split("\t")))
    assert products(MADE_UP, header=turned) == products(MADE_UP)
    for header, columns, read in (
        (PRODUCT_HEADER, ndc_file.PRODUCT_COLUMNS, products),
        (PACKAGE_HEADER, ndc_file.PACKAGE_COLUMNS, packages),
    ):
        for column in columns:
            with pytest.raises(BrokenTableError, match=rf"^line 1: it does not name the column '{column}' once$"):
                read(header=header.replace(f"\t{column}\t", "\tOTHER\t"))


@pytest.mark.parametrize("schedule", ["CVI", "2", "II", "YES"])
def test_a_schedule_that_nobody_knows_ends_the_import(schedule: str) -> None:
    with pytest.raises(BrokenTableError, match=r"^line 3: DEASCHEDULE"):
        products(MADE_UP, MADE_UP | {"DEASCHEDULE": schedule})


@pytest.mark.parametrize("code", ["", "99999 001", "99999-001\x00", "9" * 14])
def test_a_code_that_is_none_ends_the_import(code: str) -> None:
    with pytest.raises(BrokenTableError, match=r"^line 2: a code is no NDC$"):
        products(MADE_UP | {"PRODUCTNDC": code})


def test_a_line_of_another_width_or_without_an_end_is_named() -> None:
    with pytest.raises(BrokenTableError, match=r"^line 2: it has 2 cells, the first line 20$"):
        list(ndc_file.products(io.BytesIO(f"{PRODUCT_HEADER}\na\tb\n".encode()), TODAY))
    endless = io.BytesIO(PRODUCT_HEADER.encode() + b"\n" + b"a" * (ndc_file.LINE_LIMIT_BYTES + 1))
    with pytest.raises(BrokenTableError, match=r"^line 2: it has more than"):
        list(ndc_file.products(endless, TODAY))


def test_the_tables_are_found_in_the_download(tmp_path: Path) -> None:
    file = directory(tmp_path, [MADE_UP], [BOX])

    with ndc_file.opened(file, ndc_file.PRODUCT_TABLE) as stream:
        assert list(ndc_file.products(stream, TODAY)) == products(MADE_UP)
    with ndc_file.opened(file, ndc_file.PACKAGE_TABLE) as stream:
        assert list(ndc_file.packages(stream, TODAY)) == packages(BOX)


def test_a_download_that_is_none_says_so(tmp_path: Path) -> None:
    cut = tmp_path / "cut.zip"
    cut.write_bytes(directory(tmp_path, [MADE_UP], [BOX]).read_bytes()[:100])
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("readme.txt", "")
    for file, said in (
        (cut, "is no whole zip file"),
        (other, "the zip file has 0 tables named product.txt"),
        (tmp_path / "absent.zip", "cannot be read"),
    ):
        with pytest.raises(BrokenTableError, match=said), ndc_file.opened(file, ndc_file.PRODUCT_TABLE):
            pass


class _Long(io.RawIOBase):
    """A table that is made while it is read."""

    def __init__(self, rows: int) -> None:
        lines = table(PRODUCT_HEADER, MADE_UP).encode().splitlines(keepends=True)
        self._lines: Iterator[bytes] = chain(lines[:1], (lines[1] for _ in range(rows)))

    def readline(self, _size: int | None = -1, /) -> bytes:
        return next(self._lines, b"")


@pytest.mark.proof
def test_memory_does_not_grow_with_the_table(is_whole: bool) -> None:
    rows = 1_000_000 if is_whole else 5_000
    stream: IO[bytes] = _Long(rows)  # type: ignore[assignment]
    tracemalloc.start()
    count = sum(1 for _ in ndc_file.products(stream, TODAY))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == rows
    assert peak < 1_000_000

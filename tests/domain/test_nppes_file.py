"""The register's files: read by the names of their columns, and refused with the line that is broken."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rxauth.domain import nppes_file
from rxauth.domain.nppes_file import COLUMNS, BrokenFileError
from tests.world import NOW

HEADER = ("Replacement NPI", *reversed(COLUMNS), "Is Sole Proprietor")
MAYA = {
    "NPI": "1234567893",
    "Entity Type Code": "1",
    "Provider Last Name (Legal Name)": "OKONKWO-REYES",
    "Provider First Name": "MAYA",
}


def line(cells: Sequence[str], ending: str = "\n") -> str:
    """Writes a line as the register does: every cell quoted."""
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells) + ending


def of(values: dict[str, str], header: Sequence[str] = HEADER) -> list[str]:
    """Returns the cells of a line, empty where nothing is given."""
    return [values.get(name, "") for name in header]


def read(content: bytes) -> list[dict[str, Any]]:
    """Reads a table."""
    return list(nppes_file.rows(io.BytesIO(content), NOW))


def table(*lines: str, header: Sequence[str] = HEADER) -> bytes:
    """Returns a table with these lines after its header."""
    return (line(header) + "".join(lines)).encode()


def broken(content: bytes) -> str:
    """Returns why a table is refused."""
    with pytest.raises(BrokenFileError) as refused:
        read(content)
    return str(refused.value)


def test_columns_are_found_by_their_names_wherever_they_stand() -> None:
    expected = {
        "npi": "1234567893",
        "entity_type": 1,
        "last_name_key": "okonkworeyes",
        "first_name_key": "maya",
        "deactivated_on": None,
        "imported_at": NOW,
    }
    assert read(table(line(of(MAYA)))) == [expected]
    other = ("Is Sole Proprietor", *COLUMNS)  # the last wanted column is the last of all
    assert read(table(line(of(MAYA, other)), header=other)) == [expected]


@pytest.mark.parametrize(
    ("values", "deactivated_on"),
    [
        ({"NPI Deactivation Date": "05/01/2019"}, "2019-05-01"),
        ({"NPI Deactivation Date": "05/01/2019", "NPI Reactivation Date": "04/30/2019"}, "2019-05-01"),
        ({"NPI Deactivation Date": "05/01/2019", "NPI Reactivation Date": "05/02/2019"}, None),
        ({"NPI Deactivation Date": "05/01/2019", "NPI Reactivation Date": "05/01/2019"}, None),
    ],
    ids=["deactivated", "again", "reactivated", "on the same day"],
)
def test_an_npi_is_deactivated_until_it_is_activated_again(values: dict[str, str], deactivated_on: str | None) -> None:
    (row,) = read(table(line(of({"NPI": "1234567893"} | values))))
    assert (row["entity_type"], row["deactivated_on"]) == (None, deactivated_on)


@pytest.mark.parametrize(
    "content",
    [
        table(line(of(MAYA), "\r\n")).replace(b'"\n', b'"\r\n', 1),
        table(line(of(MAYA), "")),
        b"\xef\xbb\xbf" + table(line(of(MAYA))),
        table(",".join(of(MAYA)) + "\n"),
        table(line(of(MAYA | {"Is Sole Proprietor": 'a "b", c'}))),
        table(line(of(MAYA | {"Is Sole Proprietor": '","'}))),
        table(line(of(MAYA | {"Replacement NPI": 'two\nlines, "and" more'}))),
        table(line(of(MAYA | {"Replacement NPI": "\u00e9\u00df"}))),
    ],
    ids=["CRLF", "no last line break", "byte order mark", "no quotes", "quotes", "commas", "line breaks", "accents"],
)
def test_a_line_is_read_however_it_is_written(content: bytes) -> None:
    (row,) = read(content)
    assert (row["npi"], row["last_name_key"], row["first_name_key"]) == ("1234567893", "okonkworeyes", "maya")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "line 1: it does not name the column 'NPI' once"),
        (line(COLUMNS[:3]).encode(), "line 1: it does not name the column 'Provider First Name' once"),
        (line([*COLUMNS, "NPI"]).encode(), "line 1: it does not name the column 'NPI' once"),
        (table(line(of(MAYA)), line(of(MAYA)[:-1])), "line 3: it has 7 cells, the first line 8"),
        (table(line([*of(MAYA), ""])), "line 2: it has 9 cells, the first line 8"),
        (table("\n"), "line 2: it has 0 cells, the first line 8"),
        (table(line(of(MAYA | {"NPI": "1234567890"}))), "line 2: the NPI's last digit does not fit"),
        (table(line(of(MAYA | {"NPI": ""}))), "line 2: an NPI is ten digits"),
        (table(line(of(MAYA | {"Entity Type Code": "3"}))), "line 2: the entity type is neither 1 nor 2"),
        (table(line(of(MAYA | {"NPI Deactivation Date": "2019-05-01"}))), "line 2: a date is not written MM/DD/YYYY"),
        (table(line(of(MAYA))) + b'"\xff"', "line 3: it is not UTF-8"),
        (table(line(of(MAYA))).decode().encode("utf-16"), "line 1: it is not UTF-8"),
        (table('"a"b,"c"\n'), "line 2: the table is broken"),
        (table('"never closed\n', line(of(MAYA))), "line 3: the table is broken"),
        (table("x" * 100_001), "line 2: it has more than 100000 bytes"),
    ],
    ids=[
        *("empty", "no column", "a column twice", "short line", "long line", "blank line", "wrong NPI", "no NPI"),
        *("entity type", "date", "encoding", "UTF-16", "quote", "open quote", "endless line"),
    ],
)
def test_a_broken_table_is_refused_with_its_line(content: bytes, reason: str) -> None:
    assert broken(content).startswith(reason)


def test_what_is_refused_repeats_no_name() -> None:
    assert "OKONKWO" not in broken(table(line([*of(MAYA), "more"])))


def zipped(folder: Path, **members: bytes) -> Path:
    """Returns a zip file with these members, whose names lack their .csv."""
    file = folder / "NPPES.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.csv", content)
    return file


def read_file(file: Path) -> Iterator[dict[str, Any]]:
    """Reads a file of either kind."""
    with nppes_file.opened(file) as stream:
        yield from nppes_file.rows(stream, NOW)


def test_the_table_inside_a_download_is_found_among_the_others(tmp_path: Path) -> None:
    others = {"npidata_pfile_20050523-20261109_fileheader": b"", "othername_pfile_20050523-20261109": b"x"}
    file = zipped(tmp_path, **others, **{"npidata_pfile_20050523-20261109": table(line(of(MAYA)))})
    assert [row["npi"] for row in read_file(file)] == ["1234567893"]


@pytest.mark.parametrize("names", [(), ("npidata_pfile_a", "npidata_pfile_b")], ids=["none", "two"])
def test_a_download_without_just_one_table_is_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    file = zipped(tmp_path, **dict.fromkeys(names, b""))
    with pytest.raises(BrokenFileError, match=f"has {len(names)} tables of NPIs"):
        list(read_file(file))


def test_a_download_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    file = zipped(tmp_path, npidata_pfile_a=table(*[line(of(MAYA))] * 100))
    file.write_bytes(file.read_bytes()[:-30])
    with pytest.raises(BrokenFileError, match=r"NPPES\.zip is no whole zip file"):
        list(read_file(file))


def test_a_download_with_flipped_bits_is_refused(tmp_path: Path) -> None:
    file = zipped(tmp_path, npidata_pfile_a=table(*[line(of(MAYA))] * 100))
    content = bytearray(file.read_bytes())
    content[100] ^= 0xFF
    file.write_bytes(content)
    with pytest.raises(BrokenFileError, match=r"line [0-9]+"):
        list(read_file(file))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokenFileError, match=r"absent\.csv cannot be read: No such file"):
        list(read_file(tmp_path / "absent.csv"))

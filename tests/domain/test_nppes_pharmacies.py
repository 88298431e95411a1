"""Pharmacies in the national register of providers, and where on Earth their postal codes are."""

import csv
import io
from typing import Any

import pytest

from rxauth.domain import gazetteer_file, nppes_pharmacies, pharmacies, pharmacy_search, places
from rxauth.domain.ndc_file import BrokenTableError
from rxauth.domain.nppes_file import BrokenFileError
from rxauth.domain.nppes_pharmacies import COLUMNS, Closed
from rxauth.storage.database import Transaction
from tests.undone import Undone

GAZETTEER = "GEOID\tALAND\tAWATER\tALAND_SQMI\tAWATER_SQMI\tINTPTLAT\tINTPTLONG     \n"
WHERE = {"10001": (40.750633, -73.997177)}
ADDRESS = "Provider Business Practice Location Address"
MADE_UP = {
    "NPI": "1234567893",
    "Entity Type Code": "2",
    "Provider Organization Name (Legal Business Name)": "MADE UP, INC.",
    "Provider First Line Business Practice Location Address": "1 SAMPLE ST",
    f"{ADDRESS} City Name": "NEW YORK",
    f"{ADDRESS} State Name": "NY",
    f"{ADDRESS} Postal Code": "100012345",
    f"{ADDRESS} Country Code (If outside U.S.)": "US",
    f"{ADDRESS} Telephone Number": "2125550100",
    f"{ADDRESS} Fax Number": "555",
    "Healthcare Provider Taxonomy Code_1": "183500000X",
    "Healthcare Provider Taxonomy Code_15": "3336C0003X",
}
DEACTIVATED = {"NPI": "1234567893", "NPI Deactivation Date": "01/02/2025"}


def table(*rows: dict[str, str], header: tuple[str, ...] = (*COLUMNS, "Certification Date")) -> bytes:
    """Returns a table as the register publishes it: every cell between quotes."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerows([header, *([row.get(name, "") for name in header] for row in rows)])
    return text.getvalue().encode()


def read(*rows: dict[str, str]) -> list[Any]:
    """Reads a table of the register."""
    return list(nppes_pharmacies.rows(io.BytesIO(table(*rows)), WHERE))


def test_a_pharmacy_is_read() -> None:
    [row] = read(MADE_UP)

    assert row.pop("id").startswith("phr_")
    assert row.pop("address").pop("id").startswith("adr_")
    assert row == {
        "name": "MADE UP, INC.",
        "npi": "1234567893",
        "ncpdp": None,
        "phone": "+12125550100",
        "fax": None,
        "latitude": 40.750633,
        "longitude": -73.997177,
        "fulfillment_types": ["PICK_UP"],
    }


@pytest.mark.parametrize(
    ("codes", "services"),
    [
        (["3336C0003X"], ["PICK_UP"]),
        (["333600000X"], ["PICK_UP"]),
        (["3336M0002X"], ["MAIL_ORDER"]),
        (["3336M0002X", "333600000X"], ["MAIL_ORDER"]),
        (["3336M0002X", "3336C0003X"], ["PICK_UP", "MAIL_ORDER"]),
    ],
)
def test_what_a_pharmacy_does_is_what_its_taxonomy_says(codes: list[str], services: list[str]) -> None:
    taxonomies = {f"Healthcare Provider Taxonomy Code_{number}": code for number, code in enumerate(codes, 1)}

    [row] = read(MADE_UP | {"Healthcare Provider Taxonomy Code_15": ""} | taxonomies)

    assert row["fulfillment_types"] == services


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (
            {"Provider Other Organization Name": "CORNER DRUGS", "Provider Other Organization Name Type Code": "3"},
            "CORNER",
        ),
        ({"Provider Other Organization Name": "OLD NAME", "Provider Other Organization Name Type Code": "4"}, "MADE"),
    ],
)
def test_a_pharmacy_is_called_as_it_does_business(given: dict[str, str], name: str) -> None:
    [row] = read(MADE_UP | given)

    assert row["name"].startswith(name)


def test_who_is_no_pharmacy_is_left_out_and_who_is_deactivated_is_closed() -> None:
    person = MADE_UP | {"Entity Type Code": "1"}
    clinic = MADE_UP | {"Healthcare Provider Taxonomy Code_15": "261Q00000X"}
    again = MADE_UP | {"NPI Deactivation Date": "01/02/2025", "NPI Reactivation Date": "02/02/2025"}

    found = read(person, clinic, DEACTIVATED, again)

    assert found[:3] == [None, None, Closed("1234567893")]
    assert found[3]["npi"] == "1234567893"


def test_a_number_that_is_no_npi_ends_the_import() -> None:
    with pytest.raises(BrokenFileError, match=r"^line 3: "):
        read(MADE_UP, MADE_UP | {"NPI": "1234567890"})


@pytest.mark.parametrize("column", COLUMNS)
def test_a_column_that_is_missing_is_named(column: str) -> None:
    header = tuple(name for name in COLUMNS if name != column)
    with pytest.raises(BrokenFileError) as raised:
        list(nppes_pharmacies.rows(io.BytesIO(table(MADE_UP, header=header)), WHERE))

    assert str(raised.value) == f"line 1: it does not name the column {column!r} once"


def test_a_pharmacy_that_closes_is_found_no_longer_and_its_place_stays_until_it_moves(undone: Undone) -> None:
    around = places.circle(40.75, -74, 5)

    def near(transaction: Transaction) -> list[str | None]:
        found = pharmacy_search.search(
            transaction, name="made up", around=around, fulfillment_type="PICK_UP", offset=0, rows=5
        )
        return [one.npi for one in found]

    def work(transaction: Transaction) -> None:
        for _ in range(2):
            nppes_pharmacies.keep(transaction, read(MADE_UP))
        assert near(transaction) == ["1234567893"]
        nowhere: list[Any] = list(nppes_pharmacies.rows(io.BytesIO(table(MADE_UP)), {}))
        nppes_pharmacies.keep(transaction, nowhere)
        assert near(transaction) == ["1234567893"]
        moved = MADE_UP | {f"{ADDRESS} Postal Code": "99999"}
        nppes_pharmacies.keep(transaction, read(moved))
        assert near(transaction) == []
        nppes_pharmacies.keep(transaction, read(MADE_UP, DEACTIVATED))
        nppes_pharmacies.keep(transaction, read(DEACTIVATED))
        assert near(transaction) == []
        [kept] = pharmacies.by_ids(transaction, "", [read(MADE_UP)[0]["id"]]).values()
        assert kept.npi == "1234567893"

    undone.run(work)


@pytest.mark.parametrize("separator", ["\t", "|"])
def test_the_gazetteer_says_where_postal_codes_are(separator: str) -> None:
    text = (GAZETTEER + "00601\t1\t2\t3\t4\t18.180555\t -66.749961\n").replace("\t", separator)

    assert gazetteer_file.places(io.BytesIO(text.encode())) == {"00601": (18.180555, -66.749961)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GAZETTEER.replace("INTPTLAT", "LAT"), "line 1: it does not name the column 'INTPTLAT' once"),
        (GAZETTEER + "00601\t1\t2\t3\t4\t18.2\n", "line 2: it has 6 cells, INTPTLONG is missing"),
        (GAZETTEER + "00601\t1\t2\t3\t4\tx\t1\n", "line 2: a latitude or longitude is no number"),
        (GAZETTEER + "00601\t1\t2\t3\t4\t91\t1\n", "line 2: there is no such place, or there are too many"),
    ],
)
def test_a_broken_gazetteer_is_refused_by_line_and_column(text: str, told: str) -> None:
    with pytest.raises(BrokenTableError) as raised:
        gazetteer_file.places(io.BytesIO(text.encode()))

    assert str(raised.value) == told

"""Codes of medications: with and without hyphens, as short as on a label and as long as on a bill."""

import pytest

from rxauth.domain import drug_codes
from tests.domain.reference_size import treatment

CODED = treatment(
    id="med_coded", name="Testocillin 5 MG", codes={"rxcui": "999001", "package_ndc": "9999-001-30", "sku": "SKU"}
)


@pytest.mark.parametrize(
    ("ndc", "billed"),
    [
        ("9999-0001-30", "09999000130"),
        ("99999-001-30", "99999000130"),
        ("99999-0001-3", "99999000103"),
        ("99999-0001-30", "99999000130"),
        ("9999-0001", "099990001"),
        ("99999-001", "999990001"),
        ("99999000130", "99999000130"),
    ],
)
def test_an_ndc_is_written_as_on_a_bill(ndc: str, billed: str) -> None:
    """45 CFR 162.1002: eleven digits, five, four and two."""
    assert drug_codes.billed(ndc) == billed


def test_a_code_is_found_in_each_of_its_spellings() -> None:
    assert drug_codes.spellings(CODED["codes"]) == {"999001", "999900130", "09999000130"}
    assert drug_codes.spellings({"rxcui": None, "product_ndc": "9999-0001"}) == {"99990001", "099990001"}
    assert drug_codes.spellings({}) == set()
    assert [drug_codes.plain(one) for one in ("99999-001-30", " 99999 001 30 ", "--")] == ["9999900130"] * 2 + [""]

"""NPI and DEA numbers: worked examples, and what a check digit cannot see."""

import pytest

from rxauth.policy.identifiers import dea_problem, normal_dea, npi_problem

GOOD_NPIS = [
    "1234567893",
    "1558598797",
    "1245319599",
    "1003000126",
    "1679576722",
    "1111111112",
    "1123456786",
    "1090000005",
    "1900000005",
]
BAD_NPIS = ["1234567890", "1111111111", "3234567899", "0000000006", "9999999995", "12345-67893", "808401234567893"]
GOOD_DEAS = [
    "AP5836727",
    "BB1388568",
    "AB1234563",
    "F91234563",
    "MJ4125678",
    "GC6125341",
    "BS5927681",
    "FR0123454",
    "AP5836727-A1",
]
UNSEEN_DEAS = ["AP3856727", "AP5336727"]  # digits swapped or five off: the scheme cannot tell
BAD_DEAS = [
    "AP5836728",
    "AB1234569",
    "MT3524616",
    "FG2590871",
    "AA0000000",
    "PP5836727",
    "XP5836727",
    "A15836727",
    "AP583672",
    "AP5836727-",
]


@pytest.mark.parametrize("number", GOOD_NPIS)
def test_a_well_written_npi_passes(number: str) -> None:
    assert npi_problem(number) is None


@pytest.mark.parametrize(
    "number",
    [*BAD_NPIS, "\uff11234567893", "1234567893 ", "1234567893\n", ""],
    ids=[*BAD_NPIS, "full-width", "space", "line-break", "nothing"],
)
def test_a_mistyped_npi_is_refused(number: str) -> None:
    assert npi_problem(number)


@pytest.mark.parametrize("number", [*GOOD_DEAS, *UNSEEN_DEAS, "ap5836727"])
def test_a_well_written_dea_number_passes_in_either_case(number: str) -> None:
    assert dea_problem(number) is None
    assert normal_dea(number).isupper()


@pytest.mark.parametrize("number", BAD_DEAS)
def test_a_dea_number_that_is_mistyped_or_no_practitioners_is_refused(number: str) -> None:
    assert dea_problem(number)

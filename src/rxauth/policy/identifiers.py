"""Identifiers of providers in the United States: what their check digits and letters say, and nothing of who has them.

A number that passes is well written. Whether somebody has it, only the register that gives it can tell.
"""

import re
from typing import Final

_NPI: Final = re.compile("[12][0-9]{9}")
_CARD_ISSUER_SUM: Final = 24  # what the digits of the prefix 80840 add to the sum
_DEA: Final = re.compile("([A-Z])([A-Z9])([0-9]{7})(-[A-Z0-9]{1,10})?")
_PRACTITIONERS: Final = frozenset("ABFGM")  # M: mid-level practitioners, such as nurse practitioners
DEA_SCHEDULES: Final = ("2", "2N", "3", "3N", "4", "5")


def npi_problem(text: str) -> str | None:
    """Says why a text is no National Provider Identifier (45 CFR 162.406); None: it is well written.

    Nothing is mended: no spaces, no hyphens, and no digits but those of ASCII. Whether it names a person (type 1) or an
    organization (type 2) stands in the register, not in the number.
    """
    if _NPI.fullmatch(text) is None:
        return "an NPI is ten digits, of which the first is 1 or 2"
    total = _CARD_ISSUER_SUM
    for place, digit in enumerate(map(int, reversed(text))):
        doubled = digit * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return None if total % 10 == 0 else "the NPI's last digit does not fit the others: a digit is mistyped"


def normal_dea(text: str) -> str:
    """Returns a DEA number in capital letters, as it is kept and compared."""
    return text.upper() if text.isascii() else text


def dea_problem(text: str) -> str | None:
    """Says why a text is no DEA number of a practitioner; None: it is well written. A hospital's code may follow it."""
    found = _DEA.fullmatch(normal_dea(text))
    if found is None:
        return "a DEA number is two letters and seven digits"
    if found[1] not in _PRACTITIONERS:
        return "this DEA number is not a practitioner's: those begin with A, B, F, G or M"
    digits = [int(digit) for digit in found[3]]
    if not any(digits):
        return "this DEA number was never given: its digits are all zero"
    if (sum(digits[0:6:2]) + 2 * sum(digits[1:6:2])) % 10 != digits[6]:
        return "the DEA number's last digit does not fit the others: a digit is mistyped"
    return None

"""Reading the order file of ICD-10-CM, icd10cm_order_YYYY.txt: lines whose columns are places, without a header."""

import re
from collections.abc import Iterator
from typing import IO, Final

from rxauth.domain.diagnoses import Diagnosis, written_code
from rxauth.domain.ndc_file import BrokenTableError
from rxauth.domain.reference_files import lines

NAME: Final = re.compile(r"icd10cm[-_]order[-_]\d{4}.*\.txt", re.IGNORECASE)
CALLED: Final = "icd10cm_order_YYYY.txt"
# Each column and its places, counted from nothing: the published ones are 1-5, 7-13, 15, 17-76, and from 78 on.
_COLUMNS: Final = (
    ("order number", slice(0, 5)),
    ("code", slice(6, 13)),
    ("header flag", slice(14, 15)),
    ("short description", slice(16, 76)),
    ("long description", slice(77, None)),
)
_BILLABLE: Final = {"0": False, "1": True}


def rows(stream: IO[bytes]) -> Iterator[Diagnosis]:
    """Reads a diagnosis from each line, called by its long description.

    Raises:
        BrokenTableError: naming the line, and the column that is missing or wrong.
    """
    for number, line in lines(stream):
        cells = {name: line[place].strip() for name, place in _COLUMNS}
        for name, cell in cells.items():
            if not cell:
                raise BrokenTableError(f"line {number}: the {name} is missing")
        code, billable = written_code(cells["code"]), _BILLABLE.get(cells["header flag"])
        if not cells["order number"].isdigit():
            raise BrokenTableError(f"line {number}: the order number is no number")
        if code is None:
            raise BrokenTableError(f"line {number}: the code is none of ICD-10-CM")
        if billable is None:
            raise BrokenTableError(f"line {number}: the header flag is neither 0 nor 1")
        yield Diagnosis(code, cells["long description"], billable)

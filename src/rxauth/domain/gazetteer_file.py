"""Reading the Census Bureau's gazetteer of ZIP Code Tabulation Areas: where about on Earth each postal code is."""

import re
from collections.abc import Mapping
from typing import IO, Final

from rxauth.domain.ndc_file import BrokenTableError
from rxauth.domain.reference_files import lines

NAME: Final = re.compile(r".*gaz.*zcta.*\.txt", re.IGNORECASE)
CALLED: Final = "YYYY_Gaz_zcta_national.txt"
COLUMNS: Final = ("GEOID", "INTPTLAT", "INTPTLONG")
_ROWS_LIMIT: Final = 100_000  # there are some 34,000; what is read is held in memory


def places(stream: IO[bytes]) -> Mapping[str, tuple[float, float]]:
    """Returns the latitude and longitude of each postal code.

    Raises:
        BrokenTableError: naming the line, and the column that is missing.
    """
    found: dict[str, tuple[float, float]] = {}
    header: list[str] = []
    separator = "\t"
    for number, line in lines(stream):
        if not header:
            separator = "\t" if "\t" in line else "|"
            header = [cell.strip() for cell in line.split(separator)]
            missing = [name for name in COLUMNS if header.count(name) != 1]
            if missing:
                raise BrokenTableError(f"line {number}: it does not name the column {missing[0]!r} once")
            continue
        cells = [cell.strip() for cell in line.split(separator)]
        if len(cells) < len(header):
            missing_name = header[len(cells)]
            raise BrokenTableError(f"line {number}: it has {len(cells)} cells, {missing_name} is missing")
        code, *spot = (cells[header.index(name)] for name in COLUMNS)
        try:
            latitude, longitude = map(float, spot)
        except ValueError:
            raise BrokenTableError(f"line {number}: a latitude or longitude is no number") from None
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180) or len(found) >= _ROWS_LIMIT:
            raise BrokenTableError(f"line {number}: there is no such place, or there are too many")
        found[code] = (latitude, longitude)
    return found

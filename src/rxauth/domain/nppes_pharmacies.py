"""Pharmacies of the national register of providers: organizations with a pharmacy's taxonomy code."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

from rxauth.domain import nppes_file, pharmacies
from rxauth.domain.names import Address, stored_address
from rxauth.domain.nppes import ORGANIZATION
from rxauth.domain.nppes_file import BrokenFileError
from rxauth.ids import Kind, sample_id
from rxauth.policy.identifiers import npi_problem
from rxauth.storage.database import Transaction

_PRACTICE: Final = "Provider {} Business Practice Location Address"
_CITY_ON: Final = "Provider Business Practice Location Address {}"
_TAXONOMIES: Final = tuple(f"Healthcare Provider Taxonomy Code_{number}" for number in range(1, 16))
COLUMNS: Final = (
    "NPI",
    "Entity Type Code",
    "NPI Deactivation Date",
    "NPI Reactivation Date",
    "Provider Organization Name (Legal Business Name)",
    "Provider Other Organization Name",
    "Provider Other Organization Name Type Code",
    _PRACTICE.format("First Line"),
    _PRACTICE.format("Second Line"),
    _CITY_ON.format("City Name"),
    _CITY_ON.format("State Name"),
    _CITY_ON.format("Postal Code"),
    _CITY_ON.format("Country Code (If outside U.S.)"),
    _CITY_ON.format("Telephone Number"),
    _CITY_ON.format("Fax Number"),
    *_TAXONOMIES,
)
_PHARMACY: Final = "3336"
_MAIL_ORDER: Final = "3336M0002X"
_OF_ANY_KIND: Final = "333600000X"
_DOING_BUSINESS_AS: Final = "3"
_MADE_AT_MS: Final = 1_767_225_600_000  # the same everywhere and for ever
_POSTAL_DIGITS: Final = 5

Places = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Closed:
    """An NPI that is deactivated: if it is a pharmacy's, that one is found no longer."""

    npi: str


def rows(stream: IO[bytes], places: Places) -> Iterator[dict[str, Any] | Closed | None]:
    """Reads from each line the row of `pharmacies` that it makes; None: it is no pharmacy.

    places: of postal codes, latitude and longitude.

    Raises:
        BrokenFileError: naming the line, or the column that is missing.
    """
    for line, cells in nppes_file.picked(stream, COLUMNS):
        npi, entity_type, deactivated, reactivated = cells[:4]
        problem = npi_problem(npi)
        if problem is not None:
            raise BrokenFileError(f"line {line}: {problem}")
        if deactivated and nppes_file.deactivated_on(deactivated, reactivated, line) is not None:
            yield Closed(npi)
            continue
        taxonomies = {code for code in cells[15:] if code.startswith(_PHARMACY)}
        yield _row(cells, taxonomies, places) if taxonomies and entity_type == str(ORGANIZATION) else None


def keep(transaction: Transaction, found: Sequence[dict[str, Any] | Closed]) -> None:
    """Adds pharmacies, or brings them up to date, and takes closed ones out of what is found.

    A place that is not known any more stays, unless the pharmacy moved to another postal code.
    """
    latest = {_id(one.npi) if isinstance(one, Closed) else one["id"]: one for one in found}
    known = pharmacies.by_ids(transaction, "", list(latest))
    open_rows = [one for one in latest.values() if not isinstance(one, Closed)]
    for row in open_rows:
        before = known.get(row["id"])
        if row["latitude"] is None and before is not None and _area(before.address) == _area(row["address"]):
            row["latitude"], row["longitude"] = before.latitude, before.longitude
    pharmacies.keep(transaction, open_rows)
    pharmacies.close(transaction, [key for key, one in latest.items() if isinstance(one, Closed) and key in known])


def _row(cells: Sequence[str], taxonomies: set[str], places: Places) -> dict[str, Any]:
    npi, legal_name, other_name, other_type = cells[0], *cells[4:7]
    first, second, city, state, postal_code, country, phone, fax = cells[7:15]
    spot = places.get(postal_code[:_POSTAL_DIGITS]) or (None, None)
    called = other_name if other_name.strip() and other_type == _DOING_BUSINESS_AS else legal_name
    address = Address(
        sample_id(Kind.ADDRESS, f"nppes {npi}", _MADE_AT_MS),
        first.strip(),
        city.strip(),
        state.strip(),
        _postal(postal_code.strip()),
        country.strip() or "US",
        None,
        second.strip() or None,
    )
    return {
        "id": _id(npi),
        "name": " ".join(called.split()) or f"Pharmacy {npi}",
        "npi": npi,
        "ncpdp": None,
        "phone": _phone(phone),
        "fax": _phone(fax),
        "address": stored_address(address),
        "latitude": spot[0],
        "longitude": spot[1],
        "fulfillment_types": _services(taxonomies),
    }


def _services(taxonomies: set[str]) -> list[str]:
    """Returns what a pharmacy does: the code of any kind says nothing beside that of mail order."""
    if _MAIL_ORDER not in taxonomies:
        return ["PICK_UP"]
    return ["PICK_UP", "MAIL_ORDER"] if taxonomies - {_MAIL_ORDER, _OF_ANY_KIND} else ["MAIL_ORDER"]


def _area(address: Any) -> str | None:
    """Returns the five digits of an address as it is read, or as it is stored."""
    code = address["postal_code"] if isinstance(address, Mapping) else None if address is None else address.postal_code
    return None if code is None else str(code)[:_POSTAL_DIGITS]


def _id(npi: str) -> str:
    return sample_id(Kind.PHARMACY, f"nppes {npi}", _MADE_AT_MS)


def _phone(text: str) -> str | None:
    digits = "".join(one for one in text if one.isdecimal() and one.isascii())
    return f"+1{digits}" if len(digits) == 10 and digits[0] not in "01" else None  # a number of North America


def _postal(code: str) -> str:
    return f"{code[:5]}-{code[5:]}" if len(code) == 9 and code.isdecimal() else code  # the longer ZIP code

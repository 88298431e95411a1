"""The records of one organization, made from a seed and without end in memory: what they count adds up.

Patients come first, then prescriptions in the order of time, each with its orders and their fills.
"""

import datetime
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from random import Random
from typing import Final

from bench.big.names import Names
from rxauth.domain.names import Address, search_words, stored_address
from rxauth.domain.patient_names import START_CHARACTERS
from rxauth.ids import Kind, new_ulid

DAY_MS: Final = 86_400_000
PRESCRIPTIONS_EACH: Final = 3
_YEARS: Final = 3  # of prescriptions; the patients were added in as many years before
_SPAN_MS: Final = _YEARS * 365 * DAY_MS
# How many of a hundred patients have how many prescriptions; the rest has none.
_SHARES: Final = ((2, 24), (4, 12), (10, 6), (24, 3), (36, 2))
_COUNTS: Final = list(itertools.chain.from_iterable([count] * patients for patients, count in _SHARES))
_HUNDRED: Final = [place for place, count in enumerate(_COUNTS) for _ in range(count)]
_PLACES: Final = (
    ("Albany", "NY", "12207"),
    ("Brooklyn", "NY", "11201"),
    ("Austin", "TX", "78701"),
    ("Houston", "TX", "77002"),
    ("Chicago", "IL", "60601"),
    ("Oakland", "CA", "94607"),
)
_STREETS: Final = ("Main Street", "Oak Avenue", "Station Road", "Elm Drive", "Harbor Lane", "Mill Court")
_SIGS: Final = (
    "Take one tablet by mouth daily",
    "Take one tablet by mouth twice a day with food",
    "Take one capsule by mouth every eight hours until all are taken",
    "Apply to the affected area twice a day",
)

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "patients": (
        *("organization_id", "id", "external_id", "title", "first_name", "middle_name", "last_name", "date_of_birth"),
        *("sex", "gender", "email", "phone", "address", "created_at_ms"),
    ),
    "patient_names": ("organization_id", "word", "patient_id", "start"),
    "patient_allergies": ("organization_id", "patient_id", "allergen_id", "comment", "onset"),
    "patient_medications": ("organization_id", "patient_id", "treatment_id", "active", "comment"),
    "patient_pharmacies": ("organization_id", "patient_id", "pharmacy_id", "position"),
    "prescriptions": (
        *("organization_id", "id", "external_id", "state", "prescriber_id", "patient_id", "treatment_id"),
        *("dispense_as_written", "dispense_quantity", "dispense_unit", "fills_allowed", "fills_remaining"),
        *("days_supply", "instructions", "notes", "effective_date", "do_not_fill_before_date", "expiration_date"),
        "written_at_ms",
    ),
    "orders": (
        *("organization_id", "id", "external_id", "state", "patient_id", "pharmacy_id", "address"),
        *("fulfillment_type", "fulfillment_state", "carrier", "tracking_number", "created_at_ms"),
    ),
    "fills": (
        *("organization_id", "id", "order_id", "prescription_id", "treatment_id", "state", "requested_at_ms"),
        "filled_at_ms",
    ),
}
Row = tuple[str | int | float | bool | None, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What the records refer to."""

    treatment_ids: Sequence[str]
    allergen_ids: Sequence[str]
    pharmacy_ids: Sequence[str]


class Records:
    """An organization's records, table by table and row by row, in the order of `COLUMNS`."""

    def __init__(
        self, organization_id: str, prescriber_ids: Sequence[str], patients: int, reference: Reference, now_ms: int
    ) -> None:
        self._owner = organization_id
        self._prescribers = prescriber_ids
        self._patients = patients
        self._reference = reference
        self._now_ms = now_ms
        self._random = Random(patients)
        self._salt = Random(organization_id).getrandbits(80) | 1
        self._today = _day(now_ms)
        self._made = itertools.count()
        self._names = Names(self._random)

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Returns every row with the name of its table."""
        for number in range(self._patients):
            yield from self._patient(number)
        wanted = PRESCRIPTIONS_EACH * self._patients
        step = next(one for one in itertools.count(int(wanted * 0.618) + 1) if gcd(one, max(1, wanted)) == 1)
        for number in range(wanted):
            slot = number * step % wanted
            patient = (slot // len(_HUNDRED) * 100 + _HUNDRED[slot % len(_HUNDRED)]) % self._patients
            yield from self._prescription(number, wanted, patient)

    def patient_id(self, number: int) -> str:
        """Returns the identifier of a patient, who were added one after the other."""
        return self._id(Kind.PATIENT, self._added_at_ms(number), number)

    def _patient(self, number: int) -> Iterator[tuple[str, Row]]:
        random, owner, patient_id = self._random.random, self._owner, self.patient_id(number)
        first, middle, last = self._names.draw()
        born = datetime.date.fromordinal(715_000 + int(random() * 24_000)).isoformat()
        external_id = f"emr-{number}" if number % 5 < 2 else None
        email = f"patient{number}@example.com" if number % 2 else None
        phone, sex = f"+1212555{number % 10_000:04d}", ("FEMALE", "MALE", "UNKNOWN")[int(random() * 2.02)]
        known = (owner, patient_id, external_id, None, first, middle, last, born, sex, None, email, phone)
        yield "patients", (*known, _address(number), self._added_at_ms(number))
        for word in dict.fromkeys(itertools.chain.from_iterable(map(_words, filter(None, (first, middle, last))))):
            yield "patient_names", (owner, word, patient_id, word[:START_CHARACTERS])
        if random() < 0.2:
            yield "patient_allergies", (owner, patient_id, self._one_of(self._reference.allergen_ids), None, None)
        if random() < 0.25:
            taken = self._one_of(self._reference.treatment_ids)
            yield "patient_medications", (owner, patient_id, taken, random() < 0.7, None)
        if random() < 0.6:
            yield "patient_pharmacies", (owner, patient_id, self._one_of(self._reference.pharmacy_ids), 0)

    def _prescription(self, number: int, wanted: int, patient: int) -> Iterator[tuple[str, Row]]:
        random = self._random.random
        at_ms = self._now_ms - _SPAN_MS + int(_SPAN_MS * (number + random()) / wanted)
        prescription_id = self._id(Kind.PRESCRIPTION, at_ms, number)
        patient_id, treatment_id = self.patient_id(patient), self._one_of(self._reference.treatment_ids)
        drawn = random()
        ordered = 0 if drawn < 0.25 else 1 if drawn < 0.8 else 2 if drawn < 0.95 else 3
        allowed = max(1, ordered + int(random() ** 2 * 6))
        remaining = allowed
        for _ in range(ordered):
            order_ms = at_ms + int(random() * min(90 * DAY_MS, self._now_ms - at_ms))
            order, fill = self._order(patient, patient_id, prescription_id, treatment_id, order_ms)
            remaining -= fill[5] != "CANCELED"
            yield "orders", order
            yield "fills", fill
        effective, expires = _day(at_ms), _day(at_ms + 365 * DAY_MS)
        state = "EXPIRED" if expires < self._today else "ACTIVE"
        if remaining == 0:
            state = "DEPLETED"
        elif random() < 0.01:
            state = "CANCELED"
        elif expires == _day(self._now_ms - DAY_MS):
            state = "ACTIVE"  # until somebody stores what the day did
        external_id = f"emr-rx-{number}" if number % 10 < 3 else None
        prescriber_id = self._prescribers[int(random() ** 2 * len(self._prescribers))]
        who = (self._owner, prescription_id, external_id, state, prescriber_id, patient_id, treatment_id)
        what = (False, 30.0, "Tablet", allowed, remaining, 30, _SIGS[number % len(_SIGS)], None)
        yield "prescriptions", (*who, *what, effective, None, expires, at_ms)

    def _order(
        self, patient: int, patient_id: str, prescription_id: str, treatment_id: str, at_ms: int
    ) -> tuple[Row, Row]:
        number = next(self._made)
        state, fulfillment, fill_state = self._progress(at_ms)
        kind = None if fulfillment is None else "MAIL_ORDER" if fulfillment in {"SHIPPED", "DELIVERED"} else "PICK_UP"
        pharmacy_id = None if state == "ROUTING" else self._one_of(self._reference.pharmacy_ids)
        external_id = f"emr-order-{number}" if number % 5 == 0 else None
        order_id = self._id(Kind.ORDER, at_ms, number)
        filled_at_ms = min(at_ms + DAY_MS, self._now_ms) if state == "COMPLETED" else None
        fill_id = self._id(Kind.FILL, at_ms, number)
        order = (self._owner, order_id, external_id, state, patient_id, pharmacy_id, _address(patient))
        fill = (self._owner, fill_id, order_id, prescription_id, treatment_id, fill_state, at_ms, filled_at_ms)
        return (*order, kind, fulfillment, None, None, at_ms), fill

    def _progress(self, at_ms: int) -> tuple[str, str | None, str]:
        """Returns the state of an order of that time, how far the pharmacy is, and the state of its fill."""
        drawn = self._random.random()
        if drawn < 0.02:
            return "CANCELED", None, "CANCELED"
        if drawn < 0.022:
            return "ERROR", None, "NEW"
        if self._now_ms - at_ms > 5 * DAY_MS:
            return "COMPLETED", "DELIVERED" if drawn > 0.85 else "PICKED_UP", "SENT"
        if drawn < 0.1:
            return "ROUTING", None, "NEW"
        if drawn < 0.15:
            return "PENDING", None, "NEW"
        return "PLACED", ("SENT", "RECEIVED", "READY", "SHIPPED")[int(drawn * 1_000) % 4], "SENT"

    def _added_at_ms(self, number: int) -> int:
        return self._now_ms - 2 * _SPAN_MS + _SPAN_MS * number // self._patients

    def _id(self, kind: Kind, at_ms: int, number: int) -> str:
        entropy = (number + 1) * self._salt & ((1 << 80) - 1)
        return f"{kind}_{new_ulid(at_ms, entropy.to_bytes(10))}"

    def _one_of(self, choices: Sequence[str]) -> str:
        return choices[int(self._random.random() * len(choices))]


@lru_cache(maxsize=10_000)
def _words(part: str) -> list[str]:
    return search_words(part)


@lru_cache(maxsize=4_000)
def _day_of(number: int) -> str:
    return datetime.date.fromordinal(datetime.date(1970, 1, 1).toordinal() + number).isoformat()


def _day(at_ms: int) -> str:
    return _day_of(at_ms // DAY_MS)


def _address(number: int) -> str:
    """Returns where a patient lives, as a column keeps it; neighbours are many."""
    return _home(number % 997)


@lru_cache(maxsize=1_000)
def _home(number: int) -> str:
    city, state, postal_code = _PLACES[number % len(_PLACES)]
    street = f"{number + 1} {_STREETS[number % len(_STREETS)]}"
    address_id = f"{Kind.ADDRESS}_{new_ulid(0, number.to_bytes(10))}"
    return json.dumps(stored_address(Address(address_id, street, city, state, postal_code, "US")))

"""Organizations to load: a big one, a second of some thousands of patients, and the many small ones around them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from bench.big.loading import Say, load
from bench.big.records import Records, Reference, Row
from rxauth.clock import Clock
from rxauth.domain import organizations, users
from rxauth.domain.names import Name
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Database, Transaction
from rxauth.storage.tables.catalog import allergens, pharmacies, treatments
from rxauth.storage.tenancy import sql

_PATIENTS_A_PRESCRIBER: Final = 2_500
_SMALL_PATIENTS: Final = 40
_TREATMENTS = sql(select(treatments.c.id).where(treatments.c.medication_type == "RX").order_by(treatments.c.id))
_ALLERGENS = sql(select(allergens.c.id).order_by(allergens.c.id))
_PHARMACIES = sql(select(pharmacies.c.id).order_by(pharmacies.c.id))


@dataclass(frozen=True, slots=True)
class Size:
    """How many patients the big organization has, and among how many organizations it is."""

    patients: int = 1_000_000
    organizations: int = 1_000

    @property
    def others(self) -> list[int]:
        """The patients of each of the other organizations."""
        second = min(5_000, self.patients // 4)
        return [second, *(number % _SMALL_PATIENTS for number in range(1, self.organizations - 1))]


@dataclass(frozen=True, slots=True)
class Big:
    """The big organization, as it was loaded."""

    organization_id: str
    prescriber_ids: tuple[str, ...]
    records: Records


def fill(url: str, owner_url: str, organization_id: str, size: Size, clock: Clock, say: Say = print) -> Big:
    """Loads the records of an organization, and those of organizations around it that are made for them."""
    database = Database(url)
    try:
        reference = database.read(_reference)
        sizes = database.write(lambda tx: {organization_id: size.patients} | _add_others(tx, size, clock))
        prescribers = database.write(
            lambda tx: {one: _prescribers(tx, patients, clock) for one, patients in sizes.items()}
        )
    finally:
        database.close()
    all_of_them = [
        Records(one, prescribers[one], patients, reference, clock.milliseconds()) for one, patients in sizes.items()
    ]
    load(owner_url, _rows(all_of_them), say)
    return Big(organization_id, prescribers[organization_id], all_of_them[0])


def _rows(all_of_them: list[Records]) -> Iterator[tuple[str, Row]]:
    """Returns the small organizations' rows first: the newest of the whole installation are the big one's."""
    return itertools.chain.from_iterable(records.rows() for records in reversed(all_of_them))


def _reference(transaction: Transaction) -> Reference:
    ids = ([row.id for row in transaction.all(statement)] for statement in (_TREATMENTS, _ALLERGENS, _PHARMACIES))
    return Reference(*ids)


def _add_others(transaction: Transaction, size: Size, clock: Clock) -> dict[str, int]:
    made = {}
    for number, patients in enumerate(size.others):
        made[organizations.create(transaction, f"Clinic {number}", clock.seconds()).id] = patients
    return made


def _prescribers(transaction: Transaction, patients: int, clock: Clock) -> tuple[str, ...]:
    ids = []
    for number in range(1 + patients // _PATIENTS_A_PRESCRIBER):
        user_id = new_id(Kind.USER, clock.milliseconds())
        email = f"{user_id.lower()}@example.com"
        users.add(
            transaction, User(user_id, email, "+12125550100", Name("Sam", f"Sample {number}"), None), clock.seconds()
        )
        ids.append(user_id)
    return tuple(ids)

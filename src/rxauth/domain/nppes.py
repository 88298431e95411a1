"""The national register of providers, as last imported: what it says of an NPI, and what that means for whoever has it.

An NPI that is not in the table is not verified. It is never fine: the table may be empty, or older than the provider.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Protocol

from sqlalchemy import bindparam, select

from rxauth.domain.names import search_words
from rxauth.storage.database import Transaction
from rxauth.storage.tables.providers import nppes_providers
from rxauth.storage.tenancy import sql

INDIVIDUAL: Final = 1
ORGANIZATION: Final = 2
_SUFFIXES: Final = frozenset({"jr", "sr", "ii", "iii", "iv"})  # the register has a column of its own for them
_BY_NPIS = sql(select(*nppes_providers.c).where(nppes_providers.c.npi.in_(bindparam("npis", expanding=True))))
_BY_NPI = sql(select(*nppes_providers.c).where(nppes_providers.c.npi == bindparam("npi")))


class Problem(StrEnum):
    """Why an NPI does not show that a person is a provider; NOT_VERIFIED alone can be made good by other evidence."""

    NOT_VERIFIED = "npi_not_verified"
    OF_ORGANIZATION = "npi_of_organization"
    DEACTIVATED = "npi_deactivated"
    OF_ANOTHER = "npi_of_another"


REASONS: Final = MappingProxyType(
    {
        Problem.NOT_VERIFIED: "the NPI is not in the imported register: it is not verified",
        Problem.OF_ORGANIZATION: "the NPI is an organization's: a prescriber has one of their own (type 1)",
        Problem.DEACTIVATED: "the register says that the NPI is deactivated",
        Problem.OF_ANOTHER: "the register has the NPI under another name",
    }
)


@dataclass(frozen=True, slots=True)
class Listed:
    """What the register says of an NPI. Names are keys to compare, not to show.

    entity_type: 1 an individual, 2 an organization; None: deactivated NPIs have none. deactivated_on: a day, as
    YYYY-MM-DD; None: it is active. imported_at: UTC seconds.
    """

    npi: str
    entity_type: int | None
    last_name_key: str = field(repr=False)
    first_name_key: str = field(repr=False)
    deactivated_on: str | None
    imported_at: int


class Register(Protocol):
    """Where NPIs are looked up; the imported table is one such place."""

    def __call__(self, transaction: Transaction, npi: str, /) -> Listed | None:
        """Returns what the register says of an NPI; None: it says nothing."""


def look_up(transaction: Transaction, npi: str) -> Listed | None:
    """Returns what the imported table says of an NPI; None: it is not there."""
    row = transaction.first(_BY_NPI, npi=npi)
    return None if row is None else Listed(**row._mapping)


def look_up_all(transaction: Transaction, _organization_id: str, npis: Sequence[str]) -> Mapping[str, Listed]:
    """Returns what the imported table says of each NPI that it has."""
    return {row.npi: Listed(**row._mapping) for row in transaction.all(_BY_NPIS, npis=npis)}


def problem(
    transaction: Transaction, npi: str, first_name: str, last_name: str, register: Register = look_up
) -> Problem | None:
    """Says why the register does not show that an NPI is this person's; None: it does."""
    listed = register(transaction, npi)
    if listed is None:
        return Problem.NOT_VERIFIED
    if listed.deactivated_on is not None:
        return Problem.DEACTIVATED
    if listed.entity_type != INDIVIDUAL:
        return Problem.OF_ORGANIZATION
    is_same = (listed.last_name_key, listed.first_name_key) == (last_name_key(last_name), first_name_key(first_name))
    return None if is_same else Problem.OF_ANOTHER


def last_name_key(name: str) -> str:
    """Returns what last names are compared by: no case, accents, spaces, hyphens or suffixes such as Jr."""
    words = search_words(name)
    return "".join(words[:1] + [word for word in words[1:] if word not in _SUFFIXES])


def first_name_key(name: str) -> str:
    """Returns what first names are compared by: their first word, for people write the others or leave them out."""
    return next(iter(search_words(name)), "")

"""Audiences: APIs of an organization's own, for which its people get access tokens."""

from dataclasses import asdict, dataclass
from typing import Final
from urllib.parse import urlsplit

from sqlalchemy import bindparam, select

from rxauth.domain import organizations
from rxauth.domain.client_urls import is_local
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import audiences as table
from rxauth.storage.tenancy import insert_row, sql

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
LEAST_LIFETIME_S: Final = 60
MOST_LIFETIME_S: Final = 86_400
IDENTIFIER_LIMIT_CHARACTERS: Final = 500

_INSERT = insert_row(table)
_OF_ORGANIZATION = sql(
    select(*table.c)
    .where(table.c.organization_id == bindparam("organization_id"))
    .order_by(table.c.created_at, table.c.identifier)
)
_ONE = sql(
    select(*table.c).where(
        table.c.organization_id == bindparam("organization_id"), table.c.identifier == bindparam("identifier")
    )
)
_ALL = sql(
    select(*table.c).order_by(table.c.organization_id, table.c.created_at, table.c.identifier),
    across_tenants="the platform's operator works on every organization",
)


@dataclass(frozen=True, slots=True)
class Audience:
    """An API of an organization. algorithm: what its access tokens are signed with. created_at: UTC seconds."""

    organization_id: str
    identifier: str
    lifetime_s: int
    algorithm: str
    created_at: int


def add(transaction: Transaction, new: Audience, *, reserved: frozenset[str]) -> None:
    """Registers an audience.

    reserved: the audiences that are the server's own.

    Raises:
        InvalidError: see there. AbsentError: no such organization. ExistsError: the organization has this one already.
    """
    _require_identifier(new.identifier, reserved)
    if not LEAST_LIFETIME_S <= new.lifetime_s <= MOST_LIFETIME_S:
        raise InvalidError(f"tokens live {LEAST_LIFETIME_S} to {MOST_LIFETIME_S} seconds")
    if new.algorithm not in ALGORITHMS:
        raise InvalidError(f"the algorithm is one of {', '.join(ALGORITHMS)}")
    if organizations.find(transaction, new.organization_id) is None:
        raise AbsentError(f"there is no organization {new.organization_id}")
    if find(transaction, new.organization_id, new.identifier) is not None:
        raise ExistsError(f"the organization has the audience {new.identifier} already")
    transaction.run(_INSERT, **asdict(new))


def find(transaction: Transaction, organization_id: str, identifier: str) -> Audience | None:
    """Returns an organization's audience by the identifier that a request names, byte for byte, or None."""
    row = transaction.first(_ONE, organization_id=organization_id, identifier=identifier)
    return None if row is None else Audience(**row._mapping)


def of_organization(transaction: Transaction, organization_id: str) -> list[Audience]:
    """Lists an organization's audiences, oldest first."""
    return [Audience(**row._mapping) for row in transaction.all(_OF_ORGANIZATION, organization_id=organization_id)]


def all_of_them(transaction: Transaction) -> list[Audience]:
    """Lists the audiences of every organization, for the operator."""
    return [Audience(**row._mapping) for row in transaction.all(_ALL)]


def _require_identifier(identifier: str, reserved: frozenset[str]) -> None:
    """Checks that an audience is an absolute URI without a fragment (RFC 8707 §2), and nobody else's."""
    try:
        parts = urlsplit(identifier)
        host = parts.hostname or ""
    except ValueError:
        raise InvalidError("the audience is no URL") from None
    printable = identifier.isascii() and identifier.isprintable() and " " not in identifier
    if not printable or len(identifier) > IDENTIFIER_LIMIT_CHARACTERS or "#" in identifier:
        raise InvalidError("the audience is too long, has a fragment, or has characters that a URL does not have")
    if not host or (parts.scheme != "https" and not (parts.scheme == "http" and is_local(host))):
        raise InvalidError("the audience is a URL like https://api.example.com")
    if identifier.rstrip("/") in {one.rstrip("/") for one in reserved}:
        raise InvalidError("this audience is the server's own")

"""People: one record each, whichever organizations they work for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select

from rxauth.domain.names import Name
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tables.people import users
from rxauth.storage.tenancy import insert_row, sql

_INSERT = insert_row(users)
_PRESCRIBERS = sql(
    select(*users.c)
    .where(
        users.c.id.in_(
            select(prescriptions.c.prescriber_id).where(
                prescriptions.c.organization_id == bindparam("organization_id"),
                prescriptions.c.prescriber_id.in_(bindparam("ids", expanding=True)),
            )
        )
    )
    .order_by(users.c.id)
)


@dataclass(frozen=True, slots=True)
class User:
    """A person. npi: None if the person has none, or nobody entered it."""

    id: str
    email: str = field(repr=False)
    phone: str | None = field(repr=False)
    name: Name = field(repr=False)
    npi: str | None


def add(transaction: Transaction, user: User, now: int) -> None:
    """Adds a person.

    Raises:
        ConflictError: at the end of the transaction, if somebody has this address.
    """
    transaction.run(
        _INSERT,
        id=user.id,
        email=user.email,
        phone=user.phone,
        title=user.name.title,
        first_name=user.name.first,
        middle_name=user.name.middle,
        last_name=user.name.last,
        npi=user.npi,
        created_at=now,
    )


def prescribers(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, User]:
    """Returns those among `ids` who wrote a prescription in the organization."""
    rows = transaction.all(_PRESCRIBERS, organization_id=organization_id, ids=ids)
    return {row.id: _user(row) for row in rows}


def _user(row: Any) -> User:
    name = Name(row.first_name, row.last_name, row.title, row.middle_name)
    return User(row.id, row.email, row.phone, name, row.npi)

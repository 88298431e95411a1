"""People: one record each, whichever organizations they work for."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import bindparam, literal_column, select, update

from rxauth.domain import changes, member_words, providers
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.names import Address, Name, read_address, require_address, require_name, require_text, stored_address
from rxauth.policy.identifiers import npi_problem
from rxauth.storage.database import Transaction
from rxauth.storage.tables.clinical import prescriptions
from rxauth.storage.tables.people import memberships, users
from rxauth.storage.tables.providers import provider_authorities
from rxauth.storage.tenancy import insert_row, sql

EMAIL_LIMIT_CHARACTERS: Final = 254  # RFC 5321 §4.5.3.1.3
SIGNATURE_LIMIT_CHARACTERS: Final = 2_000
# What every mail system takes; whether anybody reads there, only a letter can tell.
_EMAIL: Final = re.compile(r"[^\s@<>\"(),:;\\\[\]\x00-\x1f]+@[^\s@<>\"(),:;\\\[\]\x00-\x1f]+")

_INSERT = insert_row(users)
_BY_ID = sql(select(*users.c).where(users.c.id == bindparam("user_id")))
_BY_EMAIL = sql(select(*users.c).where(users.c.email_key == bindparam("email_key")))
# A scalar with an order: the newest is looked up, where one of all that somebody ever wrote might be searched for.
_WROTE = (
    select(literal_column("1"))
    .where(prescriptions.c.organization_id == bindparam("organization_id"), prescriptions.c.prescriber_id == users.c.id)
    .correlate(users)
    .order_by(prescriptions.c.id.desc())
    .limit(literal_column("1"))
    .scalar_subquery()
)
_PRESCRIBERS = sql(
    select(*users.c).where(users.c.id.in_(bindparam("ids", expanding=True)), _WROTE.is_not(None)).order_by(users.c.id)
)
_OF_ORGANIZATION = sql(
    select(*users.c)
    .join(memberships, memberships.c.user_id == users.c.id)
    .where(memberships.c.organization_id == bindparam("organization_id"))
    .order_by(memberships.c.user_id)
    .limit(bindparam("rows"))
)
# Rows that only refer to the person may be added meanwhile: hence FOR NO KEY UPDATE.
_LOCK = sql(select(users.c.id).where(users.c.id == bindparam("user_id")).with_for_update(key_share=True))
_LOCKED = sql(select(*users.c).where(users.c.id == bindparam("user_id")).with_for_update(key_share=True))
_EMAILS = sql(select(users.c.email).where(users.c.id.in_(bindparam("ids", expanding=True))).order_by(users.c.id))
_NAMES: Final = ("title", "first_name", "middle_name", "last_name")
_SAID: Final = ("phone", "npi", "fax", "signature")
_CHANGE = sql(
    update(users)
    .where(users.c.id == bindparam("user_id"))
    .values({name: bindparam(f"new_{name}") for name in (*_NAMES, *_SAID)})
    .values(address=bindparam("new_address", type_=users.c.address.type))
)
_APPROVED_NPIS = sql(
    select(provider_authorities.c.npi).where(
        provider_authorities.c.user_id == bindparam("user_id"), provider_authorities.c.npi.is_not(None)
    ),
    across_tenants="a person has one NPI, wherever they prescribe",
)
_CHANGE_EMAIL = sql(
    update(users)
    .where(users.c.id == bindparam("user_id"))
    .values(email=bindparam("new_email"), email_key=bindparam("new_key"), email_verified_at=bindparam("moment"))
)
_DISABLE = sql(
    update(users)
    .where(users.c.id == bindparam("user_id"), users.c.disabled_at.is_(None))
    .values(disabled_at=bindparam("moment"))
)
_REVOKE = sql(update(users).where(users.c.id == bindparam("user_id")).values(tokens_valid_after=bindparam("moment")))


@dataclass(frozen=True, slots=True)
class User:
    """A person. npi: None if the person has none, or nobody entered it. phone, fax: E.164.

    signature: as the person writes it under what they send. email_verified_at: when a letter to the address was
    answered, None if never. disabled_at None: may sign in. tokens_valid_after: sessions and tokens from before this
    moment are refused. Times: UTC seconds.
    """

    id: str
    email: str = field(repr=False)
    phone: str | None = field(repr=False)
    name: Name = field(repr=False)
    npi: str | None
    email_verified_at: int | None = None
    disabled_at: int | None = None
    tokens_valid_after: int = 0
    fax: str | None = field(default=None, repr=False)
    address: Address | None = field(default=None, repr=False)
    signature: str | None = field(default=None, repr=False)


def email_key(email: str) -> str:
    """Returns what addresses are compared by: many spellings of one address have one key."""
    return unicodedata.normalize("NFKC", email.strip()).casefold()


def require_email(email: str) -> str:
    """Returns an address without the space around it.

    Raises:
        InvalidError: it is none, or too long; the text itself is not repeated.
    """
    email = email.strip()
    if len(email) > EMAIL_LIMIT_CHARACTERS or _EMAIL.fullmatch(email) is None:
        raise InvalidError("this is no e-mail address: it looks like name@example.com", "email")
    return email


def add(transaction: Transaction, user: User, now: int) -> None:
    """Adds a person.

    Raises:
        InvalidError: the name or the address is none.
        ConflictError: somebody has this address.
    """
    require_name(user.name, "name")
    transaction.run(
        _INSERT,
        id=user.id,
        email=require_email(user.email),
        email_key=email_key(user.email),
        email_verified_at=user.email_verified_at,
        phone=user.phone,
        title=user.name.title,
        first_name=user.name.first,
        middle_name=user.name.middle,
        last_name=user.name.last,
        npi=user.npi,
        fax=user.fax,
        address=stored_address(user.address),
        signature=user.signature,
        created_at=now,
        disabled_at=user.disabled_at,
        tokens_valid_after=user.tokens_valid_after,
    )


def find(transaction: Transaction, user_id: str) -> User | None:
    """Returns a person, or None."""
    row = transaction.first(_BY_ID, user_id=user_id)
    return None if row is None else read(row)


def find_by_email(transaction: Transaction, email: str) -> User | None:
    """Returns the person with an address, however it is written, or None."""
    row = transaction.first(_BY_EMAIL, email_key=email_key(email))
    return None if row is None else read(row)


def emails(transaction: Transaction, ids: Sequence[str]) -> list[str]:
    """Returns the addresses of some people."""
    return [row.email for row in transaction.all(_EMAILS, ids=ids)]


def of_organization(transaction: Transaction, organization_id: str, rows: int) -> list[User]:
    """Lists the people of an organization, oldest first, at most so many."""
    return [read(row) for row in transaction.all(_OF_ORGANIZATION, organization_id=organization_id, rows=rows)]


def lock(transaction: Transaction, user_id: str) -> None:
    """Has transactions on one person wait for each other, so that what is read until the end stays true."""
    transaction.first(_LOCK, user_id=user_id)


def prescribers(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> Mapping[str, User]:
    """Returns those among `ids` who wrote a prescription in the organization."""
    rows = transaction.all(_PRESCRIBERS, organization_id=organization_id, ids=ids)
    return {row.id: read(row) for row in rows}


def change_profile(transaction: Transaction, user_id: str, now: int, **changes: Any) -> User:
    """Changes what is named of `name`, `phone`, `fax`, `address`, `npi` and `signature`; None takes away.

    Raises:
        InvalidError: a value that nobody has. AbsentError: nobody has this identifier.
    """
    row = transaction.first(_LOCKED, user_id=user_id)
    if row is None:
        raise AbsentError(f"there is no person {user_id}")
    after = replace(read(row), **changes)
    if after.name is None:
        raise InvalidError("a person has a name", "name")
    require_name(after.name, "name")
    require_address(after.address, "address")
    require_text(after.signature, "signature", SIGNATURE_LIMIT_CHARACTERS)
    if "npi" in changes:
        _require_npi(transaction, user_id, after.npi)
    values = {f"new_{name}": getattr(after, name) for name in _SAID} | {"new_address": stored_address(after.address)}
    values |= {"new_title": after.name.title, "new_first_name": after.name.first}
    values |= {"new_middle_name": after.name.middle, "new_last_name": after.name.last}
    _changed(transaction, transaction.run(_CHANGE, user_id=user_id, **values), user_id, now)
    if "name" in changes:
        member_words.replace(transaction, user_id, member_words.words_of(after.name, after.email))
    return after


def change_email(transaction: Transaction, user_id: str, email: str, now: int) -> None:
    """Gives a person another address, which was verified now.

    Raises:
        InvalidError: it is no address. AbsentError: nobody has this identifier. ConflictError: somebody else has it.
    """
    email = require_email(email)
    touched = transaction.run(_CHANGE_EMAIL, user_id=user_id, new_email=email, new_key=email_key(email), moment=now)
    _changed(transaction, touched, user_id, now)
    user = find(transaction, user_id)
    if user is not None:
        member_words.replace(transaction, user_id, member_words.words_of(user.name, user.email))


def disable(transaction: Transaction, user_id: str, now: int) -> None:
    """Shuts a person out everywhere: no sign-in, and no session or token holds any longer.

    Raises:
        AbsentError: nobody has this identifier, or the person is disabled already.
    """
    providers.lock_person(transaction, user_id)
    _changed(transaction, transaction.run(_DISABLE, user_id=user_id, moment=now), user_id, now)


def revoke_everything(transaction: Transaction, user_id: str, now: int) -> None:
    """Ends every session and token of a person so far; a new sign-in works at once.

    Raises:
        AbsentError: nobody has this identifier.
    """
    _changed(transaction, transaction.run(_REVOKE, user_id=user_id, moment=now), user_id, now)


def _require_npi(transaction: Transaction, user_id: str, npi: str | None) -> None:
    """Refuses an NPI that none is, or that is not the one that two people approved."""
    problem = None if npi is None else npi_problem(npi)
    if problem is not None:
        raise InvalidError(problem, "npi")
    if any(row.npi != npi for row in transaction.all(_APPROVED_NPIS, user_id=user_id)):
        raise InvalidError("the authority to prescribe rests on another NPI: ask to change the authority first", "npi")


def _changed(transaction: Transaction, rows: int, user_id: str, now: int) -> None:
    if rows == 0:
        raise AbsentError(f"there is no person {user_id}, or not in this state")
    changes.record(transaction, changes.ChangeKind.PERSON, user_id, now)


def read(row: Any) -> User:
    """Returns the person in a row that has every column of theirs."""
    name = Name(row.first_name, row.last_name, row.title, row.middle_name)
    times = (row.email_verified_at, row.disabled_at, row.tokens_valid_after)
    said = (row.fax, read_address(row.address), row.signature)
    return User(row.id, row.email, row.phone, name, row.npi, *times, *said)

"""People brought from another system, with the hashes of their passwords: read line by line, taken in one by one."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from rxauth.crypto import passwords as hashes
from rxauth.domain import memberships, passwords, users
from rxauth.domain.errors import DomainError, ExistsError, InvalidError
from rxauth.domain.names import Name, require_name
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction

COLUMNS: Final = ("email", "first_name", "last_name", "title", "middle_name", "phone", "npi", "hash", "roles")
REQUIRED: Final = ("email", "first_name", "last_name", "roles")
_ROLES: Final = {str(role).casefold(): role for role in Role}


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody to take in. hash None: without a password, who has a reset link sent first."""

    email: str = field(repr=False)
    name: Name = field(repr=False)
    phone: str | None = field(repr=False)
    npi: str | None
    hash: str | None = field(repr=False)
    roles: frozenset[Role]


Line = tuple[int, Newcomer | DomainError]


def read_csv(lines: Iterable[str]) -> Iterator[Line]:
    """Reads a table whose first line names the columns; roles have `|` between them.

    Raises:
        InvalidError: the first line lacks a column, or names one that there is not.
    """
    rows = csv.DictReader(lines, restkey="more", strict=True)
    try:
        header = tuple(rows.fieldnames or ())
        if not set(REQUIRED) <= set(header) <= set(COLUMNS) or len(set(header)) != len(header):
            raise InvalidError(f"the first line names these columns: {', '.join(COLUMNS)}")
        for row in rows:
            # A row of another length than the header's has `more`, or a column that is None.
            whole = "more" not in row and None not in row.values()
            yield rows.line_num, _newcomer(row) if whole else InvalidError("the line has more or fewer cells")
    except csv.Error as error:
        yield rows.line_num, InvalidError(f"the line cannot be read ({error}), and nothing after it was")


def read_json_lines(lines: Iterable[str]) -> Iterator[Line]:
    """Reads one JSON object a line, with the same members as the columns; roles are a list or a text."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError:
            yield number, InvalidError("the line is no JSON")
            continue
        yield number, _newcomer(row) if isinstance(row, dict) else InvalidError("the line is no JSON object")


def take_in(transaction: Transaction, organization_id: str, newcomer: Newcomer, now: int) -> User:
    """Makes somebody a member; who has an account already keeps its name and password.

    Raises:
        ExistsError: the person is a member of the organization already.
        InvalidError: the person is disabled.
    """
    user = users.find_by_email(transaction, newcomer.email)
    if user is None:
        user = User(new_id(Kind.USER, now * 1000), newcomer.email, newcomer.phone, newcomer.name, newcomer.npi)
        users.add(transaction, user, now)
        if newcomer.hash is not None:
            passwords.store(transaction, user.id, newcomer.hash, now)
    elif user.disabled_at is not None:
        raise InvalidError("this person is disabled")
    if any(one.organization_id == organization_id for one in memberships.of_person(transaction, user.id)):
        raise ExistsError("this person is a member of the organization already")
    memberships.add(transaction, organization_id, user.id, newcomer.roles, now)
    return user


def _newcomer(row: Mapping[str, Any]) -> Newcomer | DomainError:
    """Checks everything about a row, so that taking it in fails for nothing but what is there already."""
    unknown = sorted(set(row) - set(COLUMNS))
    if unknown:
        return InvalidError(f"there is no {unknown[0]!r}: the names are {', '.join(COLUMNS)}")
    given = row.get("roles")
    texts = {name: row.get(name) or None for name in COLUMNS if name != "roles"}
    if not all(text is None or isinstance(text, str) for text in texts.values()):
        return InvalidError("a value is no text")
    try:
        name = Name(texts["first_name"] or "", texts["last_name"] or "", texts["title"], texts["middle_name"])
        require_name(name, "name")
        return Newcomer(
            users.require_email(texts["email"] or ""),
            name,
            texts["phone"],
            texts["npi"],
            _hash(texts["hash"]),
            roles_of(given.split("|") if isinstance(given, str) else given if isinstance(given, list) else []),
        )
    except DomainError as error:
        return error


def _hash(text: str | None) -> str | None:
    if text is not None and not hashes.is_readable(text):
        raise InvalidError("the hash is none of Argon2id, bcrypt and PBKDF2-SHA256, or costs too much")
    return text


def roles_of(names: Iterable[object]) -> frozenset[Role]:
    """Returns the roles with these names, in whichever case they are written.

    Raises:
        InvalidError: none is given, or one that there is not.
    """
    written = [str(name).strip().casefold() for name in names]
    if not written or not set(written) <= _ROLES.keys():
        raise InvalidError(f"the roles are one or more of {', '.join(Role)}")
    return frozenset(_ROLES[name] for name in written)

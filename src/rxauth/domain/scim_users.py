"""SCIM users: what an organization's identity provider says of its people; for their accounts, see `scim_people`."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from sqlalchemy import BindParameter, bindparam, delete, select, update

from rxauth.domain import users
from rxauth.domain.errors import InvalidError
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.scim import scim_emails, scim_members
from rxauth.storage.tables.scim import scim_users as table
from rxauth.storage.tenancy import insert_row, sql

KEY_LIMIT_BYTES: Final = 1_024

_MINE: Final = table.c.organization_id == bindparam("organization_id")
_THE_ONE: Final = (table.c.organization_id == bindparam("owner"), table.c.id == bindparam("the_id"))
# What a `ScimUser` is read from.
COLUMNS: Final = tuple(column for column in table.c if column.name not in {"user_name_key", "settle_at"})
_INSERT = insert_row(table)
_INSERT_EMAIL = insert_row(scim_emails)
_ONE = sql(select(*COLUMNS).where(_MINE, table.c.id == bindparam("id")))
_LOCKED = sql(select(*COLUMNS).where(_MINE, table.c.id == bindparam("id")).with_for_update())
_CHANGE = sql(
    update(table)
    .where(*_THE_ONE)
    .values(
        user_name_key=bindparam("new_key"),
        external_id=bindparam("new_external_id"),
        active=bindparam("is_active"),
        resource=bindparam("new_resource"),
        changed_at_ms=bindparam("moment_ms"),
        version=table.c.version + 1,
    )
)
_LINK = sql(
    update(table)
    .where(*_THE_ONE)
    .values(
        user_id=bindparam("person"),
        made_account=bindparam("has_made"),
        given_roles=bindparam("roles"),
        invited_key=bindparam("invited"),
        settle_at=None,
    )
)
_OF_OWNER: Final = (
    scim_emails.c.organization_id == bindparam("owner"),
    scim_emails.c.scim_user_id == bindparam("the_id"),
)
_FORGET_EMAILS = sql(delete(scim_emails).where(*_OF_OWNER))
_FORGET_GROUPS = sql(
    delete(scim_members).where(
        scim_members.c.organization_id == bindparam("owner"), scim_members.c.scim_user_id == bindparam("the_id")
    )
)
_REMOVE = sql(delete(table).where(*_THE_ONE))
_SAME_PERSON = sql(select(table.c.id).where(_MINE, table.c.user_id == bindparam("user_id")))
_SAME_INVITE = sql(
    select(table.c.id).where(_MINE, table.c.invited_key == bindparam("key"), table.c.id != bindparam("but"))
)
_IDS: Final[BindParameter[Any]] = bindparam("ids", expanding=True)
_LOCKED_ALL = sql(select(*COLUMNS).where(_MINE, table.c.id.in_(_IDS)).order_by(table.c.id).with_for_update())
_FORGET_GIVEN = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.id.in_(_IDS))
    .values(given_roles="", settle_at=None)
)
_KNOWN = sql(select(table.c.id).where(_MINE, table.c.id.in_(_IDS)))


@dataclass(frozen=True, slots=True)
class ScimUser:
    """A user as SCIM has it.

    resource: what was said, under the names of its schema. user_id: the person that it became, None: nobody yet.
    made_account: the account was made for it. given_roles: what its groups gave that person. invited_key: the address
    that was invited, as addresses are compared; None: none was. Times: UTC milliseconds.
    """

    organization_id: str
    id: str
    external_id: str | None
    active: bool
    resource: Mapping[str, Any] = field(repr=False)
    created_at_ms: int
    changed_at_ms: int
    version: int
    user_id: str | None
    made_account: bool
    given_roles: frozenset[Role]
    invited_key: str | None = field(repr=False)


def name_key(user_name: str) -> str:
    """Returns what user names are compared by: many spellings of one name have one key."""
    return unicodedata.normalize("NFKC", user_name.strip()).casefold()


def email_key(address: str) -> str | None:
    """Returns what an address is looked up by; None: it is none."""
    try:
        key = users.email_key(users.require_email(address))
    except InvalidError:
        return None
    return key if len(key.encode()) <= KEY_LIMIT_BYTES else None


def address_of(resource: Mapping[str, Any]) -> str | None:
    """Returns the address that an account is for: the primary one, one of work, the first, or the user name."""
    emails = [one for one in resource.get("emails", ()) if one.get("value")]
    emails.sort(key=lambda one: (one.get("primary") is not True, str(one.get("type", "")).lower() != "work"))
    for address in [*(one["value"] for one in emails[:1]), resource.get("userName", "")]:
        if email_key(address) is not None:
            return str(address).strip()
    return None


def new(organization_id: str, resource: Mapping[str, Any], now_ms: int) -> ScimUser:
    """Returns a user as it is first said, of whom nobody came yet; it is kept by `add`."""
    return ScimUser(
        organization_id,
        new_id(Kind.SCIM_USER, now_ms),
        resource.get("externalId"),
        resource.get("active", True),
        resource,
        created_at_ms=now_ms,
        changed_at_ms=now_ms,
        version=1,
        user_id=None,
        made_account=False,
        given_roles=frozenset(),
        invited_key=None,
    )


def add(transaction: Transaction, user: ScimUser) -> None:
    """Adds a user, with what became of it.

    Raises:
        InvalidError: the user name is too long. ConflictError: another user has it.
    """
    values = _stored(user.resource, is_active=user.active)
    transaction.run(
        _INSERT,
        organization_id=user.organization_id,
        id=user.id,
        user_name_key=values["new_key"],
        external_id=user.external_id,
        active=user.active,
        resource=values["new_resource"],
        created_at_ms=user.created_at_ms,
        changed_at_ms=user.changed_at_ms,
        version=user.version,
        user_id=user.user_id,
        made_account=user.made_account,
        given_roles=_listed(user.given_roles),
        invited_key=user.invited_key,
        settle_at=None,
    )
    _note_emails(transaction, user.organization_id, user.id, user.resource)


def find(transaction: Transaction, organization_id: str, scim_id: str) -> ScimUser | None:
    """Returns a user of the organization, or None."""
    row = transaction.first(_ONE, organization_id=organization_id, id=scim_id)
    return None if row is None else read(row)


def lock(transaction: Transaction, organization_id: str, scim_id: str) -> ScimUser | None:
    """Returns what `find` does, and has whoever changes it wait until this transaction ends."""
    row = transaction.first(_LOCKED, organization_id=organization_id, id=scim_id)
    return None if row is None else read(row)


def lock_all(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> list[ScimUser]:
    """Returns those of some users that the organization has, and has whoever changes them wait."""
    return [read(row) for row in transaction.all(_LOCKED_ALL, organization_id=organization_id, ids=ids)]


def change(transaction: Transaction, user: ScimUser, resource: Mapping[str, Any], now_ms: int) -> ScimUser:
    """Has a locked user be as it was said last.

    Raises:
        InvalidError, ConflictError: as for `add`.
    """
    values = _stored(resource, is_active=user.active)
    owner = {"owner": user.organization_id, "the_id": user.id}
    transaction.run(_CHANGE, **owner, **values, moment_ms=now_ms)
    if user.resource.get("emails") != resource.get("emails"):
        transaction.run(_FORGET_EMAILS, **owner)
        _note_emails(transaction, user.organization_id, user.id, resource)
    return replace(
        user,
        external_id=values["new_external_id"],
        active=values["is_active"],
        resource=resource,
        changed_at_ms=now_ms,
        version=user.version + 1,
    )


def link(transaction: Transaction, user: ScimUser) -> None:
    """Keeps what became of a user: person, account, roles and invite; what it has by its groups is settled by that."""
    transaction.run(
        _LINK,
        owner=user.organization_id,
        the_id=user.id,
        person=user.user_id,
        has_made=user.made_account,
        roles=_listed(user.given_roles),
        invited=user.invited_key,
    )


def forget_given(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> None:
    """Notes that groups give nothing to some locked users."""
    transaction.run(_FORGET_GIVEN, owner=organization_id, ids=ids)


def remove(transaction: Transaction, user: ScimUser) -> None:
    """Forgets all that was said of a user."""
    for statement in (_FORGET_EMAILS, _FORGET_GROUPS, _REMOVE):
        transaction.run(statement, owner=user.organization_id, the_id=user.id)


def with_person(transaction: Transaction, organization_id: str, user_id: str) -> str | None:
    """Returns the user that became a person, or None."""
    row = transaction.first(_SAME_PERSON, organization_id=organization_id, user_id=user_id)
    return None if row is None else str(row.id)


def is_invited_as_another(transaction: Transaction, user: ScimUser, key: str) -> bool:
    """Tells whether an address was invited for another user."""
    found = transaction.first(_SAME_INVITE, organization_id=user.organization_id, key=key, but=user.id)
    return found is not None


def known(transaction: Transaction, organization_id: str, ids: Sequence[str]) -> set[str]:
    """Returns which of some identifiers are of users of the organization."""
    return {row.id for row in transaction.all(_KNOWN, organization_id=organization_id, ids=ids)} if ids else set()


def _stored(resource: Mapping[str, Any], *, is_active: bool) -> dict[str, Any]:
    """Returns what the columns take. is_active: where it is not said."""
    key = name_key(resource["userName"])
    if len(key.encode()) > KEY_LIMIT_BYTES:
        raise InvalidError("userName is too long", "userName")
    return {
        "new_key": key,
        "new_external_id": resource.get("externalId"),
        "is_active": resource.get("active", is_active),
        "new_resource": msgspec.json.encode(resource),
    }


def _listed(roles: frozenset[Role]) -> str:
    return "\n".join(sorted(roles))


def _note_emails(transaction: Transaction, organization_id: str, scim_id: str, resource: Mapping[str, Any]) -> None:
    keys = {email_key(one.get("value", "")) for one in resource.get("emails", ())} - {None}
    owner = {"organization_id": organization_id, "scim_user_id": scim_id}
    transaction.run_many(_INSERT_EMAIL, [owner | {"email_key": key} for key in sorted(filter(None, keys))])


def read(row: Any) -> ScimUser:
    """Returns the user in a row that has `COLUMNS`."""
    values = dict(row._mapping)
    values["resource"] = msgspec.json.decode(row.resource)
    values["given_roles"] = frozenset(Role(name) for name in row.given_roles.split("\n") if name)
    return ScimUser(**values)

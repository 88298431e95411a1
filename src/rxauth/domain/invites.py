"""Invites: an organization asks whoever reads an address to work for it, with some roles. For 7 days, once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from rxauth.crypto import secrets
from rxauth.domain import letters, memberships, organizations, passwords, users
from rxauth.domain.errors import AbsentError, ExistsError, InvalidError
from rxauth.domain.mails import Outbox
from rxauth.domain.names import Name
from rxauth.domain.pruning import BY_AGE, Pruning
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import invites as table
from rxauth.storage.tenancy import insert_row, sql

LIFETIME_S: Final = 7 * 86_400
SHOWN_S: Final = 30 * 86_400
SHOWN_LIMIT: Final = 1_000
KEPT_S: Final = 90 * 86_400
# So many letters an hour does an organization send to an address.
LETTERS_LIMIT: Final = 5
LETTERS_WITHIN_S: Final = 3_600
# One text for every cause; the published clients look for its words.
NOT_FOUND: Final = "invitation not found or already used"

_LINK = "a link names an invite before its organization is known"
_COLUMNS = tuple(column for column in table.c if column.name not in {"digest", "email_key"})
_IS_LIVE = (
    table.c.accepted_at.is_(None),
    table.c.revoked_at.is_(None),
    table.c.expires_at > bindparam("moment"),
)
_INSERT = insert_row(table)
_FIND = sql(select(*_COLUMNS).where(table.c.digest == bindparam("presented"), *_IS_LIVE), across_tenants=_LINK)
_SPEND = sql(
    update(table)
    .where(table.c.digest == bindparam("presented"), *_IS_LIVE)
    .values(accepted_at=bindparam("moment"))
    .returning(*_COLUMNS),
    across_tenants=_LINK,
)
_OF_ORGANIZATION = sql(
    select(*_COLUMNS)
    .where(
        table.c.organization_id == bindparam("organization_id"),
        table.c.accepted_at.is_(None),
        table.c.revoked_at.is_(None),
    )
    .order_by(table.c.id.desc())
)
_REVOKE = sql(
    update(table)
    .where(
        table.c.organization_id == bindparam("owner"),
        table.c.id == bindparam("invite_id"),
        table.c.accepted_at.is_(None),
        table.c.revoked_at.is_(None),
    )
    .values(revoked_at=bindparam("moment"))
)
_OPEN = (table.c.accepted_at.is_(None), table.c.revoked_at.is_(None))
_SHOWN = sql(
    select(*_COLUMNS)
    .where(
        table.c.organization_id == bindparam("organization_id"), *_OPEN, table.c.expires_at > bindparam("ended_after")
    )
    .order_by(table.c.id.desc())
    .limit(bindparam("rows"))
)
_LOCKED = sql(
    select(*_COLUMNS)
    .where(table.c.organization_id == bindparam("organization_id"), table.c.id == bindparam("invite_id"), *_OPEN)
    .with_for_update()
)
_TO_ADDRESS = sql(
    select(*_COLUMNS)
    .where(table.c.organization_id == bindparam("organization_id"), table.c.email_key == bindparam("key"))
    .order_by(table.c.id.desc())
    .limit(bindparam("rows"))
)
_SPEND_ONE = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.id == bindparam("invite_id"), *_IS_LIVE)
    .values(accepted_at=bindparam("moment"))
)
_REVOKE_OF_INVITERS = sql(
    update(table)
    .where(
        table.c.organization_id == bindparam("owner"),
        table.c.inviter_id.in_(bindparam("inviters", expanding=True)),
        *_IS_LIVE,
    )
    .values(revoked_at=bindparam("moment"))
    .returning(table.c.id)
)
FORGET: Final = Pruning(table, table.c.id, KEPT_S, kind=Kind.INVITE, across_tenants=BY_AGE)
_REPLACE = sql(
    update(table)
    .where(table.c.organization_id == bindparam("owner"), table.c.email_key == bindparam("key"), *_IS_LIVE)
    .values(revoked_at=bindparam("moment"))
)


@dataclass(frozen=True, slots=True)
class Invite:
    """An invite. inviter_id None: the operator invited. Times: UTC seconds; None: it did not happen."""

    id: str
    organization_id: str
    email: str = field(repr=False)
    roles: frozenset[Role]
    inviter_id: str | None
    created_at: int
    expires_at: int
    accepted_at: int | None
    revoked_at: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is invited, with which roles, and by whom; None: by the operator."""

    email: str = field(repr=False)
    roles: frozenset[Role]
    inviter_id: str | None = None


def create(transaction: Transaction, organization_id: str, asked: Asked, outbox: Outbox, now: int) -> Invite:
    """Invites an address, in place of every invite to it before, and queues the letter.

    Raises:
        InvalidError: no address, or one that the organization does not invite, or no role.
        AbsentError: no such organization, or it is disabled.
        ExistsError: whoever has the address is a member already.
    """
    email = users.require_email(asked.email)
    if not asked.roles:
        raise InvalidError("a member has at least one role")
    organization = organizations.find(transaction, organization_id)
    if organization is None or organization.disabled_at is not None:
        raise AbsentError(f"there is no organization {organization_id} that is not disabled")
    _require_domain(email, organization.email_domains)
    person = users.find_by_email(transaction, email)
    if person is not None and _is_member(transaction, person.id, organization_id):
        raise ExistsError("whoever has this address is a member of the organization already", "email")
    transaction.run(_REPLACE, owner=organization_id, key=users.email_key(email), moment=now)
    token = secrets.new_handle()
    times = {"created_at": now, "expires_at": now + LIFETIME_S, "accepted_at": None, "revoked_at": None}
    values: dict[str, Any] = {
        "id": new_id(Kind.INVITE, now * 1000),
        "organization_id": organization_id,
        "email": email,
        "inviter_id": asked.inviter_id,
        **times,
    }
    written = "\n".join(sorted(asked.roles))
    digest = secrets.digest(token)
    transaction.run(_INSERT, **values, digest=digest, email_key=users.email_key(email), roles=written)
    link = outbox.link(letters.INVITE_PATH, token)
    outbox.put(transaction, letters.invite(email, organization.name, asked.roles, link), now)
    return Invite(**values, roles=asked.roles)


def find(transaction: Transaction, token: str, now: int) -> Invite | None:
    """Returns the invite of a link, and spends nothing; None: it is forged, used, revoked or too old."""
    row = transaction.first(_FIND, presented=secrets.digest(token), moment=now)
    return None if row is None else _invite(row)


def accept(transaction: Transaction, token: str, user_id: str, now: int) -> Invite:
    """Makes a person who is signed in a member; who is one already gets the roles in addition.

    Raises:
        AbsentError: no such invite, or it is for another address: the two look the same.
    """
    invite = _spend(transaction, token, now)
    user = users.find(transaction, user_id)
    if user is None or user.disabled_at is not None or users.email_key(user.email) != users.email_key(invite.email):
        raise AbsentError(NOT_FOUND)
    _join(transaction, invite, user_id, now)
    return invite


def accept_as_new(
    transaction: Transaction, token: str, name: Name, password_hash: str, now: int
) -> tuple[Invite, User]:
    """Makes a new person with the invite's address, which the link has verified, a member.

    password_hash: of a password that the rules accept.

    Raises:
        AbsentError: no such invite. InvalidError: the name is none.
        ExistsError: somebody has the address by now, and must sign in to accept.
        ConflictError: somebody took the address at the same moment.
    """
    invite = _spend(transaction, token, now)
    if users.find_by_email(transaction, invite.email) is not None:
        raise ExistsError("somebody has this address already: sign in to accept the invite")
    user = User(new_id(Kind.USER, now * 1000), invite.email, None, name, None, email_verified_at=now)
    users.add(transaction, user, now)
    passwords.store(transaction, user.id, password_hash, now)
    _join(transaction, invite, user.id, now)
    return invite, user


def of_organization(transaction: Transaction, organization_id: str) -> list[Invite]:
    """Lists the invites that were neither accepted nor revoked, newest first; some may be too old."""
    return [_invite(row) for row in transaction.all(_OF_ORGANIZATION, organization_id=organization_id)]


def revoke(transaction: Transaction, organization_id: str, invite_id: str, now: int) -> None:
    """Takes an invite back; one that is too old is listed no longer.

    Raises:
        AbsentError: the organization has no such invite, or it was accepted or taken back.
    """
    if transaction.run(_REVOKE, owner=organization_id, invite_id=invite_id, moment=now) == 0:
        raise AbsentError("there is no such invite, or it was accepted or taken back", "inviteId")


def revoke_of_inviters(
    transaction: Transaction, organization_id: str, inviter_ids: Sequence[str], now: int
) -> list[str]:
    """Takes back what some people invited to and nobody accepted yet; returns the identifiers."""
    rows = transaction.all(_REVOKE_OF_INVITERS, owner=organization_id, inviters=inviter_ids, moment=now)
    return sorted(row.id for row in rows)


def lock(transaction: Transaction, organization_id: str, invite_id: str) -> Invite:
    """Returns an invite that was neither accepted nor revoked, and has whoever accepts it wait.

    Raises:
        AbsentError: see `revoke`.
    """
    row = transaction.first(_LOCKED, organization_id=organization_id, invite_id=invite_id)
    if row is None:
        raise AbsentError("there is no such invite, or it was accepted or taken back", "inviteId")
    return _invite(row)


def shown(transaction: Transaction, organization_id: str, now: int) -> list[Invite]:
    """Lists the invites that wait, newest first; those that ended more than `SHOWN_S` ago are not among them."""
    ended_after = now - SHOWN_S
    rows = transaction.all(_SHOWN, organization_id=organization_id, ended_after=ended_after, rows=SHOWN_LIMIT)
    return [_invite(row) for row in rows]


def to_address(transaction: Transaction, organization_id: str, email: str) -> list[Invite]:
    """Lists the last invites of an organization to an address, whatever became of them, newest first."""
    key = users.email_key(email)
    rows = transaction.all(_TO_ADDRESS, organization_id=organization_id, key=key, rows=LETTERS_LIMIT)
    return [_invite(row) for row in rows]


def open_to(transaction: Transaction, organization_id: str, email: str, now: int) -> Invite | None:
    """Returns the invite of an organization to an address that may still be accepted, or None."""
    found = to_address(transaction, organization_id, email)
    return next((one for one in found if not (one.accepted_at or one.revoked_at) and now < one.expires_at), None)


def spend(transaction: Transaction, invite: Invite, now: int) -> bool:
    """Uses an invite up whose address was proved otherwise than by its letter; False: somebody was faster."""
    return transaction.run(_SPEND_ONE, owner=invite.organization_id, invite_id=invite.id, moment=now) > 0


def _spend(transaction: Transaction, token: str, now: int) -> Invite:
    """Uses an invite up first, so that of two at once the second waits here and finds it used."""
    row = transaction.first(_SPEND, presented=secrets.digest(token), moment=now)
    organization = None if row is None else organizations.find(transaction, row.organization_id)
    if row is None or organization is None or organization.disabled_at is not None:
        raise AbsentError(NOT_FOUND)
    return _invite(row)


def _join(transaction: Transaction, invite: Invite, user_id: str, now: int) -> None:
    if _is_member(transaction, user_id, invite.organization_id):
        memberships.add_roles(transaction, invite.organization_id, user_id, invite.roles, now)
    else:
        memberships.add(transaction, invite.organization_id, user_id, invite.roles, now)


def _require_domain(email: str, domains: tuple[str, ...]) -> None:
    if domains and email.rpartition("@")[2].lower() not in domains:
        raise InvalidError(f"the organization invites addresses at {', '.join(domains)} only", "email")


def _is_member(transaction: Transaction, user_id: str, organization_id: str) -> bool:
    return any(one.organization_id == organization_id for one in memberships.of_person(transaction, user_id))


def _invite(row: Any) -> Invite:
    values = dict(row._mapping)
    return Invite(**{**values, "roles": frozenset(Role(name) for name in row.roles.split("\n"))})

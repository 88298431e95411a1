"""SCIM tokens: what an organization's identity provider proves itself with. Two at most are live, to replace one."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import bindparam, func, select, update

from rxauth.crypto import secrets
from rxauth.domain import client_secrets, machine_clients
from rxauth.domain.errors import AbsentError, ExistsError
from rxauth.domain.names import require_text
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import organizations
from rxauth.storage.tables.scim import scim_tokens as table
from rxauth.storage.tenancy import insert_row, sql

LIVE_LIMIT: Final = 2
SHOWN_LIMIT: Final = 100
USE_NOTED_EVERY_S: Final = 60

_MINE: Final = table.c.organization_id == bindparam("the_organization_id")
_COLUMNS: Final = tuple(column for column in table.c if column.name not in {"digest", "remind_at"})
_IS_LIVE: Final = (
    table.c.revoked_at.is_(None),
    func.coalesce(table.c.expires_at, bindparam("moment") + 1) > bindparam("moment"),
)
_INSERT = insert_row(table)
_BEARER = sql(
    select(*_COLUMNS)
    .join(organizations, organizations.c.id == table.c.organization_id)
    .where(table.c.digest == bindparam("presented"), organizations.c.disabled_at.is_(None), *_IS_LIVE),
    across_tenants="a token says whose it is",
)
_OF_ORGANIZATION = sql(select(*_COLUMNS).where(_MINE).order_by(table.c.id.desc()).limit(bindparam("rows")))
_LOCKED = sql(select(*_COLUMNS).where(_MINE, table.c.id == bindparam("token_id")).with_for_update())
_LIVE = sql(select(func.count().label("number")).where(_MINE, *_IS_LIVE))
_LOCK_ORGANIZATION = sql(
    select(organizations.c.id).where(organizations.c.id == bindparam("owner")).with_for_update(key_share=True)
)
_REVOKE = sql(
    update(table)
    .where(_MINE, table.c.id == bindparam("token_id"))
    .values(revoked_at=bindparam("moment"), remind_at=None)
)
_USED = sql(
    update(table)
    .where(
        _MINE,
        table.c.id == bindparam("token_id"),
        func.coalesce(table.c.last_used_at, 0) <= bindparam("moment") - USE_NOTED_EVERY_S,
    )
    .values(last_used_at=bindparam("moment"))
)


@dataclass(frozen=True, slots=True)
class ScimToken:
    """A token, without its text. expires_at None: it has no end. revoked_at, last_used_at None: never. UTC seconds."""

    organization_id: str
    id: str
    name: str = field(repr=False)
    created_at: int
    created_by: str
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None

    def is_live(self, now: int) -> bool:
        """Tells whether the token proves anything."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is said of a token when it is made; see `ScimToken`."""

    name: str = field(repr=False)
    created_by: str
    expires_at: int | None = None


def make(transaction: Transaction, organization_id: str, wanted: Wanted, now: int) -> tuple[ScimToken, str]:
    """Makes a token; returns it with its text, which is known this once.

    Raises:
        InvalidError: the name or the end is none. ExistsError: two work already.
    """
    require_text(wanted.name, "name")
    machine_clients.require_end(wanted.expires_at, now)
    transaction.first(_LOCK_ORGANIZATION, owner=organization_id)
    if transaction.first(_LIVE, the_organization_id=organization_id, moment=now).number >= LIVE_LIMIT:
        raise ExistsError(f"{LIVE_LIMIT} tokens work already: revoke one of them first")
    text = secrets.new_secret()
    made = ScimToken(
        organization_id,
        new_id(Kind.SCIM_TOKEN, now * 1000),
        wanted.name.strip(),
        now,
        wanted.created_by,
        wanted.expires_at,
        None,
        None,
    )
    transaction.run(
        _INSERT,
        organization_id=organization_id,
        id=made.id,
        digest=secrets.digest(text),
        name=made.name,
        created_at=now,
        created_by=made.created_by,
        expires_at=made.expires_at,
        revoked_at=None,
        last_used_at=None,
        remind_at=client_secrets.next_reminder(made.expires_at, now),
    )
    return made, text


def bearer(transaction: Transaction, text: str, now: int) -> ScimToken | None:
    """Returns the token with this text; None: there is none, it ended, or its organization is disabled."""
    row = transaction.first(_BEARER, presented=secrets.digest(text), moment=now) if secrets.is_whole(text) else None
    return None if row is None else _token(row)


def note_use(transaction: Transaction, token: ScimToken, now: int) -> None:
    """Remembers that a token was used, to the minute."""
    transaction.run(_USED, the_organization_id=token.organization_id, token_id=token.id, moment=now)


def is_use_due(token: ScimToken, now: int) -> bool:
    """Tells whether a use of a token is to be remembered: it was not, within this minute."""
    return token.last_used_at is None or token.last_used_at <= now - USE_NOTED_EVERY_S


def of_organization(transaction: Transaction, organization_id: str) -> list[ScimToken]:
    """Lists an organization's tokens, newest first, those that ended too."""
    rows = transaction.all(_OF_ORGANIZATION, the_organization_id=organization_id, rows=SHOWN_LIMIT)
    return [_token(row) for row in rows]


def revoke(transaction: Transaction, organization_id: str, token_id: str, now: int) -> tuple[ScimToken, bool]:
    """Ends a token at once; tells whether it had not been revoked before.

    Raises:
        AbsentError: the organization has no such token.
    """
    owner = {"the_organization_id": organization_id, "token_id": token_id}
    row = transaction.first(_LOCKED, **owner)
    if row is None:
        raise AbsentError("there is no such token", "id")
    token = _token(row)
    if token.revoked_at is not None:
        return token, False
    transaction.run(_REVOKE, **owner, moment=now)
    return replace(token, revoked_at=now), True


def _token(row: Any) -> ScimToken:
    return ScimToken(**row._mapping)

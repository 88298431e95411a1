"""People as identity providers know them: what one vouched for, and who that is here."""

from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, select, update

from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_identities as table
from rxauth.storage.tenancy import insert_row, sql

SUBJECT_LIMIT_CHARACTERS: Final = 512
_INSERT = insert_row(table)
_ONE = (
    table.c.organization_id == bindparam("organization_id"),
    table.c.connection_id == bindparam("connection_id"),
    table.c.subject == bindparam("subject"),
)
_USER = sql(select(table.c.user_id).where(*_ONE))
_ANY = sql(
    select(table.c.connection_id).where(table.c.user_id == bindparam("user_id")).limit(1),
    across_tenants="a person's account is theirs, whichever organizations they work for",
)
_LEFT = sql(select(table.c.left_at).where(*_ONE, table.c.left_at.is_not(None)))
_THE_ONE = (
    table.c.organization_id == bindparam("the_organization_id"),
    table.c.connection_id == bindparam("the_connection_id"),
    table.c.subject == bindparam("the_subject"),
)
_SEEN = sql(update(table).where(*_THE_ONE).values(seen_at=bindparam("moment"), left_at=None))
_LEAVE = sql(update(table).where(*_THE_ONE).values(left_at=bindparam("moment")))


@dataclass(frozen=True, slots=True)
class UpstreamIdentity:
    """Somebody for whom an identity provider vouched in an answer that was checked in full.

    subject: who it is to the provider, for good. email None: the provider says none, or says that it is not verified.
    methods: of RFC 8176, those of the provider's that the connection honours. session: its name for its session; None:
    it names none. hint: what a logout there wants back.
    """

    organization_id: str
    connection_id: str
    subject: str = field(repr=False)
    email: str | None = field(repr=False)
    first_name: str | None = field(repr=False)
    last_name: str | None = field(repr=False)
    groups: tuple[str, ...] = field(repr=False)
    methods: tuple[str, ...]
    session: str | None = field(repr=False)
    hint: bytes | None = field(default=None, repr=False)


def person_of(transaction: Transaction, one: UpstreamIdentity) -> str | None:
    """Returns which person this identity was linked to; None: nobody yet."""
    row = transaction.first(_USER, **_of(one))
    return None if row is None else str(row.user_id)


def has_any(transaction: Transaction, user_id: str) -> bool:
    """Tells whether any provider's identity was linked to a person."""
    return transaction.first(_ANY, user_id=user_id) is not None


def link(transaction: Transaction, one: UpstreamIdentity, user_id: str, now: int) -> None:
    """Links an identity to a person, who proved to be it; from then on the subject alone tells who it is."""
    transaction.run(
        _INSERT,
        organization_id=one.organization_id,
        connection_id=one.connection_id,
        subject=one.subject,
        user_id=user_id,
        linked_at=now,
        seen_at=now,
        left_at=None,
    )


def note_seen(transaction: Transaction, one: UpstreamIdentity, now: int) -> None:
    """Notes that the person came through the connection again, and is in."""
    transaction.run(_SEEN, **_of(one, "the_"), moment=now)


def note_left(transaction: Transaction, one: UpstreamIdentity, now: int) -> None:
    """Notes that the person is out because of its groups, and no decision of anybody's here."""
    transaction.run(_LEAVE, **_of(one, "the_"), moment=now)


def has_left(transaction: Transaction, one: UpstreamIdentity) -> bool:
    """Tells whether the person is out because of its groups; see `note_left`."""
    return transaction.first(_LEFT, **_of(one)) is not None


def _of(one: UpstreamIdentity, prefix: str = "") -> dict[str, str]:
    return {f"{prefix}{name}": getattr(one, name) for name in ("organization_id", "connection_id", "subject")}

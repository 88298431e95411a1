"""Whose log a record is in: that of the organization it names, or of those that a person works for who acted alone."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import msgspec
from sqlalchemy import bindparam, select

from rxauth.domain.audit import Event
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import memberships
from rxauth.storage.tenancy import sql

# What people do before they act for an organization, and what concerns each one that trusts who they are.
_OF_PEOPLE: Final = frozenset(
    {
        *(Event.SIGNED_IN, Event.SIGN_IN_REFUSED, Event.SIGNED_OUT, Event.PROFILE_CHANGED),
        *(Event.PASSWORD_CHANGED, Event.PASSWORD_RESET_ASKED, Event.PASSWORD_RESET),
        *(Event.EMAIL_CHANGE_ASKED, Event.EMAIL_CHANGED),
        *(Event.FACTOR_ADDED, Event.FACTOR_REMOVED, Event.RECOVERY_CODES_MADE),
    }
)
_Short = Annotated[str, msgspec.Meta(max_length=255)]
_NUL: Final = b"\\u0000"
_MEMBERSHIPS = sql(
    select(memberships.c.user_id, memberships.c.organization_id).where(
        memberships.c.user_id.in_(bindparam("user_ids", expanding=True))
    ),
    across_tenants="what a person does before choosing an organization concerns each of theirs",
)


class Actor(msgspec.Struct, frozen=True):
    """Who acted, as a record has it."""

    kind: str
    id: _Short | None


class Record(msgspec.Struct, frozen=True):
    """A record, as far as it is counted and found again. secret_id: of a token that was issued with one."""

    event: _Short
    at_us: int
    actor: Actor
    organization_id: _Short | None = None
    target: _Short | None = None
    count: int = 1
    secret_id: _Short = ""


@dataclass(frozen=True, slots=True)
class Owned:
    """A record, and the organizations in whose log it is; none: the installation's alone."""

    id: str
    record: Record
    organization_ids: tuple[str, ...]


def owned(transaction: Transaction, rows: Sequence[Any]) -> list[Owned]:
    """Reads rows of the outbox; whom a person works for is asked once for all of them."""
    records = list(_read(rows))
    theirs = _organizations(transaction, {one.actor.id for _, one in records if _is_personal(one) and one.actor.id})
    return [
        Owned(record_id, one, theirs.get(one.actor.id or "", ()) if _is_personal(one) else _named(one))
        for record_id, one in records
    ]


def _read(rows: Sequence[Any]) -> Iterator[tuple[str, Record]]:
    """Reads records; what is none, or has what no column takes, is numbered all the same, and found by a verifier."""
    decoder = msgspec.json.Decoder(Record)
    for row in rows:
        try:
            record = decoder.decode(row.entry)
        except msgspec.MsgspecError:
            continue
        if _NUL not in row.entry or not _has_nul(record):
            yield row.id, record


def _has_nul(record: Record) -> bool:
    texts = (record.event, record.organization_id, record.actor.id, record.target, record.secret_id)
    return any("\0" in one for one in texts if one)


def _is_personal(record: Record) -> bool:
    return record.organization_id is None and record.actor.kind == "person" and record.event in _OF_PEOPLE


def _named(record: Record) -> tuple[str, ...]:
    return () if record.organization_id is None else (record.organization_id,)


def _organizations(transaction: Transaction, user_ids: set[str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = defaultdict(tuple)
    if user_ids:
        for row in transaction.all(_MEMBERSHIPS, user_ids=sorted(user_ids)):
            found[row.user_id] += (row.organization_id,)
    return found

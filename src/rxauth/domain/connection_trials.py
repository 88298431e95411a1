"""Trials of a connection: somebody at the settings page walks one sign-in, and sees what came of it."""

from contextlib import suppress
from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, select, update

from rxauth.crypto.base64url import MalformedError, decode_base64url, encode_base64url
from rxauth.crypto.sealing import seal, unseal
from rxauth.domain import connections, entries, joining
from rxauth.domain.entries import Refused, Vouched
from rxauth.domain.joining import Joined, MustProve
from rxauth.domain.upstream_requests import UpstreamRequest
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_requests as table
from rxauth.storage.tenancy import sql

SHOWN_S: Final = 1_800  # after the browser was sent there
_PURPOSE: Final = "connection trial"
_KEEP = sql(
    update(table)
    .where(table.c.organization_id == bindparam("the_organization_id"), table.c.digest == bindparam("the_digest"))
    .values(sealed_outcome=bindparam("sealed"))
)
_ONE = sql(
    select(table.c.connection_id, table.c.sealed_outcome).where(
        table.c.organization_id == bindparam("organization_id"),
        table.c.digest == bindparam("digest"),
        table.c.tried_by == bindparam("tried_by"),
        table.c.created_at > bindparam("created_after"),
    )
)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a trial. claims: as the provider sent them; empty: it did not come to that.

    email to roles: what they mean here. code and explanation: why somebody is refused who comes like this; None: nobody
    is. must_link: the person first has to prove that the account with this address is theirs.
    """

    claims: dict[str, Any] = {}
    email: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    groups: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    roles: tuple[Role, ...] = ()
    code: str | None = None
    explanation: str | None = None
    must_link: bool = False

    def __repr__(self) -> str:
        """Leaves out the person."""
        return f"Trial({self.code!r})"


class _UndoneError(Exception):
    """What was tried is undone."""


def judge(transaction: Transaction, vouched: Vouched, claims: dict[str, Any], now: int) -> Trial:
    """Returns what would come of a sign-in with this identity; nothing of it stays, but that it worked."""
    found: list[Joined | MustProve | Refused] = []

    def work(tried: Transaction) -> None:
        found.append(joining.join(tried, vouched, now))
        raise _UndoneError

    with suppress(_UndoneError):
        transaction.attempt(work)
    outcome, one = found[0], vouched.identity
    refused = outcome if isinstance(outcome, Refused) else None
    if refused is None:
        connections.note_proven(transaction, vouched.by, now)
    return Trial(
        claims=claims,
        email=one.email,
        first_name=one.first_name,
        last_name=one.last_name,
        groups=one.groups,
        methods=one.methods,
        roles=tuple(sorted(entries.roles_after(transaction, vouched, frozenset()))),
        code=None if refused is None else refused.code,
        explanation=None if refused is None else refused.explanation,
        must_link=isinstance(outcome, MustProve),
    )


def keep(transaction: Transaction, sent: UpstreamRequest, trial: Trial, sealing_key: bytes) -> str:
    """Keeps what came of a trial for its page; returns by which name it is found there."""
    sealed = seal(msgspec.json.encode(trial), sealing_key, _PURPOSE)
    transaction.run(_KEEP, the_organization_id=sent.organization_id, the_digest=sent.digest, sealed=sealed)
    return encode_base64url(sent.digest)


def find(
    transaction: Transaction, organization_id: str, tried_by: str, name: str, sealing_key: bytes, *, now: int
) -> tuple[str, Trial] | None:
    """Returns the connection of somebody's own trial, and what came of it; None: there is none, or not any more."""
    try:
        digest = decode_base64url(name)
    except (MalformedError, ValueError):
        return None
    mine = {"organization_id": organization_id, "tried_by": tried_by, "created_after": now - SHOWN_S}
    row = transaction.first(_ONE, digest=digest, **mine)
    if row is None or row.sealed_outcome is None:
        return None
    said = msgspec.json.decode(unseal(row.sealed_outcome, sealing_key, _PURPOSE), type=Trial)
    return str(row.connection_id), said

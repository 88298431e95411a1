"""Browsers that were sent to an identity provider: what the answer must fit, and that it comes back once."""

from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from rxauth.crypto import secrets
from rxauth.crypto.sealing import seal, unseal
from rxauth.domain.connections import Connection
from rxauth.domain.pruning import BY_AGE, Pruning
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_requests as table
from rxauth.storage.tenancy import insert_row, sql

LIFETIME_S: Final = 1_800
KEPT_S: Final = 86_400
_PURPOSE: Final = "upstream verifier"
_INSERT = insert_row(table)
_BEFORE: Final = "an identity provider answers before anybody knows for which organization"
_ONE = sql(select(*table.c).where(table.c.digest == bindparam("digest")), across_tenants=_BEFORE)
_USE = sql(
    update(table)
    .where(
        table.c.digest == bindparam("the_digest"),
        table.c.organization_id == bindparam("the_organization_id"),
        table.c.used_at.is_(None),
        table.c.created_at > bindparam("created_after"),
    )
    .values(used_at=bindparam("moment"))
)
FORGET: Final = Pruning(table, table.c.created_at, KEPT_S, across_tenants=BY_AGE)


@dataclass(frozen=True, slots=True)
class UpstreamRequest:
    """A browser at an identity provider, of which an answer is expected.

    sign_in_id: the sign-in that it is for; None: `tried_by` tries the connection on the settings page. browser_digest:
    of the handle of the browser that was sent. answers_to: the nonce, or the ID of the request. used_at None: no answer
    came.
    """

    digest: bytes = field(repr=False)
    organization_id: str
    connection_id: str
    sign_in_id: str | None
    tried_by: str | None
    browser_digest: bytes = field(repr=False)
    answers_to: str = field(repr=False)
    sealed_verifier: bytes | None = field(repr=False)
    created_at: int
    used_at: int | None
    sealed_outcome: bytes | None = field(repr=False)

    def verifier(self, sealing_key: bytes) -> str | None:
        """Returns the PKCE verifier, or None: there is none in SAML."""
        sealed = self.sealed_verifier
        return None if sealed is None else unseal(sealed, sealing_key, _PURPOSE).decode()


@dataclass(frozen=True, slots=True)
class Sent:
    """What goes with a browser to an identity provider, and what stays here: the verifier, of PKCE."""

    state: str = field(repr=False)
    answers_to: str = field(repr=False)
    verifier: str | None = field(default=None, repr=False)


def begin(
    transaction: Transaction,
    connection: Connection,
    sent: Sent,
    sealing_key: bytes,
    now: int,
    *,
    browser_digest: bytes,
    sign_in_id: str | None = None,
    tried_by: str | None = None,
) -> None:
    """Notes that a browser goes to a provider, for a sign-in or to try the connection."""
    sealed = None if sent.verifier is None else seal(sent.verifier.encode(), sealing_key, _PURPOSE)
    transaction.run(
        _INSERT,
        digest=secrets.digest(sent.state),
        organization_id=connection.organization_id,
        connection_id=connection.id,
        sign_in_id=sign_in_id,
        tried_by=tried_by,
        browser_digest=browser_digest,
        answers_to=sent.answers_to,
        sealed_verifier=sealed,
        created_at=now,
        used_at=None,
        sealed_outcome=None,
    )


def find(transaction: Transaction, state: str) -> UpstreamRequest | None:
    """Returns what was sent with this state, used or not, or None."""
    row: Any = transaction.first(_ONE, digest=secrets.digest(state))
    return None if row is None else UpstreamRequest(**row._mapping)


def use(transaction: Transaction, one: UpstreamRequest, now: int) -> bool:
    """Takes an answer; False: one was taken before, or it comes too late."""
    changed = transaction.run(
        _USE,
        the_digest=one.digest,
        the_organization_id=one.organization_id,
        created_after=now - LIFETIME_S,
        moment=now,
    )
    return changed > 0

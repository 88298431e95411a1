"""Answers of identity providers that were posted here: kept until the browser that was sent there asks for them.

A form that another site posts brings no cookie along, so it cannot tell which browser it comes from. What it proves is
kept, sealed, and the browser is sent to a URL of ours; only the one that began the sign-in is given it, once.
"""

from typing import Any, Final

import msgspec
from sqlalchemy import bindparam, update

from rxauth.crypto.sealing import seal, unseal
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.domain.upstream_requests import UpstreamRequest
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_requests as table
from rxauth.storage.tenancy import sql

LIFETIME_S: Final = 300
_PURPOSE: Final = "upstream answer"
_ONE = (table.c.organization_id == bindparam("the_organization_id"), table.c.digest == bindparam("the_digest"))
_KEEP = sql(update(table).where(*_ONE).values(sealed_outcome=bindparam("sealed")))
_TAKE = sql(
    update(table)
    .where(*_ONE, table.c.sealed_outcome.is_not(None), table.c.used_at > bindparam("used_after"))
    .values(sealed_outcome=None)
)


class UpstreamAnswer(msgspec.Struct, frozen=True):
    """Whom a provider vouches for, when that person proved it there (UTC seconds), and all that was said."""

    identity: UpstreamIdentity
    authenticated_at: int
    claims: dict[str, Any]

    def __repr__(self) -> str:
        """Leaves out the person."""
        return f"UpstreamAnswer({self.identity!r})"


def keep(transaction: Transaction, sent: UpstreamRequest, answer: UpstreamAnswer, sealing_key: bytes) -> None:
    """Keeps the answer to a request, which was used for it."""
    sealed = seal(msgspec.json.encode(answer), sealing_key, _purpose(sent))
    transaction.run(_KEEP, the_organization_id=sent.organization_id, the_digest=sent.digest, sealed=sealed)


def take(transaction: Transaction, sent: UpstreamRequest, sealing_key: bytes, now: int) -> UpstreamAnswer | None:
    """Returns what was kept, this once; None: nothing, or not any longer."""
    named = {"the_organization_id": sent.organization_id, "the_digest": sent.digest}
    if sent.sealed_outcome is None or transaction.run(_TAKE, **named, used_after=now - LIFETIME_S) == 0:
        return None
    return msgspec.json.decode(unseal(sent.sealed_outcome, sealing_key, _purpose(sent)), type=UpstreamAnswer)


def _purpose(sent: UpstreamRequest) -> str:
    return f"{_PURPOSE} {sent.digest.hex()}"

"""Browsers that were sent to a SAML provider to end the session there: where each goes on after it, once."""

from typing import Final

from sqlalchemy import bindparam, delete, select

from rxauth.crypto import secrets
from rxauth.crypto.sealing import seal, unseal
from rxauth.domain.connections import Connection
from rxauth.domain.pruning import BY_AGE, Pruning
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_logouts as table
from rxauth.storage.tenancy import insert_row, sql

LIFETIME_S: Final = 1_800
KEPT_S: Final = 86_400
_PURPOSE: Final = "upstream logout"
_INSERT = insert_row(table)
_ONE = sql(
    select(table.c.sealed_return_to).where(
        table.c.organization_id == bindparam("organization_id"),
        table.c.connection_id == bindparam("connection_id"),
        table.c.digest == bindparam("digest"),
        table.c.created_at > bindparam("created_after"),
    )
)
_TAKE = sql(
    delete(table).where(
        table.c.organization_id == bindparam("the_organization_id"), table.c.digest == bindparam("the_digest")
    )
)
FORGET: Final = Pruning(table, table.c.created_at, KEPT_S, across_tenants=BY_AGE)


def begin(
    transaction: Transaction, connection: Connection, state: str, return_to: str, sealing_key: bytes, *, now: int
) -> None:
    """Notes where a browser goes on that is sent to a provider with this state."""
    transaction.run(
        _INSERT,
        digest=secrets.digest(state),
        organization_id=connection.organization_id,
        connection_id=connection.id,
        sealed_return_to=seal(return_to.encode(), sealing_key, _PURPOSE),
        created_at=now,
    )


def take(transaction: Transaction, connection: Connection, state: str, sealing_key: bytes, *, now: int) -> str | None:
    """Returns where a browser goes on that comes back with this state; None: nowhere, or not any more."""
    where, digest = connection.organization_id, secrets.digest(state)
    mine = {"organization_id": where, "connection_id": connection.id, "created_after": now - LIFETIME_S}
    row = transaction.first(_ONE, digest=digest, **mine)
    if row is None or transaction.run(_TAKE, the_organization_id=where, the_digest=digest) == 0:
        return None
    return unseal(row.sealed_return_to, sealing_key, _PURPOSE).decode()

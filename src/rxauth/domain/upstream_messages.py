"""Assertions and logout tokens that identity providers sent: each is taken once."""

from typing import Final

from sqlalchemy import bindparam, select

from rxauth.crypto import secrets
from rxauth.domain.pruning import BY_AGE, Pruning
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_messages as table
from rxauth.storage.tenancy import insert_row, sql

# Longer than any of them is good for: what is older than this is refused by its own times.
KEPT_S: Final = 86_400
_INSERT = insert_row(table)
_TAKEN = sql(
    select(table.c.taken_at).where(
        table.c.organization_id == bindparam("organization_id"),
        table.c.connection_id == bindparam("connection_id"),
        table.c.digest == bindparam("digest"),
    )
)
FORGET: Final = Pruning(table, table.c.taken_at, KEPT_S, across_tenants=BY_AGE)


def take(transaction: Transaction, organization_id: str, connection_id: str, message_id: str, now: int) -> bool:
    """Takes a message by its identifier; False: it was taken before.

    Two at the same moment are told apart by the primary key: the transaction of the second fails, and is run again.
    """
    owner = {"organization_id": organization_id, "connection_id": connection_id}
    digest = secrets.digest(message_id)
    if transaction.first(_TAKEN, **owner, digest=digest) is not None:
        return False
    transaction.run(_INSERT, **owner, digest=digest, taken_at=now)
    return True

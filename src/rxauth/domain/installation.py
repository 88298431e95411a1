"""The installation: whether it is a sandbox. The mark is set when it is made and never changes."""

from sqlalchemy import insert, select

from rxauth.storage.database import Transaction
from rxauth.storage.tables.installation import installation
from rxauth.storage.tenancy import sql

_SANDBOX = sql(select(installation.c.sandbox))
_INSERT = sql(insert(installation))


def make(transaction: Transaction, *, sandbox: bool, now: int) -> None:
    """Marks a new installation, once."""
    transaction.run(_INSERT, id=1, sandbox=sandbox, made_at=now)


def is_made(transaction: Transaction) -> bool:
    """Tells whether the installation was marked."""
    return transaction.first(_SANDBOX) is not None


def is_sandbox(transaction: Transaction) -> bool:
    """Tells whether known passwords and the like may exist here; an unmarked installation is none."""
    row = transaction.first(_SANDBOX)
    return row is not None and bool(row.sandbox)

"""What a database refuses, in words of our own: nothing that a driver says leaves here, for it may quote values."""

from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, OperationalError, PendingRollbackError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

_RETRY_STATES: Final = frozenset({"40001", "40P01"})  # serialization failure, deadlock
_NOT_PERMITTED: Final = "42501"  # the role lacks a right, or lost it
_KEPT_AS_IT_IS: Final = "is kept as it is"  # how SQLite's triggers put it
# What PostgreSQL's client library says when there is no connection, and what that means.
_NO_CONNECTION: Final = {
    "password authentication failed": "it refuses the role or its password",
    "no password supplied": "it wants a password",
    "no pg_hba.conf entry": "its pg_hba.conf lets nobody in from here",
    "permission denied for database": "the role may not connect to this database",
    "does not exist": "it has no such role or database",
    "Connection refused": "nothing listens there",
    "No such file or directory": "nothing listens there",
    "could not translate host name": "its host has no address",
    "session is read-only": "it takes no writes, as a standby",
}


class DatabaseUnavailableError(Exception):
    """The database did not answer, or is too busy; nothing of the transaction is known to be kept."""


class OutcomeUnknownError(DatabaseUnavailableError):
    """The connection broke at COMMIT: the transaction was kept, or was not."""


class NotPermittedError(DatabaseUnavailableError):
    """The role may not do this: nothing that needs it can be done."""


class UnacceptableValueError(Exception):
    """A value has characters that no text in a database has: a NUL, or half of a surrogate pair."""


class ConflictError(Exception):
    """A constraint refused the write: something like it is there already. Nothing was kept."""


class KeptAsItIsError(ConflictError):
    """The tables only grow that this would have changed. Nothing was kept."""


class TryAgainError(Exception):
    """The database asks for the whole transaction again; `Database` hears of it, and runs the work once more."""


def meaning(error: Exception) -> Exception:
    """Returns what a driver's error means to callers; an error that nobody expected is returned as it is."""
    if isinstance(error, IntegrityError):
        name = _constraint(error)
        return KeptAsItIsError(name) if _KEPT_AS_IT_IS in str(error.orig) else ConflictError(name)
    if isinstance(error, (DataError, UnicodeEncodeError)):
        return UnacceptableValueError()
    if isinstance(error, PoolTimeoutError):
        return DatabaseUnavailableError("every connection is in use")
    if isinstance(error, PendingRollbackError):
        return DatabaseUnavailableError("the connection broke")  # and the work went on without what it had asked for
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)
        if state in _RETRY_STATES:
            return TryAgainError()
        if state == _NOT_PERMITTED:
            return NotPermittedError(type(error.orig).__name__)
        if isinstance(error, OperationalError) or error.connection_invalidated:
            return DatabaseUnavailableError(_why(error))
    return error


def _why(error: DBAPIError) -> str:
    """Names an error; one that says why there is no connection is told in words of our own."""
    said = str(error.orig) if getattr(error.orig, "sqlstate", None) is None else ""
    named = type(error.orig).__name__
    return next((meant for words, meant in _NO_CONNECTION.items() if words in said), named)


def _constraint(error: IntegrityError) -> str:
    """Names the constraint and leaves out the values, which may be personal."""
    diagnostics = getattr(error.orig, "diag", None)
    return str(getattr(diagnostics, "constraint_name", None) or str(error.orig).partition(":")[2].strip())


def is_busy(error: Exception) -> bool:
    """Tells whether another writer has SQLite's file."""
    return "database is locked" in str(error)

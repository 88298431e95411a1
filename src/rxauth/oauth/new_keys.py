"""New signing keys: made where the settings want them, and destroyed there if they come to nothing."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import structlog

from rxauth.crypto.jws import Algorithm, Signatory, SignerUnavailableError, new_signing_key
from rxauth.crypto.security_module import SecurityModule
from rxauth.domain import signing_keys
from rxauth.storage.database import Transaction

_log = structlog.get_logger("rxauth.keys")


def make(module: SecurityModule | None, algorithm: Algorithm) -> Signatory:
    """Makes a key: in the security module, or in this process if there is none; takes a while.

    Raises:
        SignerUnavailableError: see there.
    """
    return new_signing_key(algorithm) if module is None else module.make(algorithm)


@contextmanager
def made(module: SecurityModule | None, algorithms: Iterable[Algorithm]) -> Iterator[list[Signatory]]:
    """Makes keys for a transaction that stores them; if it fails, those in the module are destroyed again."""
    new: list[Signatory] = []
    try:
        new += (make(module, one) for one in algorithms)
        yield new
    except BaseException:
        discard(module, new)
        raise


def discard(module: SecurityModule | None, unused: Iterable[Signatory]) -> None:
    """Destroys keys that nobody stored, as far as the module can be reached: they have signed nothing."""
    for one in unused:
        if module is not None and one.place is not None:
            try:
                module.destroy(one.place)
            except SignerUnavailableError:
                _log.warning("unused_key_left", place=one.place)


def destroy_leftover(
    read: Callable[[Callable[[Transaction], dict[str, str]]], dict[str, str]],
    write: Callable[[Callable[[Transaction], None]], None],
    module: SecurityModule,
    rotated_before: int,
) -> None:
    """Destroys the keys in the module that were removed, or that sign no more since a rotation before a moment.

    read, write: the database's.

    Raises:
        SignerUnavailableError: the next look makes up for it.
        DatabaseUnavailableError: see there.
    """
    gone = []
    for key_id, place in read(lambda tx: signing_keys.leftover(tx, rotated_before)).items():
        if module.keeps(place):
            module.destroy(place)
            gone.append(key_id)
    if gone:
        write(lambda tx: signing_keys.note_destroyed(tx, gone))

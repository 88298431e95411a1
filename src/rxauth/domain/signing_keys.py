"""Signing keys: made at first start, sealed at rest, rotated without a failed verification."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import bindparam, select, update

from rxauth.crypto import jws, sealing
from rxauth.crypto.security_module import ModuleKey, SecurityModule, no_module
from rxauth.domain import changes
from rxauth.domain.errors import DomainError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import signing_keys
from rxauth.storage.tenancy import insert_row, sql


class KeyState(StrEnum):
    """next: published, not used yet. current: signs. previous: verifies what it signed, until that expired."""

    NEXT = "next"
    CURRENT = "current"
    PREVIOUS = "previous"


class TooEarlyError(DomainError):
    """The next key was not published long enough for every verifier to know it."""


_INSERT = insert_row(signing_keys)
_ALL = sql(
    select(
        signing_keys.c.id,
        signing_keys.c.algorithm,
        signing_keys.c.state,
        signing_keys.c.public_jwk,
        signing_keys.c.sealed_private,
        signing_keys.c.private_place,
        signing_keys.c.created_at,
        signing_keys.c.verify_until,
        signing_keys.c.removed_at,
    ).order_by(signing_keys.c.created_at, signing_keys.c.id)
)
_LOCK = sql(select(signing_keys.c.id).order_by(signing_keys.c.id).with_for_update())
_RETIRE = sql(
    update(signing_keys)
    .where(signing_keys.c.id == bindparam("key_id"))
    .values(state=KeyState.PREVIOUS, sealed_private=None, verify_until=bindparam("moment"))
)
_DESTROYED = sql(
    update(signing_keys).where(signing_keys.c.id.in_(bindparam("key_ids", expanding=True))).values(private_place=None)
)
_PROMOTE = sql(update(signing_keys).where(signing_keys.c.id == bindparam("key_id")).values(state=KeyState.CURRENT))


@dataclass(frozen=True, slots=True)
class KeyDescription:
    """What may be shown of a key. verify_until: UTC seconds, None while it is in use or to come.

    removed_at: when it was taken out of use before its time; None: it was not. place: where its private half is, if a
    security module has it, and still after it signs no more, until it is destroyed there.
    """

    id: str
    algorithm: jws.Algorithm
    state: KeyState
    created_at: int
    verify_until: int | None
    removed_at: int | None = None
    place: str | None = None

    def is_published(self, now: int) -> bool:
        """Tells whether the key stands in the key set and verifies tokens."""
        return self.removed_at is None and (self.verify_until is None or now < self.verify_until)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys as a process holds them: one that signs for each algorithm, and those that verify, by identifier."""

    signing: Mapping[jws.Algorithm, jws.Signatory]
    verification: Mapping[str, jws.VerificationKey]
    descriptions: Mapping[str, KeyDescription]

    @property
    def current(self) -> jws.Signatory:
        """The key that signs unless another algorithm was chosen."""
        return self.signing["RS256"]

    def verification_key(self, key_id: object, now: int) -> jws.VerificationKey | None:
        """Returns the published key of that name, or None."""
        if not isinstance(key_id, str) or key_id not in self.verification:
            return None
        return self.verification[key_id] if self.descriptions[key_id].is_published(now) else None

    def key_set(self, now: int) -> list[dict[str, str]]:
        """Returns the published keys as JSON Web Keys (RFC 7517 §5)."""
        return [key.as_jwk() for key in self.verification.values() if self.descriptions[key.key_id].is_published(now)]


def exist(transaction: Transaction) -> bool:
    """Tells whether the installation has keys."""
    return bool(transaction.all(_ALL))


def missing(transaction: Transaction) -> list[jws.Algorithm]:
    """Lists the algorithms that the installation has no keys for."""
    present = {row.algorithm for row in transaction.all(_ALL)}
    return [algorithm for algorithm in jws.ALGORITHMS if algorithm not in present]


def in_use(transaction: Transaction) -> list[jws.Algorithm]:
    """Lists the algorithms that the installation has keys for."""
    absent = missing(transaction)
    return [algorithm for algorithm in jws.ALGORITHMS if algorithm not in absent]


def due(transaction: Transaction, published_for_s: int, now: int) -> list[jws.Algorithm]:
    """Lists the algorithms whose next key was published for so long; it was when the current one began to sign."""
    coming = [row for row in transaction.all(_ALL) if row.state == KeyState.NEXT]
    return [row.algorithm for row in coming if now >= row.created_at + published_for_s]


def make_first(transaction: Transaction, made: tuple[jws.Signatory, jws.Signatory], key: bytes, now: int) -> bool:
    """Stores a current and a next key, unless there are keys of their algorithm; tells whether it did.

    made: two new keys, made before the transaction because that is slow. key: seals them.
    """
    if made[0].algorithm not in missing(transaction):
        return False
    for state, one in zip((KeyState.CURRENT, KeyState.NEXT), made, strict=True):
        insert(transaction, one, state, key, now)
    changes.record(transaction, changes.ChangeKind.SIGNING_KEY, made[0].key_id, now)
    return True


def rotate(
    transaction: Transaction, made: jws.Signatory, key: bytes, now: int, *, published_for_s: int, verify_for_s: int
) -> tuple[str, str]:
    """Makes the next key current, the current one previous and `made` the next; returns the first two identifiers.

    The keys of other algorithms stay as they are.

    published_for_s: how long verifiers may keep a key set, so how long the next key must have been in it.
    verify_for_s: the longest life of a token, for which the old key goes on verifying.

    Raises:
        TooEarlyError: somebody may not have seen the next key yet.
        CannotUnsealError: `key` is not the one that the keys were sealed with.
    """
    mine = [row for row in locked(transaction) if row.algorithm == made.algorithm]
    pair = {row.state: row for row in mine if row.state != KeyState.PREVIOUS}
    if len(pair) != 2:
        raise DomainError("there are no keys yet: start the server once")
    current, coming = pair[KeyState.CURRENT], pair[KeyState.NEXT]
    require_sealing_key(mine, key)
    ready_at = coming.created_at + published_for_s
    if now < ready_at:
        raise TooEarlyError(
            f"the next key was published {now - coming.created_at} s ago, and verifiers may keep an older key set for "
            f"{published_for_s} s: rotate again in {ready_at - now} s"
        )
    transaction.run(_RETIRE, key_id=current.id, moment=now + verify_for_s)
    promote(transaction, coming.id)
    insert(transaction, made, KeyState.NEXT, key, now)
    changes.record(transaction, changes.ChangeKind.SIGNING_KEY, made.key_id, now)
    return coming.id, current.id


def locked(transaction: Transaction) -> Sequence[Any]:
    """Returns the rows of all keys, which nobody else changes until the end of the transaction."""
    transaction.all(_LOCK)
    # Read after the lock, not with it: only a new statement sees what somebody else committed meanwhile.
    return transaction.all(_ALL)


def require_sealing_key(rows: Sequence[Any], key: bytes) -> None:
    """Makes sure that `key` is the one that keys were sealed with: with another, nobody could open the new ones.

    Raises:
        CannotUnsealError: it is not.
    """
    one = next((row for row in rows if row.sealed_private is not None), None)
    if one is not None:
        sealing.unseal(one.sealed_private, key, _purpose(one.id))


def promote(transaction: Transaction, key_id: str) -> None:
    """Makes the next key of an algorithm the one that signs; there must be none that does."""
    transaction.run(_PROMOTE, key_id=key_id)


def insert(transaction: Transaction, made: jws.Signatory, state: KeyState, key: bytes, now: int) -> None:
    """Stores a new key: sealed with `key`, or where it is if a security module has it."""
    sealed = sealing.seal(made.to_der(), key, _purpose(made.key_id)) if isinstance(made, jws.SigningKey) else None
    transaction.run(
        _INSERT,
        id=made.key_id,
        algorithm=made.algorithm,
        state=state,
        public_jwk=msgspec.json.encode(made.verification_key().as_jwk()).decode(),
        sealed_private=sealed,
        private_place=made.place,
        created_at=now,
        verify_until=None,
        removed_at=None,
    )


def descriptions(transaction: Transaction) -> list[KeyDescription]:
    """Lists the keys, oldest first, and opens none."""
    return [description(row) for row in transaction.all(_ALL)]


def leftover(transaction: Transaction, rotated_before: int) -> dict[str, str]:
    """Returns the keys in a security module that were removed, or rotated before a moment: where, by identifier."""
    rows = transaction.all(_ALL)
    rotated_at = {row.algorithm: row.created_at for row in rows if row.state == KeyState.NEXT}
    return {
        row.id: row.private_place
        for row in rows
        if row.state == KeyState.PREVIOUS
        and row.private_place is not None
        and (row.removed_at is not None or rotated_at[row.algorithm] <= rotated_before)
    }


def note_destroyed(transaction: Transaction, key_ids: Sequence[str]) -> None:
    """Notes that keys are no longer in a security module."""
    transaction.run(_DESTROYED, key_ids=list(key_ids))


def load_ring(transaction: Transaction, key: bytes, module: SecurityModule | None = None) -> KeyRing:
    """Reads the keys and opens the current ones. module: where those sign that are not sealed here.

    Raises:
        CannotUnsealError: the settings hold another sealing key than the one the keys were sealed with.
        DomainError: there are no keys yet.
    """
    rows = transaction.all(_ALL)
    current = [row for row in rows if row.state == KeyState.CURRENT]
    if not any(row.algorithm == "RS256" for row in current):
        raise DomainError("there are no keys yet: start the server once")
    return KeyRing(
        {row.algorithm: _opened(row, key, module) for row in current},
        {row.id: _verification_key(row) for row in rows},
        {row.id: description(row) for row in rows},
    )


def description(row: Any) -> KeyDescription:
    """Returns what may be shown of a key's row."""
    return KeyDescription(
        row.id, row.algorithm, KeyState(row.state), row.created_at, row.verify_until, row.removed_at, row.private_place
    )


def _opened(row: Any, key: bytes, module: SecurityModule | None) -> jws.Signatory:
    if row.private_place is None:
        return jws.SigningKey.from_der(row.id, sealing.unseal(row.sealed_private, key, _purpose(row.id)))
    public = _verification_key(row).public
    sign = no_module if module is None else module.sign
    return ModuleKey(row.id, row.algorithm, public, row.private_place, sign)


def _verification_key(row: Any) -> jws.VerificationKey:
    return jws.VerificationKey(row.id, row.algorithm, jws.public_key_from_jwk(msgspec.json.decode(row.public_jwk)))


def _purpose(key_id: str) -> str:
    return f"signing key {key_id}"

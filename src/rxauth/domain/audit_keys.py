"""The keys that sign checkpoints: the first one, which opens the log, and those that replaced it."""

import base64
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import bindparam, select

from rxauth.crypto import sealing
from rxauth.crypto.checkpoints import CheckpointKey, Verifier
from rxauth.domain import audit
from rxauth.domain.audit_log import NoAuditLogError
from rxauth.domain.errors import DomainError
from rxauth.storage.database import Transaction
from rxauth.storage.tables.audit import audit_entries, audit_keys, audit_log
from rxauth.storage.tenancy import insert_row, sql

_FIRST = sql(select(audit_log.c.name, audit_log.c.verifier, audit_log.c.sealed_key))
# Asked for each of the few keys. As a join it may be read from the other end: the whole log, where there is no key.
_ITS_SEQ = select(audit_entries.c.seq).where(audit_entries.c.id == audit_keys.c.record_id).limit(1).scalar_subquery()
_LATER = sql(
    select(audit_keys.c.verifier, audit_keys.c.sealed_key)
    .where(bindparam("size") >= _ITS_SEQ)
    .order_by(_ITS_SEQ.desc())
    .limit(1)
)
_WAITING = sql(
    select(audit_keys.c.record_id)
    .outerjoin(audit_entries, audit_entries.c.id == audit_keys.c.record_id)
    .where(audit_entries.c.id.is_(None))
    .limit(1)
)
_OPEN = insert_row(audit_log)
_ADD = insert_row(audit_keys)
_NO_LIMIT: Final = 2**62


@dataclass(frozen=True, slots=True)
class Keys:
    """The log's name and the key that signs at a time. sealed_key: the private half."""

    name: str
    verifier: Verifier
    sealed_key: bytes = field(repr=False)

    def key(self, sealing_key: bytes) -> CheckpointKey:
        """Opens the key that signs checkpoints.

        Raises:
            CannotUnsealError: see there.
        """
        return CheckpointKey(self.name, sealing.unseal(self.sealed_key, sealing_key, _purpose(self.name)))


def load(transaction: Transaction, size: int = _NO_LIMIT) -> Keys:
    """Reads the log's name, and the key that signs a checkpoint of `size` entries: the last that they name.

    Raises:
        NoAuditLogError: see there.
    """
    first = transaction.first(_FIRST)
    if first is None:
        raise NoAuditLogError
    row = transaction.first(_LATER, size=size) or first
    return Keys(first.name, Verifier.from_text(row.verifier), row.sealed_key)


def make_first(transaction: Transaction, name: str, sealing_key: bytes) -> str:
    """Makes the key of a new log; returns its public half."""
    key = CheckpointKey.new(name)
    verifier = key.verifier().text()
    sealed = sealing.seal(key.seed(), sealing_key, _purpose(name))
    transaction.run(_OPEN, id=1, name=name, verifier=verifier, sealed_key=sealed)
    return verifier


def rotate(transaction: Transaction, sealing_key: bytes, now_us: int) -> Verifier:
    """Makes the key that signs from the entry on which says so, and records it; the old key endorses it.

    Raises:
        NoAuditLogError: see there.
        DomainError: a key that was made before has not been numbered yet.
    """
    old = load(transaction)
    if transaction.first(_WAITING) is not None:
        raise DomainError("the last rotation is not in the log yet: start the server, or try again in a second")
    key = CheckpointKey.new(old.name)
    verifier = key.verifier()
    endorsement = base64.b64encode(old.key(sealing_key).endorse(verifier)).decode()
    act = audit.Act(
        audit.Event.AUDIT_KEY_ROTATED,
        audit.OPERATOR,
        target=old.name,
        details={
            "endorsement": endorsement,
            "previous": old.verifier.fingerprint().hex(),
            "verifier": verifier.text(),
        },
    )
    row = audit.row(act, now_us)
    audit.record_all(transaction, [row])
    sealed = sealing.seal(key.seed(), sealing_key, _purpose(old.name))
    transaction.run(_ADD, record_id=row["id"], verifier=verifier.text(), sealed_key=sealed)
    return verifier


def _purpose(name: str) -> str:
    return f"audit log {name}"

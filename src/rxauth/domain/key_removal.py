"""Emergency removal of signing keys: what they signed is refused from that moment on, and other keys sign."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, func, literal_column, select, update

from rxauth.crypto.jws import Algorithm, Signatory
from rxauth.domain import changes, signing_keys
from rxauth.domain.errors import AbsentError, InvalidError, StaleError
from rxauth.domain.sessions import Limits
from rxauth.domain.signing_keys import KeyDescription, KeyState
from rxauth.ids import Kind, new_ulid
from rxauth.storage.database import Transaction
from rxauth.storage.tables.access import clients
from rxauth.storage.tables.access import signing_keys as table
from rxauth.storage.tables.sign_in import sessions
from rxauth.storage.tenancy import sql

# A process of an older version knows no removal: for it, the key's time is simply over.
_REMOVE = sql(
    update(table)
    .where(table.c.id == bindparam("key_id"))
    .values(
        state=KeyState.PREVIOUS,
        sealed_private=None,
        verify_until=bindparam("moment"),
        removed_at=bindparam("moment"),
    )
)


_EVERYBODYS: Final = "a key signs for every organization"
# Its identifier says when a session began, so those that are too old to live are not looked at.
_SESSIONS = sql(
    select(func.count()).select_from(
        select(sessions.c.id)
        .where(
            sessions.c.id > bindparam("begun_after"),
            sessions.c.ended_at.is_(None),
            sessions.c.last_seen_at > bindparam("seen_after"),
        )
        .limit(bindparam("rows"))
        .subquery()
    )
)
_MACHINES = sql(
    select(func.count()).select_from(
        select(clients.c.id)
        .where(clients.c.app_type == literal_column("'non_interactive'"), clients.c.disabled_at.is_(None))
        .limit(bindparam("rows"))
        .subquery()
    ),
    across_tenants=_EVERYBODYS,
)


@dataclass(frozen=True, slots=True)
class Holders:
    """Who may hold tokens: sessions of people that live, and machine clients; at most as many as were asked for."""

    sessions: int
    machines: int


@dataclass(frozen=True, slots=True)
class Removed:
    """A key that is gone. state: the one that it was in.

    signing: the key of the same algorithm that signs now; known_at: from when on every verifier knows that one.
    coming: the key that is published to be the next.
    """

    id: str
    algorithm: Algorithm
    state: KeyState
    signing: str
    known_at: int
    coming: str


def holders(transaction: Transaction, limits: Limits, now: int, rows: int) -> Holders:
    """Counts who may hold tokens, up to `rows` of each. limits: see `Limits`; stricter ones are not looked at."""
    begun_after = f"{Kind.SESSION}_{new_ulid((now - limits.lifetime_s) * 1_000)[:10]}"
    live = transaction.first(_SESSIONS, begun_after=begun_after, seen_after=now - limits.idle_s, rows=rows)
    return Holders(live[0], transaction.first(_MACHINES, rows=rows)[0])


def find(transaction: Transaction, key_id: str, now: int) -> KeyDescription:
    """Returns a key that can be removed.

    Raises:
        AbsentError: there is none of this identifier that is still published.
    """
    return _removable(signing_keys.descriptions(transaction), [key_id], now)[0]


def wanted(transaction: Transaction, key_ids: Sequence[str], now: int) -> list[Algorithm]:
    """Lists the algorithms of the new keys that the removal of some keys needs, one for each that was not previous.

    Raises:
        AbsentError: see `find`.
    """
    found = _removable(signing_keys.descriptions(transaction), key_ids, now)
    return [one.algorithm for one in found if one.state is not KeyState.PREVIOUS]


def remove(
    transaction: Transaction,
    key_ids: Sequence[str],
    made: Sequence[Signatory],
    key: bytes,
    now: int,
    *,
    published_for_s: int,
) -> list[Removed]:
    """Takes keys out of the key set, with all that they signed, and deletes their private halves.

    In place of one that signs, the next one does, however lately it was published; if that goes too, a new one does.

    made: new keys, as many as are `wanted`. published_for_s: how long verifiers may keep a key set.

    Raises:
        AbsentError: see `find`. StaleError: other keys are needed than were made.
        CannotUnsealError: `key` is not the one that the keys were sealed with.
    """
    rows = signing_keys.locked(transaction)
    signing_keys.require_sealing_key(rows, key)
    going = _removable([signing_keys.description(row) for row in rows], key_ids, now)
    for one in going:
        transaction.run(_REMOVE, key_id=one.id, moment=now)
        changes.record(transaction, changes.ChangeKind.SIGNING_KEY, one.id, now)
    spare, removed = list(made), []
    for algorithm in dict.fromkeys(one.algorithm for one in going):
        left = {row.state: row for row in rows if row.algorithm == algorithm and row.id not in key_ids}
        new = [one for one in spare if one.algorithm == algorithm]
        signing, since, coming = _fill(transaction, left, new, key, now)
        removed += [
            Removed(one.id, algorithm, one.state, signing, since + published_for_s, coming)
            for one in going
            if one.algorithm == algorithm
        ]
    return removed


def _fill(
    transaction: Transaction, left: dict[str, Any], new: list[Signatory], key: bytes, now: int
) -> tuple[str, int, str]:
    """Sees to it that one key signs and one is next; returns both, and since when the first is published."""
    if len(new) < (KeyState.CURRENT not in left) + (KeyState.NEXT not in left):
        raise StaleError("the keys were changed at this moment: look at them again")
    current, coming = left.get(KeyState.CURRENT), left.get(KeyState.NEXT)
    if current is None and coming is not None:
        signing_keys.promote(transaction, coming.id)
        current, coming = coming, None
    signing, since = (new[0].key_id, now) if current is None else (current.id, current.created_at)
    if current is None:
        signing_keys.insert(transaction, new.pop(0), KeyState.CURRENT, key, now)
    if coming is not None:
        return signing, since, coming.id
    signing_keys.insert(transaction, new[0], KeyState.NEXT, key, now)
    return signing, since, new[0].key_id


def _removable(known: Sequence[KeyDescription], key_ids: Sequence[str], now: int) -> list[KeyDescription]:
    by_id = {one.id: one for one in known}
    for key_id in key_ids:
        if key_id not in by_id:
            raise AbsentError(f"there is no key {key_id}")
        if by_id[key_id].removed_at is not None:
            raise AbsentError(f"the key {key_id} was removed already")
        if not by_id[key_id].is_published(now):
            raise AbsentError(f"the key {key_id} is retired: nothing that it signed is accepted any longer")
    if len(set(key_ids)) != len(key_ids):
        raise InvalidError("a key is named twice")
    return [by_id[key_id] for key_id in key_ids]

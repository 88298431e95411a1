"""Passkeys and security keys of people. A refusal is returned, not raised: the challenge is used up whatever comes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy import bindparam, delete, select, update

from rxauth.crypto import webauthn
from rxauth.crypto.webauthn import Account, Known, NotProvenError, Registered, RelyingParty
from rxauth.domain import passkey_challenges, users
from rxauth.domain.errors import AbsentError, InvalidError
from rxauth.domain.passkey_challenges import Asked, Purpose
from rxauth.policy.assurance import PASSKEY, USER_VERIFIED
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import passkeys as table
from rxauth.storage.tenancy import insert_row, sql

METHODS: Final = (PASSKEY, USER_VERIFIED)  # what a proof with a passkey stands for: it verified its user by itself
PARTY_NAME: Final = "rxauth"
NAME_LIMIT_CHARACTERS: Final = 60
LIMIT: Final = 20

_INSERT = insert_row(table)
_BY_ID = sql(select(*table.c).where(table.c.id == bindparam("passkey_id")))
_OF_USER = sql(select(*table.c).where(table.c.user_id == bindparam("user_id")).order_by(table.c.created_at, table.c.id))
_MINE = (table.c.id == bindparam("passkey_id"), table.c.user_id == bindparam("the_user_id"))
_USE = sql(
    update(table)
    .where(*_MINE, table.c.sign_count == bindparam("old_count"))
    .values(sign_count=bindparam("new_count"), backed_up=bindparam("is_backed_up"), last_used_at=bindparam("moment"))
)
_RENAME = sql(update(table).where(*_MINE).values(name=bindparam("new_name")))
_REMOVE = sql(delete(table).where(*_MINE))
_FORGET = sql(delete(table).where(table.c.user_id == bindparam("the_user_id")))


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks for a passkey: this server, in one browser. browser_digest: of the browser's cookie."""

    party: RelyingParty
    browser_digest: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner sees it. backed_up: it is kept in an account of its maker too. Times: UTC seconds."""

    id: str
    name: str = field(repr=False)
    transports: tuple[str, ...]
    backed_up: bool
    created_at: int
    last_used_at: int | None


def relying_party(issuer: str) -> RelyingParty:
    """Returns who asks for passkeys, after the configured URL of the server."""
    parts = urlsplit(issuer)
    return RelyingParty(parts.hostname or "", PARTY_NAME, f"{parts.scheme}://{parts.netloc}")


def registration_options(transaction: Transaction, user_id: str, asker: Asker, now: int) -> dict[str, Any]:
    """Returns what a browser is asked to make a passkey with.

    Raises:
        AbsentError: nobody has this identifier.
    """
    user = users.find(transaction, user_id)
    if user is None:
        raise AbsentError(f"there is no person {user_id}")
    challenge = passkey_challenges.make(transaction, Asked(Purpose.REGISTER, asker.browser_digest, user_id), now)
    shown = f"{user.name.first} {user.name.last}"
    had = _known(of_user(transaction, user_id))
    account = Account(user_id.encode(), user.email, shown)
    return webauthn.registration_options(asker.party, account, challenge, had)


def register(
    transaction: Transaction, user_id: str, asker: Asker, answer: str, now: int, *, name: str
) -> Passkey | None:
    """Adds the passkey that a browser made; None: the answer proves nothing, or the passkey is somebody's already.

    Raises:
        InvalidError: the name is none, or the person has as many passkeys as there may be.
    """
    users.lock(transaction, user_id)
    name = _require_name(name)
    if len(of_user(transaction, user_id)) >= LIMIT:
        raise InvalidError(f"an account has at most {LIMIT} passkeys: remove one first")
    made = _registered(transaction, user_id, asker, answer, now)
    if made is None or transaction.first(_BY_ID, passkey_id=made.id) is not None:
        return None
    transaction.run(
        _INSERT,
        id=made.id,
        user_id=user_id,
        name=name,
        public_key=made.public_key,
        sign_count=made.sign_count,
        transports=" ".join(made.transports),
        backed_up=made.backed_up,
        created_at=now,
        last_used_at=None,
    )
    return Passkey(made.id, name, made.transports, made.backed_up, now, None)


def authentication_options(transaction: Transaction, user_id: str | None, asker: Asker, now: int) -> dict[str, Any]:
    """Returns what a browser is asked to prove a passkey with; user_id None: whoever has one for this server."""
    challenge = passkey_challenges.make(transaction, Asked(Purpose.AUTHENTICATE, asker.browser_digest, user_id), now)
    known = [] if user_id is None else _known(of_user(transaction, user_id))
    return webauthn.authentication_options(asker.party, challenge, known)


def authenticate(transaction: Transaction, user_id: str | None, asker: Asker, answer: str, now: int) -> str | None:
    """Returns the person whom an answer proves; None: nobody, whatever the cause.

    user_id: as it was given to `authentication_options`; only this person will do then.
    """
    try:
        said = webauthn.claimed(answer)
    except NotProvenError:
        return None
    asked = Asked(Purpose.AUTHENTICATE, asker.browser_digest, user_id)
    spent = passkey_challenges.spend(transaction, said.challenge, asked, now)
    row = transaction.first(_BY_ID, passkey_id=said.credential_id)
    if not spent or row is None or user_id not in {None, row.user_id}:
        return None
    # §7.2 step 6: who was not named by us is named by the passkey, and must be its owner.
    if said.user_handle != row.user_id.encode() and (user_id is None or said.user_handle is not None):
        return None
    user = users.find(transaction, row.user_id)
    if user is None or user.disabled_at is not None:
        return None
    try:
        used = webauthn.verify_authentication(answer, asker.party, said.challenge, row.public_key, row.sign_count)
    except NotProvenError:
        return None
    values = {"new_count": used.sign_count, "old_count": row.sign_count, "is_backed_up": used.backed_up}
    # The count as it was read: of a passkey and its copy, used at once, one is too late.
    if transaction.run(_USE, passkey_id=row.id, the_user_id=user.id, moment=now, **values) == 0:
        return None
    return user.id


def of_user(transaction: Transaction, user_id: str) -> list[Passkey]:
    """Lists the passkeys of a person, oldest first."""
    rows = transaction.all(_OF_USER, user_id=user_id)
    return [
        Passkey(row.id, row.name, tuple(row.transports.split()), row.backed_up, row.created_at, row.last_used_at)
        for row in rows
    ]


def rename(transaction: Transaction, user_id: str, passkey_id: str, name: str) -> None:
    """Gives a passkey another name.

    Raises:
        InvalidError: the name is none. AbsentError: the person has no such passkey.
    """
    if transaction.run(_RENAME, passkey_id=passkey_id, the_user_id=user_id, new_name=_require_name(name)) == 0:
        raise AbsentError("you have no such passkey")


def remove(transaction: Transaction, user_id: str, passkey_id: str) -> None:
    """Forgets a passkey; whether it may go, only `factors` knows.

    Raises:
        AbsentError: the person has no such passkey.
    """
    if transaction.run(_REMOVE, passkey_id=passkey_id, the_user_id=user_id) == 0:
        raise AbsentError("you have no such passkey")


def forget(transaction: Transaction, user_id: str) -> None:
    """Forgets every passkey of a person."""
    transaction.run(_FORGET, the_user_id=user_id)


def _registered(transaction: Transaction, user_id: str, asker: Asker, answer: str, now: int) -> Registered | None:
    try:
        challenge = webauthn.claimed(answer).challenge
        asked = Asked(Purpose.REGISTER, asker.browser_digest, user_id)
        if not passkey_challenges.spend(transaction, challenge, asked, now):
            return None
        return webauthn.verify_registration(answer, asker.party, challenge)
    except NotProvenError:
        return None


def _known(passkeys: Iterable[Passkey]) -> list[Known]:
    return [Known(one.id, one.transports) for one in passkeys]


def _require_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LIMIT_CHARACTERS or not name.isprintable():
        raise InvalidError(f"a passkey has a name of 1 to {NAME_LIMIT_CHARACTERS} characters")
    return name

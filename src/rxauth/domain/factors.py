"""Second factors: which of them a person has, and how they come and go.

Whoever adds or removes one proved itself lately, and with a factor it has (`require_fresh`); each act leaves an audit
record. Nothing here writes letters: who calls tells the person (`letters.factor_added`, `letters.factor_removed`).
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, literal, select, union_all

from rxauth.domain import audit, memberships, operators, own_account, passkeys, recovery_codes, totp, users
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.errors import DomainError
from rxauth.domain.passkeys import Asker, Passkey
from rxauth.domain.sessions import Session
from rxauth.policy.assurance import AAL2, acr_of
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction
from rxauth.storage.tables.people import passkeys as passkeys_table
from rxauth.storage.tables.people import totp_factors
from rxauth.storage.tenancy import sql

_CONSOLE: Final = "rxauth's operator console"
FRESH_S: Final = 600  # how long ago a person may have proved itself, to change its factors

TOTP_KIND: Final = "totp"
PASSKEY_KIND: Final = "passkey"

_SECOND = sql(
    union_all(
        select(literal(TOTP_KIND).label("kind")).where(
            totp_factors.c.user_id == bindparam("user_id"), totp_factors.c.confirmed_at.is_not(None)
        ),
        select(literal(PASSKEY_KIND)).where(passkeys_table.c.user_id == bindparam("user_id")),
    )
)


class LastFactorError(DomainError):
    """The only second factor of somebody who must have one; str() says who asks for it."""


class StaleProofError(DomainError):
    """The person must prove itself again, with the factors that it has, before it changes them."""


@dataclass(frozen=True, slots=True)
class Factors:
    """What a person has beside a password. totp_since: UTC seconds, None without an app."""

    totp_since: int | None
    passkeys: tuple[Passkey, ...]
    recovery_codes_left: int

    @property
    def methods(self) -> tuple[str, ...]:
        """Returns the ways to prove a second factor, the surest first."""
        ways = (("passkey", self.passkeys), ("totp", self.totp_since is not None), ("recovery", self._has_recovery))
        return tuple(name for name, has_it in ways if has_it)

    @property
    def _has_recovery(self) -> bool:
        """Codes recover another factor: by themselves they are none."""
        return self.recovery_codes_left > 0 and (self.totp_since is not None or bool(self.passkeys))


def has_second(transaction: Transaction, user_id: str) -> bool:
    """Tells whether a person can prove a second factor."""
    return transaction.first(_SECOND, user_id=user_id) is not None


def kinds(transaction: Transaction, user_id: str) -> frozenset[str]:
    """Returns which kinds of second factor a person can prove."""
    return frozenset(row.kind for row in transaction.all(_SECOND, user_id=user_id))


def of(transaction: Transaction, user_id: str) -> Factors:
    """Returns what a person has."""
    return Factors(
        totp.confirmed_at(transaction, user_id),
        tuple(passkeys.of_user(transaction, user_id)),
        recovery_codes.left(transaction, user_id),
    )


def required_by(transaction: Transaction, user_id: str, only: str | None = None) -> tuple[str, ...]:
    """Returns the names of what a person must have a second factor for: organizations, and the operators' console.

    Prescribers always must. only: the one organization that is to be named; None: all of them.
    """
    mine = [
        one.organization_name
        for one in memberships.of_person(transaction, user_id)
        if only in {None, one.organization_id}
        and not one.organization_disabled
        and (one.second_factor_required or Role.PRESCRIBER in one.roles)
    ]
    return (*mine, *([_CONSOLE] if only is None and operators.is_operator(transaction, user_id) else ()))


def require_fresh(transaction: Transaction, session: Session, now: int) -> None:
    """Refuses a session whose person did not prove itself lately, or with less than it has.

    Raises:
        StaleProofError: see there. ConfinedError: an organization's identity provider alone says whose session it is.
    """
    own_account.require_own(session, "change how you sign in")
    is_fresh = now - session.authenticated_at < FRESH_S
    if not is_fresh or (acr_of(session.methods) != AAL2 and has_second(transaction, session.user_id)):
        raise StaleProofError("confirm that it is you before you change how you sign in")


def confirm_totp(transaction: Transaction, user_id: str, typed: str, sealing_key: bytes, now: int) -> bool:
    """Puts the app that `totp.begin` began to use, and tells whether `typed` is its code."""
    is_right = totp.confirm(transaction, user_id, typed, sealing_key, now)
    if is_right:
        _record(transaction, Event.FACTOR_ADDED, user_id, "totp", now)
    return is_right


def add_passkey(
    transaction: Transaction, user_id: str, asker: Asker, answer: str, now: int, *, name: str
) -> Passkey | None:
    """Adds a passkey; see `passkeys.register`."""
    passkey = passkeys.register(transaction, user_id, asker, answer, now, name=name)
    if passkey is not None:
        _record(transaction, Event.FACTOR_ADDED, user_id, "passkey", now)
    return passkey


def make_recovery_codes(transaction: Transaction, user_id: str, now: int) -> tuple[str, ...]:
    """Makes recovery codes in place of those before; they are known this once."""
    codes = recovery_codes.make(transaction, user_id, now)
    _record(transaction, Event.RECOVERY_CODES_MADE, user_id, "recovery", now)
    return codes


def remove_totp(transaction: Transaction, user_id: str, now: int) -> None:
    """Removes a person's authenticator app.

    Raises:
        LastFactorError: see there. AbsentError: there is none.
    """
    users.lock(transaction, user_id)
    has_others = bool(passkeys.of_user(transaction, user_id))
    _require_none_owed(transaction, user_id, has_others=has_others)
    totp.remove(transaction, user_id)
    _forget_what_needs_another(transaction, user_id, has_others=has_others)
    _record(transaction, Event.FACTOR_REMOVED, user_id, "totp", now)


def remove_passkey(transaction: Transaction, user_id: str, passkey_id: str, now: int) -> None:
    """Removes a passkey.

    Raises:
        LastFactorError: see there. AbsentError: the person has no such passkey.
    """
    users.lock(transaction, user_id)
    mine = of(transaction, user_id)
    has_others = mine.totp_since is not None or any(one.id != passkey_id for one in mine.passkeys)
    _require_none_owed(transaction, user_id, has_others=has_others)
    passkeys.remove(transaction, user_id, passkey_id)
    _forget_what_needs_another(transaction, user_id, has_others=has_others)
    _record(transaction, Event.FACTOR_REMOVED, user_id, "passkey", now)


def forget(transaction: Transaction, user_id: str) -> None:
    """Takes all that a person has beside a password; the caller holds the person's lock, and records it."""
    totp.forget(transaction, user_id)
    passkeys.forget(transaction, user_id)
    recovery_codes.remove(transaction, user_id)


def _require_none_owed(transaction: Transaction, user_id: str, *, has_others: bool) -> None:
    """Refuses to take the last factor of somebody who must have one.

    The caller holds the person's lock: of two removals at once, the second sees what the first left.
    """
    owed = () if has_others else required_by(transaction, user_id)
    if owed:
        raise LastFactorError(f"you need a second factor for {' and '.join(owed)}: add another one first")


def _forget_what_needs_another(transaction: Transaction, user_id: str, *, has_others: bool) -> None:
    if not has_others:
        recovery_codes.remove(transaction, user_id)


def _record(transaction: Transaction, event: Event, user_id: str, factor: str, now: int) -> None:
    act = Act(event, Actor("person", user_id), target=user_id, details={"factor": factor})
    audit.record(transaction, act, now * 1_000_000)

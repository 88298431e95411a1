"""The decisions: what a token is granted, what a request may use, and whether that is enough."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from rxauth.policy import prescribing
from rxauth.policy.authority import Refusal
from rxauth.policy.permissions import BY_NAME, PERMISSIONS, Machine, Permission
from rxauth.policy.subjects import Caller, MachineSubject, Prescriber, Subject, UserSubject, Wish

_NOT_A_MEMBER: Final = Refusal("not_a_member", "this person is no longer a member of the organization")


@dataclass(frozen=True, slots=True)
class Granted:
    """The permissions a token will carry, in the table's order."""

    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScopeRefused:
    """What was asked for and will not be granted; `name` is as the client wrote it."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Insufficient:
    """A request lacks a permission; `wanted` are those of which any one would have been enough."""

    wanted: tuple[str, ...]
    reason: str


def refusal(permission: Permission, subject: Subject, now: int) -> str | None:
    """Says why `subject` does not hold `permission` at `now` (UTC seconds); None means it does."""
    if isinstance(subject, MachineSubject):
        if permission.machine is Machine.NEVER:
            return permission.condition(subject, now) or "no machine may hold it"
        if permission.name not in subject.permissions:
            return "this client was not given it"
    elif subject.organization_id is None:
        return "no organization was chosen"
    elif permission.roles.isdisjoint(subject.roles):
        return "none of this person's roles has it"
    return permission.condition(subject, now)


def held(subject: Subject, now: int) -> tuple[str, ...]:
    """Returns every permission that `subject` holds at `now`, in the table's order."""
    candidates: Iterable[Permission] = PERMISSIONS
    if isinstance(subject, MachineSubject):
        candidates = [permission for permission in PERMISSIONS if permission.name in subject.permissions]
    return tuple(permission.name for permission in candidates if refusal(permission, subject, now) is None)


def granted(subject: MachineSubject, requested: tuple[str, ...], now: int) -> Granted | ScopeRefused:
    """Decides what a machine's token gets.

    requested: the names the client asked for; empty means everything the subject holds (RFC 6749 §3.3).
    """
    for name in requested:
        permission = BY_NAME.get(name)
        if permission is None:
            return ScopeRefused(name, "there is no such permission")
        reason = refusal(permission, subject, now)
        if reason is not None:
            return ScopeRefused(name, reason)
    if not requested:
        return Granted(held(subject, now))
    return Granted(tuple(permission.name for permission in PERMISSIONS if permission.name in requested))


def granted_to_person(
    subject: UserSubject, requested: tuple[str, ...], now: int, *, all_if_none_is_named: bool
) -> Granted:
    """Decides what a person's token gets: never a refusal, but only what the person holds (RFC 6749 §3.3).

    requested: names as the client wrote them; those of no permission do not count. all_if_none_is_named: whether a
    client that names no permission gets all that the person holds, as the organization's own clients do, or none.
    """
    named = [name for name in requested if name in BY_NAME]
    if not named and not all_if_none_is_named:
        return Granted(())
    return Granted(tuple(name for name in held(subject, now) if not named or name in named))


def caller(token_permissions: Iterable[str], subject: Subject, client_id: str, token_id: str, now: int) -> Caller:
    """Decides what one request may use: what the token says and the subject still holds."""
    known = (BY_NAME[name] for name in token_permissions if name in BY_NAME)
    usable = frozenset(permission.name for permission in known if refusal(permission, subject, now) is None)
    return Caller(subject, usable, client_id, token_id)


def require(one: Caller, any_of: tuple[str, ...], now: int) -> Insufficient | None:
    """Tells whether the caller has one of the permissions; None means yes."""
    if not one.permissions.isdisjoint(any_of):
        return None
    first = BY_NAME[any_of[0]]
    reason = refusal(first, one.subject, now)
    return Insufficient(any_of, reason or "the token was issued without it")


def as_prescriber(
    transaction: object, one: Caller, standing: UserSubject | None, wish: Wish, now: int
) -> Prescriber | Refusal:
    """Decides whether a caller may write one prescription, and gives the proof that the write demands.

    transaction: the one that will write it. standing: who the caller is to the organization, read and locked in that
    transaction; None: nobody. now: UTC seconds.
    """
    if isinstance(one.subject, MachineSubject):
        return prescribing.judge(one.subject, wish, now) or _NOT_A_MEMBER
    if standing is None or (standing.user_id, standing.organization_id) != (one.subject.user_id, one.organization_id):
        return _NOT_A_MEMBER
    if prescribing.PERMISSION not in one.permissions:
        return Refusal("permission_missing", f"the token does not carry {prescribing.PERMISSION}")
    refused = prescribing.judge(standing, wish, now)
    return refused or Prescriber(transaction, one.organization_id, standing.user_id, wish.patient_id)

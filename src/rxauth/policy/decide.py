"""The decisions: what a token is granted, what a request may use, and whether that is enough."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from types import MappingProxyType
from typing import Final

from rxauth.policy import prescribing
from rxauth.policy.authority import Refusal
from rxauth.policy.permissions import BY_NAME, CONDITIONAL, PERMISSIONS, Machine, Permission
from rxauth.policy.roles import Role
from rxauth.policy.subjects import Caller, MachineSubject, Prescriber, Subject, UserSubject, Wish

_NO_MACHINE: Final = Refusal("machine", "no machine may hold it")
_NOT_GIVEN: Final = Refusal("not_given", "this client was not given it")
_NO_ORGANIZATION: Final = Refusal("organization_missing", "no organization was chosen")
_NO_ROLE: Final = Refusal("role_missing", "none of this person's roles has it")
_ROLE_PENDING: Final = Refusal("role_pending", "the Prescriber role waits until this person is an authorized provider")
_NOT_IN_TOKEN: Final = Refusal("not_in_token", "the token was issued without it")
_SETS_REMEMBERED: Final = 256
_NO_SUCH: Final = "there is no such permission"
_MACHINES: Final = frozenset(permission.name for permission in PERMISSIONS if permission.machine is not Machine.NEVER)
# Every request asks what a set of roles has; there are 64 of them.
_OF_ROLES: Final = MappingProxyType(
    {
        roles: frozenset(permission.name for permission in PERMISSIONS if not permission.roles.isdisjoint(roles))
        for size in range(len(Role) + 1)
        for roles in map(frozenset, combinations(Role, size))
    }
)
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
    refusal: Refusal


def refusal(permission: Permission, subject: Subject, now: int) -> Refusal | None:
    """Says why `subject` does not hold `permission` at `now` (UTC seconds); None means it does."""
    if isinstance(subject, MachineSubject):
        if permission.machine is Machine.NEVER:
            return permission.condition(subject, now) or _NO_MACHINE
        if permission.name not in subject.permissions:
            return _NOT_GIVEN
    elif subject.organization_id is None:
        return _NO_ORGANIZATION
    elif permission.roles.isdisjoint(subject.roles):
        return _NO_ROLE
    elif permission.roles.isdisjoint(subject.effective_roles):
        return permission.condition(subject, now) or _ROLE_PENDING
    return permission.condition(subject, now)


def held(subject: Subject, now: int) -> tuple[str, ...]:
    """Returns every permission that `subject` holds at `now`, in the table's order."""
    return _in_order(_held(subject, now))


@lru_cache(_SETS_REMEMBERED)
def _in_order(names: frozenset[str]) -> tuple[str, ...]:
    return tuple(permission.name for permission in PERMISSIONS if permission.name in names)


def _held(subject: Subject, now: int) -> frozenset[str]:
    """Returns what `refusal` refuses nothing of, without asking it permission by permission."""
    if isinstance(subject, MachineSubject):
        names = subject.permissions & _MACHINES
    elif subject.organization_id is None:
        return frozenset()
    else:
        names = _OF_ROLES[subject.effective_roles]
    for permission in CONDITIONAL:
        if permission.name in names and permission.condition(subject, now) is not None:
            names -= {permission.name}
    return names


def granted(subject: MachineSubject, requested: tuple[str, ...], now: int) -> Granted | ScopeRefused:
    """Decides what a machine's token gets.

    requested: the names the client asked for; empty means everything the subject holds (RFC 6749 §3.3).
    """
    for name in requested:
        permission = BY_NAME.get(name)
        if permission is None:
            return ScopeRefused(name, _NO_SUCH)
        refused = refusal(permission, subject, now)
        if refused is not None:
            return ScopeRefused(name, refused.reason)
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
    return Caller(subject, _held(subject, now).intersection(token_permissions), client_id, token_id)


def require(one: Caller, any_of: tuple[str, ...], now: int) -> Insufficient | None:
    """Tells whether the caller has one of the permissions; None means yes."""
    if not one.permissions.isdisjoint(any_of):
        return None
    return Insufficient(any_of, refusal(BY_NAME[any_of[0]], one.subject, now) or _NOT_IN_TOKEN)


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
    if refused is not None or wish.state is None:
        return refused or prescribing.STATE_UNKNOWN
    return Prescriber(
        transaction, one.organization_id, standing.user_id, wish.patient_id, wish.treatment_id, wish.state
    )


def of_writer(standing: UserSubject | None, wish: Wish, now: int) -> Refusal | None:
    """Says why nothing may be dispensed on a prescription, because of who wrote it; None: it may.

    standing: who the writer is to the organization, read and locked as for `as_prescriber`. Whoever orders needs no
    authority of their own.
    """
    return _NOT_A_MEMBER if standing is None else prescribing.judge(standing, wish, now)

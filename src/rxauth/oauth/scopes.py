"""Scope: names of OpenID Connect, which release claims, and names of permissions, which policy decides on."""

import re
from dataclasses import dataclass
from typing import Final

from rxauth.oauth.errors import InvalidScopeError
from rxauth.policy.permissions import BY_NAME

OPENID: Final = "openid"
PROFILE: Final = "profile"
EMAIL: Final = "email"
OFFLINE_ACCESS: Final = "offline_access"
IDENTITY: Final = (OPENID, PROFILE, EMAIL, OFFLINE_ACCESS)
SCOPE_LIMIT_NAMES: Final = 100
_SCOPE: Final = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")  # RFC 6749 §3.3


@dataclass(frozen=True, slots=True)
class PersonScope:
    """What a client may have of a person. identity: in the order of `IDENTITY`; permissions: those it names.

    all_if_none_is_named: whether no named permission means all that the person holds, or none.
    """

    identity: tuple[str, ...]
    permissions: tuple[str, ...]
    all_if_none_is_named: bool


def names(scope: str | None) -> tuple[str, ...]:
    """Returns the different names in a scope.

    Raises:
        InvalidScopeError: it is no list of names.
    """
    if scope is None:
        return ()
    if _SCOPE.fullmatch(scope) is None or scope.count(" ") >= SCOPE_LIMIT_NAMES:
        raise InvalidScopeError("scope is not a list of at most 100 names with one space between them.")
    return tuple(dict.fromkeys(scope.split(" ")))


def of_person(scope: str, *, third_party: bool) -> PersonScope:
    """Returns what was agreed to: our own clients get all unless they name some, others only what they name."""
    asked = scope.split()
    identity = tuple(name for name in IDENTITY if name in asked)
    return PersonScope(identity, tuple(name for name in asked if name in BY_NAME), not third_party)


def narrowed(agreed: PersonScope, scope: str, asked: tuple[str, ...]) -> PersonScope:
    """Returns the part of what was agreed to that a refresh asks for (RFC 6749 §6).

    scope: what was asked for at the sign-in, word for word.

    Raises:
        InvalidScopeError: it asks for more than was agreed to.
    """
    if not asked:
        return agreed
    permissions = tuple(name for name in asked if name in BY_NAME)
    has_all = agreed.all_if_none_is_named and not agreed.permissions
    for name in asked:
        if name not in scope.split() and not (has_all and name in permissions):
            raise InvalidScopeError(f"{name[:80]} was not agreed to when the person signed in.")
    identity = tuple(name for name in agreed.identity if name in asked)
    # Leaving out what was named must not come to mean "all".
    return PersonScope(identity, permissions, has_all)

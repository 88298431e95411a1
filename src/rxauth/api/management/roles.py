"""Roles: what they grant, and whether the caller may give them."""

from collections.abc import Sequence

from rxauth.api.context import Info
from rxauth.domain.errors import InvalidError
from rxauth.policy import giving
from rxauth.policy.permissions import PERMISSIONS
from rxauth.policy.roles import DESCRIPTIONS, Role, find_role


def search(_root: None, _info: Info) -> Sequence[Role]:
    """Query.roles."""
    return list(Role)


def name(role: Role, _info: Info) -> str:
    """Role.name."""
    return role.value


def description(role: Role, _info: Info) -> str:
    """Role.description."""
    return DESCRIPTIONS[role]


def permissions(role: Role, _info: Info) -> Sequence[str]:
    """Role.permissions: in the table's order."""
    return [one.name for one in PERMISSIONS if role in one.roles]


def refusal(role: Role, info: Info) -> str | None:
    """Role.refusal: of who asks now."""
    refused = giving.refusal(info.context.caller.subject, role, info.context.clock.seconds())
    return None if refused is None else refused.reason


def read(text: str, where: str) -> Role:
    """Returns the role that a client names.

    Raises:
        InvalidError: there is none.
    """
    role = find_role(text)
    if role is None:
        raise InvalidError(f"a role is one of {', '.join(Role)}", where)
    return role

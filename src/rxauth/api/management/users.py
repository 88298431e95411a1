"""Users: who asks, and the people of the caller's organization."""

from collections.abc import Sequence

from rxauth.api.context import Info
from rxauth.api.errors import ForbiddenError
from rxauth.domain import memberships, providers, users
from rxauth.domain.errors import AbsentError
from rxauth.domain.users import User
from rxauth.policy import decide
from rxauth.policy.authority import State
from rxauth.policy.roles import Role

LIMIT_ROWS = 1_000
READ_ROLES = ("read:user_roles",)
_STATUSES = {State.APPROVED: "VERIFIED", State.PROPOSED: "PENDING"}


def me(_root: None, info: Info) -> User:
    """Query.me."""
    user_id = info.context.user_id or ""
    found = info.context.read(lambda tx: users.find(tx, user_id))
    if found is None:
        raise AbsentError("there is no such person")
    return found


def search(_root: None, info: Info) -> Sequence[User]:
    """Query.users: oldest first."""
    context = info.context
    found = context.read(lambda tx: users.of_organization(tx, context.organization_id, LIMIT_ROWS))
    ids = [one.id for one in found]
    context.want(memberships.roles_of, ids)
    context.want(providers.states_of, ids, context.clock.seconds())
    return found


def external_id(_user: User, _info: Info) -> None:
    """User.externalId: nobody can give a person one."""
    return


def roles(user: User, info: Info) -> Sequence[Role]:
    """User.roles: one's own for everybody, others' for who may see them.

    Raises:
        ForbiddenError: the caller may not.
    """
    context = info.context
    if context.caller.subject.organization_id is None:
        return []
    if user.id != context.user_id:
        insufficient = decide.require(context.caller, READ_ROLES, context.clock.seconds())
        if insufficient is not None:
            raise ForbiddenError(insufficient)
    return context.get(memberships.roles_of, user.id) or []


def verification_status(user: User, info: Info) -> str:
    """User.verificationStatus: in the organization of the token."""
    context = info.context
    if context.caller.subject.organization_id is None:
        return "UNVERIFIED"
    state = context.get(providers.states_of, user.id, context.clock.seconds())
    return _STATUSES.get(state, "UNVERIFIED")

"""SCIM as people set it up: its tokens, shown once, and what groups give."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from rxauth.api.context import Context, Info
from rxauth.api.errors import ForbiddenError
from rxauth.api.management.callers import actor, require_second_factor
from rxauth.api.management.invites import outbox_of
from rxauth.api.management.machine_secrets import end_of
from rxauth.api.management.roles import read
from rxauth.domain import administrators, audit, called, group_roles, scim_status, scim_tokens
from rxauth.domain.audit import Event
from rxauth.domain.names import Name
from rxauth.domain.paging import page
from rxauth.domain.scim_status import Counts, GroupSeen
from rxauth.domain.scim_tokens import ScimToken, Wanted
from rxauth.policy import giving
from rxauth.policy.decide import Insufficient
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction

PERMISSION: Final = "manage:user_roles"
PATH: Final = "/scim/v2"


@dataclass(frozen=True, slots=True)
class Shown:
    """A token; text: only where it was just made."""

    stored: ScimToken
    text: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class GroupRoles:
    """A group, and what it gives."""

    group: str = field(repr=False)
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is; see the contract."""

    base_url: str
    tokens: Sequence[Shown]
    counts: Counts
    group_roles: Sequence[GroupRoles]

    @property
    def last_used_at(self) -> int | None:
        """When any of the tokens was last used."""
        return max(
            (one.stored.last_used_at for one in self.tokens if one.stored.last_used_at is not None), default=None
        )


@dataclass(frozen=True, slots=True)
class Mappable:
    """A role, and why no group gives it; see the contract."""

    role: Role
    refusal: str | None


def overview(_root: None, info: Info) -> Overview:
    """Query.scim."""
    context = info.context

    def work(transaction: Transaction) -> Overview:
        found = [Shown(one) for one in scim_tokens.of_organization(transaction, context.organization_id)]
        counts = scim_status.count(transaction, context.organization_id)
        mapped = group_roles.of_source(transaction, context.organization_id, group_roles.SCIM)
        given = [GroupRoles(group, roles) for group, roles in mapped.items()]
        return Overview(f"{outbox_of(context).issuer.rstrip('/')}{PATH}", found, counts, given)

    made = context.read(work)
    context.want(called.people, [one.stored.created_by for one in made.tokens])
    return made


def groups(_root: None, info: Info, after: str | None = None, first: int | None = None) -> Sequence[GroupSeen]:
    """Query.scimGroups."""
    context, wanted = info.context, page(after, first)
    return context.read(lambda tx: scim_status.groups(tx, context.organization_id, wanted))


def mappable(_root: None, info: Info) -> Sequence[Mappable]:
    """Query.mappableRoles."""
    refused = giving.provisioning_refusal(info.context.caller.subject)
    found = [(role, giving.mapping_refusal(role) or refused) for role in Role]
    return [Mappable(role, None if why is None else why.reason) for role, why in found]


def create(
    _root: None, info: Info, name: str, expires_at: int | None = None, lifetime_days: int | None = None
) -> Shown:
    """Mutation.createScimToken.

    Raises:
        ForbiddenError: the caller is no Administrator. StepUpError: a second factor was not proven lately.
        InvalidError: the name or the end is none. ExistsError: two work already.
    """
    context, now = info.context, info.context.clock.seconds()
    _require_administrator(context)
    wanted = Wanted(name, context.user_id or "", end_of(expires_at, lifetime_days, now))

    def work(transaction: Transaction) -> Shown:
        require_second_factor(context, transaction)
        made, text = scim_tokens.make(transaction, context.organization_id, wanted, now)
        _record(transaction, context, Event.SCIM_TOKEN_CREATED, made.id)
        return Shown(made, text)

    return context.write(work)


def revoke(_root: None, info: Info, id: str) -> Shown:  # noqa: A002  # as the contract names what is acted on
    """Mutation.revokeScimToken: one that is revoked already stays as it is.

    Raises:
        AbsentError: there is no such token.
    """
    context = info.context

    def work(transaction: Transaction) -> Shown:
        token, is_new = scim_tokens.revoke(transaction, context.organization_id, id, context.clock.seconds())
        if is_new:
            _record(transaction, context, Event.SCIM_TOKEN_REVOKED, token.id)
        return Shown(token)

    return context.write(work)


def set_group_roles(_root: None, info: Info, group: str, roles: Sequence[str]) -> GroupRoles:
    """Mutation.setScimGroupRoles.

    Raises:
        ForbiddenError: the caller is no Administrator. StepUpError: a second factor was not proven lately.
        InvalidError: no group, or a role that none gives.
    """
    context, now = info.context, info.context.clock.seconds()
    _require_administrator(context)
    wanted = [read(one, "roles") for one in roles]

    def work(transaction: Transaction) -> GroupRoles:
        if wanted:
            require_second_factor(context, transaction)
        organization_id = context.organization_id
        administrators.lock(transaction, organization_id)
        mapped = group_roles.of_source(transaction, organization_id, group_roles.SCIM)
        made = GroupRoles(group.strip(), frozenset(wanted))
        group_roles.replace(transaction, organization_id, group_roles.SCIM, mapped | {made.group: made.roles})
        scim_status.mark(transaction, organization_id, made.group, now)
        details = {"roles": " ".join(role.id for role in sorted(made.roles))}
        act = audit.Act(Event.GROUP_ROLES_SET, actor(context.caller), organization_id, details=details)
        audit.record(transaction, act, context.clock.microseconds())
        return made

    return context.write(work)


def state(shown: Shown, info: Info) -> str:
    """ScimToken.state: at this moment."""
    if shown.stored.revoked_at is not None:
        return "REVOKED"
    return "WORKS" if shown.stored.is_live(info.context.clock.seconds()) else "EXPIRED"


def created_by_name(shown: Shown, info: Info) -> str | None:
    """ScimToken.createdByName."""
    name: Name | None = info.context.get(called.people, shown.stored.created_by)
    return None if name is None else name.full


def roles_of(one: GroupRoles, _info: Info) -> Sequence[Role]:
    """ScimGroupRoles.roles: in the order of the table."""
    return [role for role in Role if role in one.roles]


def _require_administrator(context: Context) -> None:
    refused = giving.provisioning_refusal(context.caller.subject)
    if refused is not None:
        raise ForbiddenError(Insufficient((PERMISSION,), refused), Event.MEMBER_REFUSED)


def _record(transaction: Transaction, context: Context, event: Event, token_id: str) -> None:
    act = audit.Act(event, actor(context.caller), context.organization_id, token_id)
    audit.record(transaction, act, context.clock.microseconds())

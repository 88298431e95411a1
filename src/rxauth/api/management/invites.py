"""Invites: who was asked to work for the caller's organization, asked again, or asked no longer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rxauth.api.context import Context, Info
from rxauth.api.management.callers import actor
from rxauth.api.management.roles import read
from rxauth.domain import invite_acts, invites, letters, member_acts
from rxauth.domain.errors import InvalidError
from rxauth.domain.invite_acts import Inviting
from rxauth.domain.invites import Invite
from rxauth.domain.mails import Outbox
from rxauth.domain.member_acts import MemberRefusedError
from rxauth.policy.roles import Role
from rxauth.storage.database import Transaction

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class InviteInput:
    """Whom to invite, with which roles."""

    email: str = field(repr=False)
    roles: Sequence[str | None] | None = None


def search(_root: None, info: Info) -> Sequence[Invite]:
    """Query.invites: newest first."""
    context = info.context
    return context.read(lambda tx: invites.shown(tx, context.organization_id, context.clock.seconds()))


def invite(_root: None, info: Info, input: InviteInput) -> Invite:  # noqa: A002  # the contract's name
    """Mutation.inviteUser."""
    roles = [read(one, "roles") for one in input.roles or () if one is not None]
    if not roles:
        raise InvalidError("an invitation has at least one role", "roles")
    return _act(info, lambda tx, inviting: invite_acts.invite(tx, inviting, input.email, roles))


def resend(_root: None, info: Info, invite_id: str) -> Invite:
    """Mutation.resendInvite."""
    return _act(info, lambda tx, inviting: invite_acts.resend(tx, inviting, invite_id))


def withdraw(_root: None, info: Info, invite_id: str) -> bool:
    """Mutation.withdrawInvite."""
    _act(info, lambda tx, inviting: invite_acts.withdraw(tx, inviting, invite_id))
    return True


def roles(source: Invite, _info: Info) -> Sequence[Role]:
    """Invite.roles."""
    return [role for role in Role if role in source.roles]


def url(_source: Invite, info: Info) -> str:
    """Invite.url: without the token, of which nothing is kept but a digest."""
    return f"{outbox_of(info.context).issuer.rstrip('/')}{letters.INVITE_PATH}"


def is_expired(source: Invite, info: Info) -> bool:
    """Invite.expired."""
    return info.context.clock.seconds() >= source.expires_at


def _act(info: Info, work: Callable[[Transaction, Inviting], Result]) -> Result:
    """Acts in one write; a refusal is recorded in another, because the first was rolled back.

    Raises:
        MemberRefusedError: see there.
    """
    context, outbox = info.context, outbox_of(info.context)
    organization_id, now = context.organization_id, context.clock.seconds()
    giver = context.caller.subject

    def begun(transaction: Transaction) -> Result:
        return work(transaction, invite_acts.begin(transaction, organization_id, giver, outbox, now))

    try:
        return context.write(begun)
    except MemberRefusedError as error:
        refused = error
    context.write(
        lambda tx: member_acts.refused(tx, refused, organization_id, None, actor=actor(context.caller), now=now)
    )
    raise refused


def outbox_of(context: Context) -> Outbox:
    """Returns where letters are put.

    Raises:
        InvalidError: this server writes none.
    """
    if context.outbox is None:
        raise InvalidError("no letters are written here")
    return context.outbox

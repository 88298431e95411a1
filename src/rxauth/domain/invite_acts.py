"""What people and machines do about invites; each act is judged and recorded where it is done."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from rxauth.domain import administrators, audit, invites, providers
from rxauth.domain.audit import Actor, Event
from rxauth.domain.errors import InvalidError
from rxauth.domain.invites import Asked, Invite
from rxauth.domain.mails import Outbox
from rxauth.domain.member_acts import MemberRefusedError
from rxauth.policy import decide, giving
from rxauth.policy.authority import Refusal
from rxauth.policy.roles import Role
from rxauth.policy.subjects import MachineSubject, Subject, UserSubject
from rxauth.storage.database import Transaction

PERMISSION = "write:invite"


@dataclass(frozen=True, slots=True)
class Inviting:
    """Who invites, and how the letters go out."""

    organization_id: str
    giver: Subject
    outbox: Outbox = field(repr=False)
    now: int

    @property
    def actor(self) -> Actor:
        """Who invites, as a record names them."""
        if isinstance(self.giver, MachineSubject):
            return Actor("client", self.giver.client_id)
        return Actor("person", self.giver.user_id)


def begin(transaction: Transaction, organization_id: str, giver: Subject, outbox: Outbox, now: int) -> Inviting:
    """Reads a person who invites anew, under the lock of the organization's roles.

    Raises:
        MemberRefusedError: they may no longer do so.
    """
    if isinstance(giver, UserSubject):
        administrators.lock(transaction, organization_id)
        found = providers.subject_for_writing(transaction, organization_id, giver.user_id)
        if found is None or PERMISSION not in decide.held(found, now):
            raise MemberRefusedError(Refusal("permission_missing", f"this needs the permission {PERMISSION}"))
        giver = found
    return Inviting(organization_id, giver, outbox, now)


def invite(transaction: Transaction, inviting: Inviting, email: str, roles: Iterable[Role]) -> Invite:
    """Invites an address, in place of every invite to it before.

    Raises:
        MemberRefusedError: more than who invites may give, or take back. InvalidError: no address, no role, or too many
        letters. ExistsError: whoever has the address is a member already.
    """
    asked = frozenset(roles)
    _require(inviting, asked)
    before = invites.to_address(transaction, inviting.organization_id, email)
    for one in before:
        if one.accepted_at is None and one.revoked_at is None and inviting.now < one.expires_at:
            _require(inviting, one.roles)
    if (
        len([one for one in before if one.created_at > inviting.now - invites.LETTERS_WITHIN_S])
        >= invites.LETTERS_LIMIT
    ):
        raise InvalidError(
            f"{invites.LETTERS_LIMIT} letters went to this address within an hour: wait a while", "email"
        )
    inviter_id = inviting.giver.user_id if isinstance(inviting.giver, UserSubject) else None
    made = invites.create(
        transaction, inviting.organization_id, Asked(email, asked, inviter_id), inviting.outbox, inviting.now
    )
    details = {"roles": " ".join(role.id for role in sorted(asked))}
    act = audit.Act(Event.PERSON_INVITED, inviting.actor, inviting.organization_id, made.id, details=details)
    audit.record(transaction, act, inviting.now * 1_000_000)
    return made


def resend(transaction: Transaction, inviting: Inviting, invite_id: str) -> Invite:
    """Invites once more, for another 7 days; the link before is dead.

    Raises:
        as for `invite`; AbsentError: there is no such invite that waits.
    """
    before = invites.lock(transaction, inviting.organization_id, invite_id)
    _require(inviting, before.roles)
    invites.revoke(transaction, inviting.organization_id, invite_id, inviting.now)
    return invite(transaction, inviting, before.email, before.roles)


def withdraw(transaction: Transaction, inviting: Inviting, invite_id: str) -> None:
    """Takes an invite back.

    Raises:
        AbsentError: there is no such invite that waits. MemberRefusedError: it gives more than who acts may take.
    """
    before = invites.lock(transaction, inviting.organization_id, invite_id)
    _require(inviting, before.roles)
    invites.revoke(transaction, inviting.organization_id, invite_id, inviting.now)
    act = audit.Act(Event.INVITE_REVOKED, inviting.actor, inviting.organization_id, invite_id)
    audit.record(transaction, act, inviting.now * 1_000_000)


def _require(inviting: Inviting, roles: Iterable[Role]) -> None:
    refused = giving.first_refusal(inviting.giver, roles, inviting.now)
    if refused is not None:
        raise MemberRefusedError(refused)

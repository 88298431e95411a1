"""Joining: who somebody is here for whom an organization's identity provider vouches.

An address alone links nobody: whoever has it here proves itself here, once; from then on the provider's name for the
person, which never changes, tells who it is.
"""

from dataclasses import dataclass
from typing import Final

from rxauth.domain import (
    audit,
    connections,
    domains,
    entries,
    factors,
    memberships,
    operators,
    organizations,
    passwords,
    upstream_identities,
    users,
)
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.entries import Entry, Refused, Vouched
from rxauth.domain.errors import InvalidError
from rxauth.domain.memberships import Membership
from rxauth.domain.names import TEXT_LIMIT_CHARACTERS, Name, require_text
from rxauth.domain.upstream_identities import UpstreamIdentity
from rxauth.domain.users import User
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction

_OFF: Final = Refused("connection_disabled", "the connection, or its organization, is switched off")
_NOT_OURS: Final = Refused(
    "domain_not_verified", "the organization has not verified the domain of the person's address"
)


@dataclass(frozen=True, slots=True)
class Joined:
    """The person is known, and a member."""

    user_id: str


@dataclass(frozen=True, slots=True)
class MustProve:
    """Somebody has the address, and must prove to be it before the identity is linked to it."""

    user_id: str


def join(transaction: Transaction, vouched: Vouched, now: int) -> Joined | MustProve | Refused:
    """Finds or makes the person of an identity, if the connection's rules let it in."""
    connection, identity = vouched.by, vouched.identity
    organization = organizations.find(transaction, connection.organization_id)
    if (
        organization is None
        or organization.disabled_at is not None
        or not connections.is_usable(transaction, connection)
    ):
        return _OFF
    known = upstream_identities.person_of(transaction, identity)
    if known is not None:
        return _again(transaction, vouched, known, now)
    refused = _address_refusal(transaction, identity)
    if refused is not None:
        return refused
    person = users.find_by_email(transaction, identity.email or "")
    if person is None:
        return _newcomer(transaction, vouched, now)
    return _of_account(transaction, vouched, person, now)


def link(transaction: Transaction, vouched: Vouched, user_id: str, now: int) -> Joined | Refused:
    """Links an identity to a person who has just proved itself here; the rules are asked again."""
    identity, person = vouched.identity, users.find(transaction, user_id)
    refused = _address_refusal(transaction, identity)
    if refused is not None:
        return refused
    if not connections.is_usable(transaction, vouched.by):
        return _OFF
    users.lock(transaction, user_id)
    known = upstream_identities.person_of(transaction, identity)
    if known == user_id:  # who proved it elsewhere too, in another tab
        return _again(transaction, vouched, known, now)
    if known is not None or person is None:
        return Refused("identity_taken", "the provider's account was linked to somebody meanwhile")
    if users.email_key(person.email) != users.email_key(identity.email or ""):
        return Refused("email_differs", "the person who proved itself has another address")
    entry = entries.judge(transaction, vouched, person, now)
    return entry if isinstance(entry, Refused) else _linked(transaction, vouched, entry, user_id, now)


def is_claimed(transaction: Transaction, user_id: str) -> bool:
    """Tells whether a person has something of its own to sign in with, or an operator's rights."""
    return (
        passwords.stored_hash(transaction, user_id) is not None
        or factors.has_second(transaction, user_id)
        or operators.is_operator(transaction, user_id)
    )


def _again(transaction: Transaction, vouched: Vouched, user_id: str, now: int) -> Joined | Refused:
    """Lets a person in that is known by its subject; what the provider says of its address does not matter."""
    person = users.find(transaction, user_id)
    if person is not None and not _is_of_a_domain(transaction, vouched.identity, person):
        return _NOT_OURS
    found = entries.DISABLED if person is None else entries.judge(transaction, vouched, person, now, is_known=True)
    if isinstance(found, Refused):
        if found == entries.NO_ROLE:
            entries.leave(transaction, vouched, user_id, now)
        return found
    entries.enter(transaction, vouched, found, user_id, now)
    upstream_identities.note_seen(transaction, vouched.identity, now)
    return Joined(user_id)


def _is_of_a_domain(transaction: Transaction, identity: UpstreamIdentity, person: User) -> bool:
    """Tells whether the address of somebody known, here or at the provider, is in a domain that is verified still."""
    addresses = [one for one in (person.email, identity.email) if one is not None]
    return any(_is_ours(transaction, identity.organization_id, one) for one in addresses)


def _is_ours(transaction: Transaction, organization_id: str, email: str) -> bool:
    return domains.is_held(transaction, organization_id, users.email_key(email).rpartition("@")[2])


def _address_refusal(transaction: Transaction, identity: UpstreamIdentity) -> Refused | None:
    try:
        email = users.require_email(identity.email or "")
    except InvalidError:
        told = "the provider names no e-mail address of the person, or does not say that it is verified"
        return Refused("email_not_verified", told)
    return None if _is_ours(transaction, identity.organization_id, email) else _NOT_OURS


def _newcomer(transaction: Transaction, vouched: Vouched, now: int) -> Joined | Refused:
    email = users.require_email(vouched.identity.email or "")
    name = _name(vouched.identity, email)
    user = User(new_id(Kind.USER, now * 1000), email, None, name, None, email_verified_at=now)
    entry = entries.judge(transaction, vouched, user, now)
    if isinstance(entry, Refused):
        return entry
    users.add(transaction, user, now)
    return _linked(transaction, vouched, entry, user.id, now)


def _of_account(transaction: Transaction, vouched: Vouched, person: User, now: int) -> Joined | MustProve | Refused:
    """Judges who comes with the address of an account; one at a time, so that the first of two makes it somebody's."""
    users.lock(transaction, person.id)
    known = upstream_identities.person_of(transaction, vouched.identity)
    if known is not None:  # the same identity, at the same moment
        return _again(transaction, vouched, known, now)
    entry = entries.judge(transaction, vouched, person, now)
    if isinstance(entry, Refused):
        return entry
    if not _is_nobodys(transaction, person.id, entry.membership):
        return MustProve(person.id)
    return _linked(transaction, vouched, entry, person.id, now)


def _is_nobodys(transaction: Transaction, user_id: str, membership: Membership | None) -> bool:
    """Tells whether nobody could ever sign in to an account, which this organization made and no other uses."""
    if membership is None or len(memberships.of_person(transaction, user_id)) != 1:
        return False
    return not (is_claimed(transaction, user_id) or upstream_identities.has_any(transaction, user_id))


def _linked(transaction: Transaction, vouched: Vouched, entry: Entry, user_id: str, now: int) -> Joined:
    entries.enter(transaction, vouched, entry, user_id, now)
    upstream_identities.link(transaction, vouched.identity, user_id, now)
    organization_id, details = vouched.by.organization_id, {"connection": vouched.by.id}
    act = Act(Event.IDENTITY_LINKED, Actor("person", user_id), organization_id, user_id, details=details)
    audit.record(transaction, act, now * 1_000_000)
    return Joined(user_id)


def _name(identity: UpstreamIdentity, email: str) -> Name:
    """Returns what the provider calls the person; what it leaves out, the address has to stand for."""
    local = email.partition("@")[0][:TEXT_LIMIT_CHARACTERS]
    return Name(*(_usable(part) or local for part in (identity.first_name, identity.last_name)))


def _usable(part: str | None) -> str | None:
    try:
        require_text(part, "name")
    except InvalidError:
        return None
    return part

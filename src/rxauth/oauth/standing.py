"""Whether what a person once authorized still holds: client, person, membership and session, all of them now."""

from dataclasses import dataclass, field

from rxauth.domain import memberships, sessions, users
from rxauth.domain.authorization_codes import Authorized
from rxauth.domain.clients import Client
from rxauth.domain.memberships import Membership
from rxauth.domain.sessions import Limits, Session
from rxauth.domain.token_families import Family
from rxauth.domain.users import User
from rxauth.policy.subjects import ProviderAuthority, UserSubject
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Standing:
    """A person as a client may speak for it. membership None: no organization was chosen. limits: of the session.

    authority: to prescribe in that organization; None: there is none.
    """

    user: User = field(repr=False)
    session: Session
    membership: Membership | None
    authority: ProviderAuthority | None
    limits: Limits

    @property
    def subject(self) -> UserSubject:
        """Who policy judges."""
        if self.membership is None:
            return UserSubject(self.user.id, None, frozenset(), None)
        return UserSubject(self.user.id, self.membership.organization_id, self.membership.roles, self.authority)


def read(
    transaction: Transaction, client: Client, one: Authorized | Family, limits: Limits, *, authorized_at: int, now: int
) -> Standing | None:
    """Reads whether an authorization still holds; None: something that it rests on has ended.

    limits: of sessions, where the organization sets no stricter ones. authorized_at, now: UTC seconds.
    """
    session = sessions.load(transaction, one.session_id)
    user = users.find(transaction, one.user_id)
    if session is None or user is None or session.user_id != user.id:
        return None
    if user.disabled_at is not None or session.created_at < user.tokens_valid_after:
        return None
    if session.confined_to not in {None, one.organization_id}:
        return None
    if authorized_at < client.tokens_valid_after or not serves(client, one.organization_id):
        return None
    membership, authority = None, None
    if one.organization_id is not None:
        mine = {found.organization_id: found for found in memberships.of_person(transaction, user.id)}
        membership = mine.get(one.organization_id)
        if membership is None or membership.organization_disabled:
            return None
        if membership.refusal(session.methods, session.emergency_in) is not None:
            return None
        limits = limits.within(membership.session_idle_s, membership.session_lifetime_s)
        authority = memberships.authorities_of(transaction, user.id, [membership]).get(one.organization_id)
    return Standing(user, session, membership, authority, limits) if session.is_live(limits, now) else None


def serves(client: Client, organization_id: str | None) -> bool:
    """Tells whether a client may act for people of an organization; None: for people without one."""
    return organization_id is None or client.any_organization or client.organization_id == organization_id

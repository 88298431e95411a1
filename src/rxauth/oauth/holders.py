"""For whom a verified token speaks, and whether it still may: asked at every request, answered from memory."""

from dataclasses import dataclass
from typing import Final, TypeVar

from rxauth.domain.changes import Remembered
from rxauth.domain.clients import Client
from rxauth.domain.memberships import Person
from rxauth.domain.sessions import Session
from rxauth.domain.token_families import Family
from rxauth.oauth.claims import AccessClaims
from rxauth.oauth.errors import InvalidTokenError
from rxauth.oauth.server import Server
from rxauth.oauth.standing import serves
from rxauth.policy.subjects import Subject, UserSubject

_SIGN_IN: Final = "Sign in again."
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Held:
    """What the token of a person rests on; None: it is gone."""

    person: Person | None
    session: Session | None
    family: Family | None


def find(server: Server, claims: AccessClaims, now: int) -> Subject:
    """Returns for whom a verified token speaks; blocks its thread for what is not remembered.

    Raises:
        InvalidTokenError: with the reason why the token holds no more.
    """
    client = _known(server.clients, claims.client_id)
    reason = revocation(claims, client)
    subject: Subject | None = None if client is None else client.subject
    if reason is None and client is not None and not claims.is_machine():
        held = _held(server, claims)
        reason = _ended(server, claims, client, held, now)
        subject = _person(claims, held.person)
    if reason is None and subject is None:
        reason = f"The person that this token speaks for is no longer a member of the organization. {_SIGN_IN}"
    if reason is not None or subject is None:
        error = InvalidTokenError(reason or "")
        error.client_id, error.organization_id = claims.client_id, claims.org_id
        raise error
    return subject


def are_remembered(server: Server, claims: AccessClaims) -> bool:
    """Tells whether `find` has in memory all that a token rests on."""
    if server.clients.peek(claims.client_id) is None:
        return False
    return claims.is_machine() or (
        server.people.peek(claims.sub) is not None
        and server.sessions.peek(claims.sid or "") is not None
        and server.families.peek(claims.family_id or "") is not None
    )


def revocation(claims: AccessClaims, client: Client | None) -> str | None:
    """Says why a token that was issued to a client holds no more; None means that it does, as far as the client goes.

    client: the client that the token names, None if it is gone.
    """
    if client is None or client.disabled:
        return "The client or the organization that this token was issued to is disabled."
    if claims.iat < client.tokens_valid_after:
        return "Every token issued to this client before a certain moment was revoked, and this is one. Get a new one."
    if not claims.is_machine():
        return None if serves(client, claims.org_id) else "The client does not serve the organization of this token."
    if client.organization_id != claims.org_id:
        return "The client or the organization that this token was issued to is disabled."
    secret = client.secret(claims.secret_id or "")
    if secret is None or secret.revoked_at is not None:
        return "The client secret that this token was issued with was revoked. Get a new token with a new secret."
    return None


def _held(server: Server, claims: AccessClaims) -> Held:
    return Held(
        _known(server.people, claims.sub),
        _known(server.sessions, claims.sid or ""),
        _known(server.families, claims.family_id or ""),
    )


def _ended(server: Server, claims: AccessClaims, client: Client, held: Held, now: int) -> str | None:
    """Says what of that which a person's token rests on has ended; None: nothing."""
    person, session, family = held.person, held.session, held.family
    if person is None or person.disabled:
        return "The person that this token speaks for is disabled."
    if session is None or session.user_id != person.id or session.ended_at is not None:
        return f"The session that this token belongs to has ended. {_SIGN_IN}"
    if min(claims.iat, session.created_at) < person.tokens_valid_after:
        return f"Every session of this person before a certain moment was ended, and this is of one. {_SIGN_IN}"
    membership = person.memberships.get(claims.org_id or "")
    limits = server.lifetimes.sessions
    if membership is not None:
        limits = limits.within(membership.session_idle_s, membership.session_lifetime_s)
        asked = membership.refusal(session.methods, session.emergency_in)
        if asked is not None:
            return f"{asked} {_SIGN_IN}"
    if now >= session.created_at + limits.lifetime_s:
        return f"The session that this token belongs to is too old. {_SIGN_IN}"
    if family is None or family.revoked_at is not None:
        return f"The authorization that this token comes from was revoked. {_SIGN_IN}"
    if (family.session_id, family.client_id) != (session.id, client.id):
        return "The token's sid, family_id and client_id do not belong together."
    return None


def _person(claims: AccessClaims, person: Person | None) -> UserSubject | None:
    if person is None or claims.org_id is not None:
        return None if person is None else person.subject(claims.org_id or "")
    return UserSubject(person.id, None, frozenset(), None)


def _known(memory: Remembered[Record], identifier: str) -> Record | None:
    return memory.peek(identifier) or memory.fetch(identifier)

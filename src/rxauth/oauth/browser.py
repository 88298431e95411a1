"""The browser that a request comes from, and who is signed in with it."""

from dataclasses import dataclass, field, replace

from rxauth.domain import consents, factors, joining, memberships, sessions, upstream_sessions
from rxauth.domain.clients import Client
from rxauth.domain.memberships import Person
from rxauth.domain.sessions import Session
from rxauth.oauth.server import Server
from rxauth.oauth.steps import Situation
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a request comes from. handle: its cookie; None: it has none yet. kept: see `domain.known_browsers`."""

    handle: str | None = field(repr=False)
    network: str
    device: str = field(repr=False)
    kept: str | None = field(default=None, repr=False)

    def with_handle(self, handle: str) -> "Browser":
        """Returns the browser after it was given another handle."""
        return replace(self, handle=handle)


def look(server: Server, transaction: Transaction, handle: str | None, client: Client | None) -> Situation:
    """Finds out who is signed in.

    client: the one that asks, None for a page of our own. Of a client that nobody must agree to, no consent is read.
    """
    limits = server.lifetimes.sessions
    session = None if handle is None else sessions.find(transaction, handle)
    person = None if session is None else memberships.load_person(transaction, session.user_id)
    is_over = session is None or not session.is_live(limits, server.clock.seconds())
    if session is None or is_over or person is None or session.created_at < person.tokens_valid_after:
        return Situation(None, None, second_factors=frozenset(), consented=frozenset(), limits=limits)
    came_by, is_claimed = _upstream(transaction, session, person)
    return Situation(
        session,
        person.within(session.confined_to),
        second_factors=factors.kinds(transaction, session.user_id),
        consented=_consented(transaction, session.user_id, client),
        limits=limits,
        came_by=came_by,
        is_claimed=is_claimed,
    )


def client_of(server: Server, transaction: Transaction, client_id: str) -> Client | None:
    """Returns a client as it is remembered, or as the database has it."""
    return server.clients.peek(client_id) or server.clients.fetch_within(transaction, client_id)


def _upstream(transaction: Transaction, session: Session, person: Person) -> tuple[str | None, bool]:
    if session.confined_to is None:
        return None, False
    came = upstream_sessions.find(transaction, session.confined_to, session.id)
    is_claimed = len(person.memberships) > 1 or joining.is_claimed(transaction, person.id)
    return None if came is None else came.connection_id, is_claimed


def _consented(transaction: Transaction, user_id: str, client: Client | None) -> frozenset[str]:
    if client is None or not client.third_party:
        return frozenset()
    return consents.given(transaction, user_id, client.id)

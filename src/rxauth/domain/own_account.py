"""What people do about their own accounts, by whichever way: each act leaves its record."""

from collections.abc import Iterable

from rxauth.domain import audit, consents, members, sessions
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.errors import RefusedError
from rxauth.domain.sessions import Session
from rxauth.storage.database import Transaction


class ConfinedError(RefusedError):
    """Only an organization's identity provider says whose session it is: it does not open what is the person's own."""

    def __init__(self, what: str) -> None:
        message = f"you signed in with your organization's identity provider: log in with your own password to {what}"
        super().__init__("confined_session", message)


def require_own(session: Session, what: str) -> None:
    """Refuses a session that opens one organization only. what: what its person wants to do.

    Raises:
        ConfinedError: see there.
    """
    if session.confined_to is not None:
        raise ConfinedError(what)


def require_own_profile(transaction: Transaction, session: Session | None) -> Session:
    """Refuses to change, in a session that opens one organization only, what others rely on too.

    session None: nobody knows any longer which one it was. Returns it otherwise.

    Raises:
        ConfinedError: see there.
    """
    only = None if session is None else session.confined_to
    if session is None or (only is not None and members.elsewhere(transaction, only, [session.user_id])):
        raise ConfinedError("change what your other organizations rely on too")
    return session


def is_open_to(session: Session | None, organization_id: str) -> bool:
    """Tells whether a session opens an organization of its person; None: there is no such session."""
    return session is not None and session.confined_to in {None, organization_id}


def seen_from(session: Session | None, mine: Iterable[Session]) -> list[Session]:
    """Returns those of a person's sessions that one of them may see and end; None: there is no such session."""
    if session is None:
        return []
    return [one for one in mine if session.confined_to in {None, one.confined_to}]


def end_sessions(
    transaction: Transaction, user_id: str, session_ids: Iterable[str], at_us: int, network: str | None = None
) -> list[str]:
    """Ends sessions of a person, and returns those that were there; their clients are still to be told.

    at_us: UTC microseconds.
    """
    now = at_us // 1_000_000
    ended = [session_id for session_id in session_ids if sessions.end(transaction, session_id, user_id, now)]
    for session_id in ended:
        act = Act(Event.SIGNED_OUT, Actor("person", user_id), target=session_id, network=network)
        audit.record(transaction, act, at_us)
    return ended


def take_consent_back(
    transaction: Transaction, session: Session | None, client_id: str, at_us: int, network: str | None = None
) -> None:
    """Takes a consent back, and with it every token that came of it, wherever that is for; at_us: UTC microseconds.

    Raises:
        AbsentError: there is none. ConfinedError: see there.
    """
    user_id = require_own_profile(transaction, session).user_id
    consents.take_back(transaction, user_id, client_id, at_us // 1_000_000)
    act = Act(Event.CONSENT_TAKEN_BACK, Actor("person", user_id), target=client_id, network=network)
    audit.record(transaction, act, at_us)

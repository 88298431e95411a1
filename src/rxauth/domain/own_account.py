"""What people do about their own accounts, by whichever way: each act leaves its record."""

from collections.abc import Iterable

from rxauth.domain import audit, consents, sessions
from rxauth.domain.audit import Act, Actor, Event
from rxauth.storage.database import Transaction


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
    transaction: Transaction, user_id: str, client_id: str, at_us: int, network: str | None = None
) -> None:
    """Takes a consent back, and with it every token that came of it; at_us: UTC microseconds.

    Raises:
        AbsentError: there is none.
    """
    consents.take_back(transaction, user_id, client_id, at_us // 1_000_000)
    act = Act(Event.CONSENT_TAKEN_BACK, Actor("person", user_id), target=client_id, network=network)
    audit.record(transaction, act, at_us)

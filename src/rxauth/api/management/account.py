"""A person's own account: where they are signed in, and what they agreed to; never anybody else's."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rxauth.api.context import Context, Info
from rxauth.api.errors import ThirdPartyError
from rxauth.domain import clients, consents, own_account, sessions
from rxauth.domain.consents import Consent
from rxauth.domain.errors import AbsentError
from rxauth.domain.paging import page
from rxauth.domain.sessions import Ended, Session
from rxauth.policy.permissions import BY_NAME
from rxauth.storage.database import Transaction

Chosen = Callable[[Iterable[Session]], Iterable[str]]


@dataclass(frozen=True, slots=True)
class OwnSession:
    """A session as its person sees it. Times: UTC milliseconds."""

    id: str
    device: str = field(repr=False)
    network: str
    created_at: int
    last_seen_at: int
    is_current: bool


def own_sessions(_root: None, info: Info, after: str | None = None, first: int | None = None) -> Sequence[OwnSession]:
    """Query.mySessions: those that may still be used."""
    context, wanted = info.context, page(after, first)

    def work(transaction: Transaction) -> list[OwnSession]:
        limits, now = context.session_limits, context.clock.seconds()
        current = context.caller.session_id
        live = sessions.live_of_user(transaction, _own(context, transaction), limits, wanted, now)
        found = own_account.seen_from(sessions.load(transaction, current or ""), live)
        return [
            OwnSession(
                one.id, one.device, one.network, one.created_at * 1_000, one.last_seen_at * 1_000, one.id == current
            )
            for one in found
        ]

    return context.read(work)


def own_consents(_root: None, info: Info) -> Sequence[Consent]:
    """Query.myConsents."""
    context = info.context
    return context.read(lambda tx: consents.of_user(tx, _own(context, tx)))


def permissions(source: Consent, _info: Info) -> list[str]:
    """OwnConsent.permissions: what else was agreed to says who the person is, and opens no field."""
    return [name for name in source.scope.split() if name in BY_NAME]


def end_session(_root: None, info: Info, id: str) -> bool:  # noqa: A002  # the contract's name
    """Mutation.endMySession.

    Raises:
        AbsentError: the person has no such session, or it has ended.
    """
    if not _end(info.context, lambda mine: [one.id for one in mine if one.id == id]):
        raise AbsentError("there is no such session", "id")
    return True


def end_other_sessions(_root: None, info: Info) -> int:
    """Mutation.endMyOtherSessions."""
    current = info.context.caller.session_id

    return _end(info.context, lambda mine: [one.id for one in mine if one.id != current])


def revoke_consent(_root: None, info: Info, client_id: str) -> bool:
    """Mutation.revokeMyConsent.

    Raises:
        AbsentError: the person agreed to nothing that this application asked for. ConfinedError: see there.
    """
    context = info.context

    def work(transaction: Transaction) -> None:
        _own(context, transaction)
        asking = sessions.load(transaction, context.caller.session_id or "")
        own_account.take_consent_back(transaction, asking, client_id, context.clock.microseconds())

    context.write(work)
    return True


def _end(context: Context, chosen: Chosen) -> int:
    """Ends sessions, and has their clients hear of it once the request is done; returns how many there were."""

    def work(transaction: Transaction) -> list[Ended]:
        user_id = _own(context, transaction)
        asking = sessions.load(transaction, context.caller.session_id or "")
        mine = own_account.seen_from(asking, sessions.of_user(transaction, user_id))
        at_us = context.clock.microseconds()
        ended = own_account.end_sessions(transaction, user_id, chosen(mine), at_us)
        return [Ended(user_id, session_id) for session_id in ended]

    ended = context.write(work)
    context.ended_sessions.extend(ended)
    return len(ended)


def _own(context: Context, transaction: Transaction) -> str:
    """Returns who asks, unless an application of somebody else does so for them.

    Raises:
        ThirdPartyError: see there.
    """
    client = clients.load(transaction, context.caller.client_id)
    if client is not None and client.third_party:
        raise ThirdPartyError
    return context.user_id or ""  # the guard let nobody but a person pass

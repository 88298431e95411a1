"""Sessions: a person signed in with one browser; one cookie, whose value changes at every login and step-up."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import BindParameter, bindparam, delete, exists, select, update

from rxauth.crypto import secrets
from rxauth.domain import changes
from rxauth.domain.errors import AbsentError
from rxauth.domain.paging import Page
from rxauth.domain.pruning import BY_AGE, LEAST, Pruning
from rxauth.ids import Kind, new_id
from rxauth.storage.database import Transaction
from rxauth.storage.tables.federation import upstream_sessions
from rxauth.storage.tables.sign_in import authorization_codes, session_clients, sessions, token_families
from rxauth.storage.tenancy import insert_row, sql

DEVICE_LIMIT_CHARACTERS: Final = 200
# Long after the last of them ended, so that a browser that was used before is still known.
KEPT_S: Final = 90 * 86_400
_INSERT = insert_row(sessions)
_INSERT_CLIENT = insert_row(session_clients)
_BY_DIGEST = sql(select(*sessions.c).where(sessions.c.digest == bindparam("presented")))
_BY_ID = sql(select(*sessions.c).where(sessions.c.id == bindparam("session_id")))
_OF_USER = sql(
    select(*sessions.c)
    .where(sessions.c.user_id == bindparam("user_id"), sessions.c.ended_at.is_(None))
    .order_by(sessions.c.id.desc())
)
_LIVE_OF_USER = sql(
    select(*sessions.c)
    .where(
        sessions.c.user_id == bindparam("user_id"),
        sessions.c.ended_at.is_(None),
        sessions.c.created_at > bindparam("created_after"),
        sessions.c.last_seen_at > bindparam("seen_after"),
        sessions.c.id < bindparam("before"),
    )
    .order_by(sessions.c.id.desc())
    .limit(bindparam("rows"))
)
_TOUCH = sql(update(sessions).where(sessions.c.id == bindparam("session_id")).values(last_seen_at=bindparam("moment")))
_RENEW = sql(
    update(sessions)
    .where(sessions.c.id == bindparam("session_id"), sessions.c.ended_at.is_(None))
    .values(
        digest=bindparam("new_digest"),
        methods=bindparam("new_methods"),
        authenticated_at=bindparam("moment"),
        last_seen_at=bindparam("moment"),
    )
)
_END = sql(
    update(sessions)
    .where(
        sessions.c.id == bindparam("session_id"),
        sessions.c.user_id == bindparam("the_user_id"),
        sessions.c.ended_at.is_(None),
    )
    .values(ended_at=bindparam("moment"))
)
_END_OF_MEMBERS = sql(
    update(sessions)
    .where(
        sessions.c.user_id.in_(bindparam("user_ids", expanding=True)),
        sessions.c.ended_at.is_(None),
        (sessions.c.organization_id == bindparam("chosen")) | (sessions.c.confined_to == bindparam("chosen")),
    )
    .values(ended_at=bindparam("moment"))
    .returning(sessions.c.user_id, sessions.c.id)
)
_CHOOSE = sql(
    update(sessions)
    .where(sessions.c.id == bindparam("session_id"))
    .values(organization_id=bindparam("chosen"), last_seen_at=bindparam("moment"))
)
_STILL_NAMED = [exists().where(one.c.session_id == sessions.c.id) for one in (token_families, authorization_codes)]
FORGET: Final = Pruning(sessions, sessions.c.id, KEPT_S, *_STILL_NAMED, kind=Kind.SESSION)
_THESE: BindParameter[str] = bindparam("session_ids", expanding=True)
_FORGET_CLIENTS = sql(delete(session_clients).where(session_clients.c.session_id.in_(_THESE)))
_FORGET_UPSTREAM = sql(
    delete(upstream_sessions).where(upstream_sessions.c.session_id.in_(_THESE)), across_tenants=BY_AGE
)
_FORGET = sql(delete(sessions).where(sessions.c.id.in_(_THESE)))
_CLIENTS = sql(select(session_clients.c.client_id).where(session_clients.c.session_id == bindparam("session_id")))


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lasts, in seconds: without activity, and altogether."""

    idle_s: int
    lifetime_s: int

    def within(self, idle_s: int | None, lifetime_s: int | None) -> "Limits":
        """Returns the stricter of these limits and others; None sets none."""
        return Limits(min(self.idle_s, idle_s or self.idle_s), min(self.lifetime_s, lifetime_s or self.lifetime_s))


# What no installation exceeds; see the settings of these names.
LONGEST: Final = Limits(86_400, 2_592_000)


class Ended(NamedTuple):
    """A session that was ended, whose clients are still to hear of it."""

    user_id: str
    session_id: str


@dataclass(frozen=True, slots=True)
class Session:
    """A person signed in with one browser. authenticated_at: when the person last proved who it is.

    methods: how (RFC 8176). organization_id: the one last chosen, None before. ended_at None: it was not ended, but may
    be too old. confined_to: the only organization that it opens, whose identity provider vouched for the person; None:
    all of the person's. emergency_in: the one that it opens past the identity provider, and whose administrators were
    told so; None: none. Times: UTC seconds.
    """

    id: str
    user_id: str
    created_at: int
    last_seen_at: int
    authenticated_at: int
    methods: tuple[str, ...]
    network: str
    device: str = field(repr=False)
    organization_id: str | None
    ended_at: int | None
    confined_to: str | None = None
    emergency_in: str | None = None

    def is_live(self, limits: Limits, now: int) -> bool:
        """Tells whether the session may be used."""
        return (
            self.ended_at is None
            and now < self.last_seen_at + limits.idle_s
            and now < self.created_at + limits.lifetime_s
        )


@dataclass(frozen=True, slots=True)
class Proof:
    """What a person just proved: who it is, how, and from where.

    confined_to: the organization whose identity provider vouches for the person; None: the person proved it here.
    """

    user_id: str
    methods: tuple[str, ...]
    network: str
    device: str = field(repr=False)
    confined_to: str | None = None


def start(transaction: Transaction, proof: Proof, now: int) -> tuple[Session, str]:
    """Begins a session; returns it with the value of its cookie, which is known this once."""
    handle = secrets.new_handle()
    session = Session(
        new_id(Kind.SESSION, now * 1000),
        proof.user_id,
        now,
        now,
        now,
        proof.methods,
        proof.network,
        proof.device[:DEVICE_LIMIT_CHARACTERS],
        None,
        None,
        proof.confined_to,
    )
    transaction.run(
        _INSERT,
        id=session.id,
        user_id=session.user_id,
        digest=secrets.digest(handle),
        created_at=now,
        last_seen_at=now,
        authenticated_at=now,
        methods=" ".join(session.methods),
        network=session.network,
        device=session.device,
        organization_id=None,
        ended_at=None,
        confined_to=proof.confined_to,
        emergency_in=None,
    )
    return session, handle


def renew(transaction: Transaction, session: Session, methods: tuple[str, ...], now: int) -> str:
    """Notes that the person proved itself again, and returns the new value of the cookie; the old one is dead.

    Raises:
        AbsentError: the session ended meanwhile.
    """
    handle = secrets.new_handle()
    values = {"session_id": session.id, "new_digest": secrets.digest(handle), "new_methods": " ".join(methods)}
    if transaction.run(_RENEW, **values, moment=now) == 0:
        raise AbsentError("the session has ended")
    changes.record(transaction, changes.ChangeKind.SESSION, session.id, now)
    return handle


def find(transaction: Transaction, handle: str) -> Session | None:
    """Returns the session of a cookie, live or not, or None."""
    row = transaction.first(_BY_DIGEST, presented=secrets.digest(handle))
    return None if row is None else _session(row)


def load(transaction: Transaction, session_id: str) -> Session | None:
    """Returns a session, live or not, or None."""
    row = transaction.first(_BY_ID, session_id=session_id)
    return None if row is None else _session(row)


def of_user(transaction: Transaction, user_id: str) -> list[Session]:
    """Lists a person's sessions that were not ended, newest first."""
    return [_session(row) for row in transaction.all(_OF_USER, user_id=user_id)]


def live_of_user(transaction: Transaction, user_id: str, limits: Limits, page: Page, now: int) -> list[Session]:
    """Lists a person's sessions that may be used, newest first; limits: where an organization sets no stricter ones."""
    rows = transaction.all(
        _LIVE_OF_USER,
        user_id=user_id,
        created_after=now - limits.lifetime_s,
        seen_after=now - limits.idle_s,
        before=page.before,
        rows=page.rows,
    )
    return [_session(row) for row in rows]


def touch(transaction: Transaction, session_id: str, now: int) -> None:
    """Notes activity: the idle time begins anew."""
    transaction.run(_TOUCH, session_id=session_id, moment=now)


def choose_organization(transaction: Transaction, session_id: str, organization_id: str | None, now: int) -> None:
    """Remembers for which organization the person acts, which is activity too."""
    transaction.run(_CHOOSE, session_id=session_id, chosen=organization_id, moment=now)


def note_client(transaction: Transaction, session_id: str, client_id: str, now: int) -> None:
    """Remembers that a client was signed in to, so that it hears of the logout."""
    if client_id not in clients_of(transaction, session_id):
        transaction.run(_INSERT_CLIENT, session_id=session_id, client_id=client_id, first_at=now)


def clients_of(transaction: Transaction, session_id: str) -> list[str]:
    """Lists the clients that were signed in to in a session."""
    return [row.client_id for row in transaction.all(_CLIENTS, session_id=session_id)]


def end(transaction: Transaction, session_id: str, user_id: str, now: int) -> bool:
    """Ends a person's session, and with it its refresh and access tokens; tells whether it was still there."""
    if transaction.run(_END, session_id=session_id, the_user_id=user_id, moment=now) == 0:
        return False
    changes.record(transaction, changes.ChangeKind.SESSION, session_id, now)
    return True


def end_all(transaction: Transaction, user_id: str, now: int, *, but: str | None = None) -> list[str]:
    """Ends every session of a person, except `but`; returns those it ended."""
    mine = [session.id for session in of_user(transaction, user_id) if session.id != but]
    return [session_id for session_id in mine if end(transaction, session_id, user_id, now)]


def end_of_members(transaction: Transaction, organization_id: str, user_ids: Sequence[str], now: int) -> list[Ended]:
    """Ends the sessions in which some people act for an organization, or that open it alone; returns them."""
    rows = transaction.all(_END_OF_MEMBERS, user_ids=user_ids, chosen=organization_id, moment=now)
    ended = sorted(Ended(*row) for row in rows)
    changes.record_all(transaction, changes.ChangeKind.SESSION, [one.session_id for one in ended], now)
    return ended


def forget(transaction: Transaction, now: int) -> bool:
    """Removes some sessions that no token names any more, with their clients; tells whether there may be more."""
    session_ids = [row.id for row in transaction.all(FORGET.choose, before=FORGET.before(now))]
    if session_ids:
        transaction.run(_FORGET_CLIENTS, session_ids=session_ids)
        transaction.run(_FORGET_UPSTREAM, session_ids=session_ids)
        transaction.run(_FORGET, session_ids=session_ids)
    return len(session_ids) >= LEAST


def _session(row: Any) -> Session:
    values = dict(row._mapping)
    del values["digest"]
    return Session(**{**values, "methods": tuple(row.methods.split())})

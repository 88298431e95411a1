"""What an endpoint may use; built once, when the process starts."""

from dataclasses import dataclass, field

from rxauth.clock import Clock
from rxauth.crypto.security_module import SecurityModule
from rxauth.domain import sessions, token_families
from rxauth.domain.changes import ChangeKind, Feed, Remembered
from rxauth.domain.clients import Client, load
from rxauth.domain.memberships import Person, load_person
from rxauth.domain.sessions import Limits, Session
from rxauth.domain.token_families import Family
from rxauth.oauth.keys import Keys
from rxauth.oauth.verified import VerifiedTokens
from rxauth.storage.database import Database

# A client takes 1 kB; whoever is not remembered costs one statement. The memory of a process stays where it began.
CLIENTS_REMEMBERED = 10_000
PEOPLE_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long things live, in seconds.

    key_set_s: how long a verifier may keep the key set. sessions: where an organization sets no stricter limits.
    """

    machine_token_s: int
    key_set_s: int
    person_token_s: int
    sessions: Limits


@dataclass(frozen=True, slots=True)
class Server:
    """One authorization server. issuer ends in a slash; audience is the API that tokens are for.

    people, sessions, families: what tokens of people are judged by, remembered and kept true by the feed.
    """

    issuer: str
    audience: str
    lifetimes: Lifetimes
    clock: Clock
    database: Database
    keys: Keys
    feed: Feed
    clients: Remembered[Client]
    people: Remembered[Person]
    sessions: Remembered[Session]
    families: Remembered[Family]
    verified: VerifiedTokens
    sealing_key: bytes = field(repr=False)

    def url(self, path: str) -> str:
        """Returns the public URL of a path of this server, which never depends on the request (RFC 8414 §2)."""
        return self.issuer.rstrip("/") + path


def open_server(
    *,
    issuer: str,
    audience: str,
    lifetimes: Lifetimes,
    clock: Clock,
    database: Database,
    sealing_key: bytes,
    staleness_bound_s: float,
    module: SecurityModule | None = None,
) -> Server:
    """Puts a server together and ties what it remembers to the change feed. module: where new signing keys are made."""
    feed = Feed(database, staleness_bound_s)
    keys = Keys(database, sealing_key, module)
    clients = Remembered(database, load, CLIENTS_REMEMBERED)
    people = Remembered(database, load_person, PEOPLE_REMEMBERED)
    live_sessions = Remembered(database, sessions.load, PEOPLE_REMEMBERED)
    families = Remembered(database, token_families.load, PEOPLE_REMEMBERED)
    feed.on(ChangeKind.CLIENT, clients.forget)
    feed.on(ChangeKind.PERSON, people.forget)
    feed.on(ChangeKind.SESSION, live_sessions.forget)
    feed.on(ChangeKind.FAMILY, families.forget)
    feed.on(ChangeKind.SIGNING_KEY, lambda _key_id: keys.reload())
    return Server(
        issuer,
        audience,
        lifetimes,
        clock,
        database,
        keys,
        feed,
        clients,
        people,
        live_sessions,
        families,
        VerifiedTokens(),
        sealing_key,
    )

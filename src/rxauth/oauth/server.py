"""What an endpoint may use; built once, when the process starts."""

from dataclasses import dataclass

from rxauth.clock import Clock
from rxauth.domain.changes import ChangeKind, Feed, Remembered
from rxauth.domain.clients import Client, load
from rxauth.oauth.keys import Keys
from rxauth.oauth.verified import VerifiedTokens
from rxauth.storage.database import Database

CLIENTS_REMEMBERED = 50_000


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long things live, in seconds.

    key_set_s: how long a verifier may keep the key set.
    """

    machine_token_s: int
    key_set_s: int


@dataclass(frozen=True, slots=True)
class Server:
    """One authorization server. issuer ends in a slash; audience is the API that tokens are for."""

    issuer: str
    audience: str
    lifetimes: Lifetimes
    clock: Clock
    database: Database
    keys: Keys
    feed: Feed
    clients: Remembered[Client]
    verified: VerifiedTokens

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
) -> Server:
    """Puts a server together and ties what it remembers to the change feed."""
    feed = Feed(database, staleness_bound_s)
    keys = Keys(database, sealing_key)
    clients = Remembered(database, load, CLIENTS_REMEMBERED)
    feed.on(ChangeKind.CLIENT, clients.forget)
    feed.on(ChangeKind.SIGNING_KEY, lambda _key_id: keys.reload())
    return Server(issuer, audience, lifetimes, clock, database, keys, feed, clients, VerifiedTokens())

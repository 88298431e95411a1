"""What a grant is: it proves who asks, and never decides what they get."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rxauth.domain.audit import Act
from rxauth.domain.token_families import Family
from rxauth.oauth.client_auth import Authenticated
from rxauth.oauth.errors import OAuthError
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.scopes import PersonScope
from rxauth.oauth.server import Lifetimes, Server
from rxauth.oauth.standing import Standing
from rxauth.policy.subjects import MachineSubject
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a grant proved of a machine: for whom a token may be issued. Policy decides with what."""

    subject: MachineSubject
    subject_claim: str
    grant_claim: str
    lifetime_s: int


@dataclass(frozen=True, slots=True)
class Grant:
    """A way to a machine's token, answered from memory. app_types: the kinds of client that may use it."""

    name: str
    app_types: frozenset[str]
    authorize: Callable[[TokenRequest, Authenticated, Lifetimes], Authorization]


@dataclass(frozen=True, slots=True)
class PersonAuthorization:
    """What a grant proved of a person: in whose place, and how far, the client may act. Policy decides with what.

    refresh_token None: the client gets none. nonce None: the ID token has none.
    """

    family: Family
    standing: Standing
    scope: PersonScope
    refresh_token: str | None = field(repr=False)
    nonce: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal that leaves a mark, which must be committed. act: what is recorded of it, None if nothing is."""

    error: OAuthError
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Spending:
    """What a grant that spends something is asked, within the transaction that spends it."""

    server: Server
    transaction: Transaction
    request: TokenRequest
    client: Authenticated
    now: int


@dataclass(frozen=True, slots=True)
class SpendingGrant:
    """A way to a person's tokens, which spends a code or a refresh token in one transaction."""

    name: str
    app_types: frozenset[str]
    authorize: Callable[[Spending], PersonAuthorization | Refused]

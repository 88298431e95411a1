"""What the endpoints that clients authenticate at have in common: freshness, limits, and the count of refusals."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rxauth.domain import audit
from rxauth.domain.clients import Client
from rxauth.edge.context import Edge
from rxauth.edge.quotas import Allowance, Kind, Use
from rxauth.oauth import client_auth
from rxauth.oauth.claims import AccessClaims
from rxauth.oauth.client_auth import Authenticated, ClientNotProvenError
from rxauth.oauth.errors import InvalidClientError, OAuthError, TemporarilyUnavailableError, TooManyRequestsError
from rxauth.oauth.requests import TokenRequest

_TOO_MANY: Final = 429


class Admission:
    """Counts one request, for the client or the person who proves itself with it. allowance None: nobody did yet."""

    def __init__(self, edge: Edge) -> None:
        self._quotas = edge.quotas
        self.allowance: Allowance | None = None

    def client(self, client: Client) -> None:
        """Counts it for an organization's machine.

        Raises:
            QuotaUsedUpError: see there.
        """
        uses = ((Kind.CLIENT, client.id), (Kind.MACHINES, client.organization_id))
        self.allowance = self._quotas.use(*uses)

    def person(self, user_id: str, organization_id: str | None) -> None:
        """Counts it for a person, and the organization that it acts for.

        Raises:
            QuotaUsedUpError: see there.
        """
        self.allowance = self._quotas.use(*uses_of_person(user_id, organization_id))

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Returns the headers that say what is left."""
        return [] if self.allowance is None else self.allowance.headers()


def uses_of(claims: AccessClaims) -> tuple[Use, ...]:
    """Returns the quotas that a request with a token counts towards."""
    if not claims.is_machine():
        return uses_of_person(claims.sub, claims.org_id)
    return (Kind.CLIENT, claims.client_id), (Kind.MACHINES, claims.org_id or "")


def uses_of_person(user_id: str, organization_id: str | None) -> tuple[Use, ...]:
    """Returns the quotas that a person's request counts towards."""
    mine = (Kind.PERSON, user_id)
    return (mine,) if organization_id is None else (mine, (Kind.PEOPLE, organization_id))


def require_fresh(edge: Edge) -> None:
    """Checks that nothing of what this process remembers can have been revoked unheard.

    Raises:
        TemporarilyUnavailableError: it may have been.
    """
    if not edge.server.feed.is_fresh():
        raise TemporarilyUnavailableError("The server has not heard from its database for too long. Try again.")


def require_patience(edge: Edge, asked: TokenRequest) -> None:
    """Checks that a request may be answered now.

    Raises:
        TemporarilyUnavailableError: see `require_fresh`. TooManyRequestsError: too many failures came from there.
    """
    require_fresh(edge)
    wait_s = edge.limiter.wait_s(asked.network, client_auth.claimed_client(asked))
    if wait_s:
        raise TooManyRequestsError("Too many failed attempts from this network. Try again later.", wait_s)


async def proven(edge: Edge, asked: TokenRequest, *, needs_secret: bool) -> Authenticated:
    """Authenticates a client: from memory, and if that does not prove it, as it is in the database.

    Raises:
        ClientNotProvenError, OAuthError: see there.
    """
    claim = client_auth.presented(asked, needs_secret=needs_secret)
    client = client_auth.remembered(edge.server, claim)
    if client is None:
        client = client_auth.proven(edge.server, claim, await edge.client_reads.read(claim.client_id))
    return client


def count_unproven(edge: Edge, network: str) -> None:
    """Counts a request with which nobody proved itself.

    Raises:
        QuotaUsedUpError: see there.
    """
    edge.quotas.use((Kind.NETWORK, network))


@contextmanager
def noted(edge: Edge, asked: TokenRequest) -> Iterator[None]:
    """Counts every refusal that the block raises, and raises it in the standard's terms."""
    try:
        yield
    except ClientNotProvenError as error:
        _note(edge, asked, error.error)
        count_unproven(edge, asked.network)
        raise error.error from None
    except OAuthError as error:
        _note(edge, asked, error)
        if error.client_id is None and error.status < _TOO_MANY:
            count_unproven(edge, asked.network)
        raise


def _note(edge: Edge, asked: TokenRequest, error: OAuthError) -> None:
    """Counts a refusal, in the log of the organization whose client was named, if there is one."""
    edge.metrics.clients_refused.add(error.code)
    if isinstance(error, InvalidClientError):
        edge.limiter.count_failure(asked.network, client_auth.claimed_client(asked))
    actor = audit.ANONYMOUS if error.client_id is None else audit.Actor("client", error.client_id)
    edge.refusals.note(
        audit.Act(
            audit.Event.TOKEN_REFUSED,
            actor,
            organization_id=error.organization_id,
            reason=error.code,
            network=asked.network,
            request_id=asked.request_id,
        )
    )

"""What the endpoints that clients authenticate at have in common: freshness, limits, and the count of refusals."""

from collections.abc import Iterator
from contextlib import contextmanager

from rxauth.domain import audit
from rxauth.edge.context import Edge
from rxauth.oauth import client_auth
from rxauth.oauth.client_auth import ClientNotProvenError
from rxauth.oauth.errors import InvalidClientError, OAuthError, TemporarilyUnavailableError, TooManyRequestsError
from rxauth.oauth.requests import TokenRequest


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


@contextmanager
def noted(edge: Edge, asked: TokenRequest) -> Iterator[None]:
    """Counts every refusal that the block raises, and raises it in the standard's terms."""
    try:
        yield
    except ClientNotProvenError as error:
        _note(edge, asked, error.error)
        raise error.error from None
    except OAuthError as error:
        _note(edge, asked, error)
        raise


def _note(edge: Edge, asked: TokenRequest, error: OAuthError) -> None:
    """Counts a refusal, in the log of the organization whose client was named, if there is one."""
    edge.metrics.clients_refused.labels(error.code).inc()
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

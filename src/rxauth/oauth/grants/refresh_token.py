"""The refresh token grant: the next tokens of an authorization, for as long as its session lives (RFC 6749 §6)."""

from typing import Final

from rxauth.domain import sessions, token_families
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.peoples_clients import PEOPLES
from rxauth.domain.token_families import Family, Refusal
from rxauth.oauth import scopes, standing
from rxauth.oauth.errors import InvalidGrantError, InvalidRequestError, InvalidTargetError
from rxauth.oauth.grant import PersonAuthorization, Refused, Spending, SpendingGrant

# The published clients look for "invalid refresh token", and then ask for a new sign-in without bothering anybody.
_TOLD: Final = "Unknown or invalid refresh token."


def _authorize(asked: Spending) -> PersonAuthorization | Refused:
    """Changes the token for its successor; what is refused otherwise is raised, and leaves the token as it was."""
    parameters, client, server = asked.request.parameters, asked.client.client, asked.server
    presented = parameters.get("refresh_token")
    if presented is None:
        raise InvalidRequestError("refresh_token is missing.")
    if not presented.isascii():
        raise InvalidGrantError(_TOLD)
    rotated = token_families.rotate(asked.transaction, presented, server.sealing_key, asked.now)
    if rotated is Refusal.REUSED:
        return Refused(InvalidGrantError(_TOLD), _reused(asked, presented))
    if isinstance(rotated, Refusal):
        raise InvalidGrantError(_TOLD)
    family, successor = rotated
    if family.client_id != client.id:
        raise InvalidGrantError(_TOLD)  # the token stays good for its owner
    found = standing.read(
        asked.transaction, client, family, server.lifetimes.sessions, authorized_at=family.created_at, now=asked.now
    )
    if found is None:
        raise InvalidGrantError(_TOLD)
    _require_same_audience(asked, family)
    agreed = scopes.of_person(family.scope, third_party=client.third_party)
    scope = scopes.narrowed(agreed, family.scope, scopes.names(parameters.get("scope")))
    sessions.touch(asked.transaction, found.session.id, asked.now)
    # OpenID Connect Core §12.2: the ID token of a refresh has no nonce.
    return PersonAuthorization(family, found, scope, successor, None)


def _require_same_audience(asked: Spending, family: Family) -> None:
    parameters = asked.request.parameters
    wanted = {parameters[name] for name in ("audience", "resource") if name in parameters}
    if wanted - {family.audience}:
        raise InvalidTargetError("The person signed in for another audience; sign in again for this one.")


def _reused(asked: Spending, presented: str) -> Act:
    return Act(
        Event.REFRESH_TOKEN_REUSED,
        Actor("client", asked.client.client.id),
        target=token_families.family_of(presented),
        reason="invalid_grant",
        network=asked.request.network,
        request_id=asked.request.request_id,
    )


GRANT: Final = SpendingGrant("refresh_token", PEOPLES, _authorize)

"""The authorization code grant: a person's sign-in, fetched by the client that it was for (RFC 6749 §4.1.3)."""

import re
from typing import Final

from rxauth.domain import authorization_codes, token_families
from rxauth.domain.audit import Act, Actor, Event
from rxauth.domain.authorization_codes import Code
from rxauth.domain.peoples_clients import PEOPLES
from rxauth.oauth import pkce, scopes, standing
from rxauth.oauth.errors import InvalidGrantError, InvalidRequestError
from rxauth.oauth.grant import PersonAuthorization, Refused, Spending, SpendingGrant
from rxauth.oauth.scopes import OFFLINE_ACCESS
from rxauth.oauth.standing import Standing

_WRITTEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_TOLD: Final = (
    "Unknown or invalid authorization code: it was used, is older than 60 seconds, or does not belong to this client, "
    "redirect_uri and code_verifier, or the sign-in that it came from has ended."
)


def _authorize(asked: Spending) -> PersonAuthorization | Refused:
    """Uses the code up first, so that whatever is wrong with the request, nobody can try it again."""
    presented = asked.request.parameters.get("code")
    if presented is None:
        raise InvalidRequestError("code is missing.")
    code = None
    if _WRITTEN.fullmatch(presented) is not None:
        code = authorization_codes.spend(asked.transaction, presented, asked.now)
    if code is None:
        return Refused(InvalidGrantError(_TOLD))
    if not code.is_first_use:
        return _used_again(asked, code)
    found = _held(asked, code)
    if found is None:
        return Refused(InvalidGrantError(_TOLD))
    agreed = scopes.of_person(code.authorized.scope, third_party=asked.client.client.third_party)
    sealing_key = asked.server.sealing_key if OFFLINE_ACCESS in agreed.identity else None
    family, refresh_token = token_families.begin(asked.transaction, code, sealing_key, asked.now)
    return PersonAuthorization(family, found, agreed, refresh_token, code.authorized.nonce)


def _held(asked: Spending, code: Code) -> Standing | None:
    """Returns who the code speaks for, if the request is the one that it was made for."""
    parameters, authorized = asked.request.parameters, code.authorized
    if code.is_expired(asked.now) or authorized.client_id != asked.client.client.id:
        return None
    if parameters.get("redirect_uri") != authorized.redirect_uri:
        return None
    if not pkce.fits(parameters.get("code_verifier"), authorized.code_challenge):
        return None
    limits = asked.server.lifetimes.sessions
    return standing.read(
        asked.transaction, asked.client.client, authorized, limits, authorized_at=code.created_at, now=asked.now
    )


def _used_again(asked: Spending, code: Code) -> Refused:
    """Ends what the first use gave: one of the two was not the client (RFC 6749 §4.1.2)."""
    act = None
    if token_families.revoke(asked.transaction, code.family_id, asked.now):
        act = Act(
            Event.CODE_REUSED,
            Actor("client", asked.client.client.id),
            organization_id=code.authorized.organization_id,
            target=code.family_id,
            reason="invalid_grant",
            network=asked.request.network,
            request_id=asked.request.request_id,
        )
    return Refused(InvalidGrantError(_TOLD), act)


GRANT: Final = SpendingGrant("authorization_code", PEOPLES, _authorize)

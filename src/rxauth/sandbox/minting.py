"""A token of somebody in the sandbox, without a browser: its sign-in is written down, the real grant does the rest."""

import base64
import hashlib
import secrets
from typing import Final

from rxauth.domain import audiences, authorization_codes, installation, memberships, sessions, users
from rxauth.domain.authorization_codes import Authorized
from rxauth.domain.client_urls import UrlKind
from rxauth.domain.clients import Client
from rxauth.domain.sessions import Proof
from rxauth.domain.users import User
from rxauth.oauth import client_auth
from rxauth.oauth.endpoints import token
from rxauth.oauth.grant import SpendingGrant
from rxauth.oauth.requests import TokenRequest
from rxauth.oauth.server import Server
from rxauth.policy.assurance import ONE_TIME_CODE, PASSWORD
from rxauth.sandbox import people
from rxauth.storage.database import Transaction

_SCOPE: Final = "openid profile email"
_NETWORK: Final = "127.0.0.1"


class MintError(Exception):
    """There is no such token to be had; str() says why, and what there is."""


def mint(server: Server, who: str, scope: str | None = None, audience: str | None = None) -> str:
    """Returns an access token of a person, as signing in with two factors gives it; what it may do, policy decides.

    who: an e-mail address, or the role of one of the sandbox's own people (`prescriber`). scope: permissions to ask
    for; None: all that the person holds. audience: the API that it is for; None: the server's own.

    Raises:
        MintError: this is no sandbox, or nobody there is called so, or their organization has no such API.
    """
    verifier = secrets.token_urlsafe(48)
    parameters = server.database.write(
        lambda tx: _sign_in(server, tx, who, scope=scope, audience=audience, verifier=verifier)
    )
    grant = token.grant_of(request := TokenRequest(parameters, None, _NETWORK, "minted"))
    assert isinstance(grant, SpendingGrant)  # noqa: S101  # a code is spent
    claim = client_auth.presented(request, needs_secret=False)
    client = client_auth.proven(server, claim, server.clients.fetch(claim.client_id))
    return token.spend(server, request, client, grant, lambda *_: None).access.text


def _sign_in(
    server: Server, transaction: Transaction, who: str, *, scope: str | None, audience: str | None, verifier: str
) -> dict[str, str]:
    """Writes a sign-in down; returns the request for its token."""
    if not installation.is_sandbox(transaction):
        raise MintError("this installation is no sandbox, and only there are tokens to be had without signing in")
    client_id, user = people.browser_client(transaction), _person(transaction, who)
    client = None if client_id is None else server.clients.fetch_within(transaction, client_id)
    if client is None:
        raise MintError("the sandbox has no people yet: start it once with `rxauth sandbox`")
    now = server.clock.seconds()
    session, _ = sessions.start(transaction, Proof(user.id, (PASSWORD, ONE_TIME_CODE), _NETWORK, "rxauth token"), now)
    organization_id = _organization(transaction, user, client)
    _require_audience(server, transaction, audience, organization_id)
    asked = f"{_SCOPE} {scope or ''}".strip()
    authorized = Authorized(
        client_id=client.id,
        user_id=user.id,
        session_id=session.id,
        organization_id=organization_id,
        redirect_uri=min(client.urls[UrlKind.CALLBACK]),
        code_challenge=_challenge(verifier),
        audience=audience or server.audience,
        scope=asked,
        nonce=None,
    )
    return {
        "grant_type": "authorization_code",
        "client_id": client.id,
        "code": authorization_codes.issue(transaction, authorized, now),
        "code_verifier": verifier,
        "redirect_uri": authorized.redirect_uri,
    }


def _person(transaction: Transaction, who: str) -> User:
    named = {one.role.lower().replace(" ", "-"): one.email for one in people.PEOPLE}
    found = users.find_by_email(transaction, named.get(who.lower(), who))
    if found is None:
        raise MintError(f"there is nobody called {who}: give an e-mail address, or one of {', '.join(named)}")
    return found


def _organization(transaction: Transaction, user: User, client: Client) -> str | None:
    """Returns the sandbox's own organization if the person works for it, else the first of theirs."""
    mine = [one.organization_id for one in memberships.of_person(transaction, user.id)]
    return client.organization_id if client.organization_id in mine else next(iter(mine), None)


def _require_audience(
    server: Server, transaction: Transaction, audience: str | None, organization_id: str | None
) -> None:
    if audience in {None, server.audience}:
        return
    if organization_id is None or audiences.find(transaction, organization_id, audience or "") is None:
        raise MintError(f"the organization has no API {audience}: register it with `rxauth audiences add`")


def _challenge(verifier: str) -> str:
    """Returns the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()

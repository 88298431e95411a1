"""The authorization endpoint: a person lets a client act for it; the answer is a code (RFC 6749 §4.1, RFC 9700).

Everything here runs in one transaction: what was decided from what was read is what is written.
"""

from dataclasses import dataclass, field

import msgspec

from rxauth.crypto import secrets
from rxauth.domain import audiences, authorization_codes, connections, invites, sessions, sign_ins
from rxauth.domain.authorization_codes import Authorized
from rxauth.domain.clients import Client
from rxauth.domain.errors import InvalidError
from rxauth.domain.sessions import Session
from rxauth.oauth import authorization_request as messages
from rxauth.oauth import id_token_hints
from rxauth.oauth.authorization_request import AuthorizationRequest, AuthorizationResponse
from rxauth.oauth.browser import Browser, client_of, look
from rxauth.oauth.endpoints import authorize_checks as checks
from rxauth.oauth.endpoints.authorize_checks import Asked
from rxauth.oauth.errors import (
    AccessDeniedError,
    InteractionRequiredError,
    InvalidRequestError,
    InvalidTargetError,
    OAuthError,
)
from rxauth.oauth.server import Server
from rxauth.oauth.standing import serves
from rxauth.oauth.step_kinds import Deny, Finish
from rxauth.oauth.steps import NOTHING_YET, as_error, next_step
from rxauth.storage.database import Transaction


@dataclass(frozen=True, slots=True)
class Waiting:
    """A person is needed: the sign-in that waits for it, and the handle of its browser.

    invitation: what must be accepted first, as its letter has it; None: nothing.
    """

    sign_in_id: str
    handle: str = field(repr=False)
    invitation: str | None = field(default=None, repr=False)


def answer(server: Server, transaction: Transaction, asked: Asked, browser: Browser) -> AuthorizationResponse | Waiting:
    """Answers an authorization request at once if nobody is needed, or begins a sign-in.

    Raises:
        PageError: the client cannot be answered at all.
    """
    now = server.clock.seconds()
    client = client_of(server, transaction, checks.client_id(asked))
    redirect_uri = checks.redirect_uri(asked, client)
    assert client is not None  # noqa: S101  # the check above refused None
    try:
        request = _with_hint(server, checks.checked(asked, client, redirect_uri), asked)
        request = _with_connection(transaction, request, client, asked.one("connection"))
        if request.invitation is not None:
            return _invited(server, transaction, request, request.invitation, browser)
        found = look(server, transaction, browser.handle, client)
        step = next_step(request, client, NOTHING_YET, found, now)
        if isinstance(step, Finish) and found.session is not None:
            return complete(server, transaction, request, found.session, step)
    except OAuthError as error:
        return messages.failure(checks.answerable(asked, redirect_uri), error, server.issuer)
    needed = as_error(step)
    if needed is not None and (request.is_silent or isinstance(step, Deny)):
        return messages.failure(request, needed, server.issuer)
    handle = browser.handle or secrets.new_handle()
    begun = sign_ins.begin(transaction, secrets.digest(handle), msgspec.json.encode(request).decode(), now)
    return Waiting(begun.id, handle)


def complete(
    server: Server, transaction: Transaction, request: AuthorizationRequest, session: Session, proven: Finish
) -> AuthorizationResponse:
    """Makes the code, and notes the activity of the session.

    Raises:
        OAuthError: the audience is not registered, or the challenge was used before.
    """
    now, organization_id = server.clock.seconds(), proven.organization_id
    _require_audience(server, transaction, request.audience, organization_id)
    authorized = Authorized(
        client_id=request.client_id,
        user_id=session.user_id,
        session_id=session.id,
        organization_id=organization_id,
        redirect_uri=request.redirect_uri,
        code_challenge=request.code_challenge,
        audience=request.audience,
        scope=request.scope,
        nonce=request.nonce,
    )
    try:
        code = authorization_codes.issue(transaction, authorized, now)
    except InvalidError as error:
        raise InvalidRequestError(f"{error}.") from None
    sessions.choose_organization(transaction, session.id, organization_id or session.organization_id, now)
    sessions.note_client(transaction, session.id, request.client_id, now)
    return messages.success(request, code, server.issuer)


def _invited(
    server: Server, transaction: Transaction, request: AuthorizationRequest, invitation: str, browser: Browser
) -> Waiting:
    """Has an invite accepted before the sign-in goes on, which is then for its organization."""
    now = server.clock.seconds()
    invite = invites.find(transaction, invitation, now)
    if invite is None:
        raise AccessDeniedError("The invitation was not found or already used.")
    if request.is_silent:
        raise InteractionRequiredError("The person must accept the invitation first.")
    # The invitation itself is not kept: it opens something.
    rest = msgspec.structs.replace(request, invitation=None, organization=invite.organization_id)
    handle = browser.handle or secrets.new_handle()
    begun = sign_ins.begin(transaction, secrets.digest(handle), msgspec.json.encode(rest).decode(), now)
    return Waiting(begun.id, handle, invitation)


def _require_audience(
    server: Server, transaction: Transaction, audience: str | None, organization_id: str | None
) -> None:
    if audience in {None, server.audience}:
        return
    if organization_id is None or audiences.find(transaction, organization_id, audience or "") is None:
        raise InvalidTargetError("The audience is not one that the organization registered here.")


def _with_connection(
    transaction: Transaction, request: AuthorizationRequest, client: Client, name: str | None
) -> AuthorizationRequest:
    """Finds the identity provider that a client names.

    Raises:
        InvalidRequestError: there is none of this name that may be used. AccessDeniedError: it is of an organization
        that the client does not serve, or of another one than the client asks for.
    """
    if name is None:
        return request
    connection = connections.named(transaction, name)
    if connection is None or connection.disabled_at is not None:
        raise InvalidRequestError("connection: no connection of this name can be used here.")
    wanted = request.organization or ""
    is_other = wanted.startswith("org_") and wanted != connection.organization_id
    if is_other or not serves(client, connection.organization_id):
        raise AccessDeniedError("connection: it belongs to an organization that is not the one to sign in to here.")
    return msgspec.structs.replace(request, connection_id=connection.id)


def _with_hint(server: Server, request: AuthorizationRequest, asked: Asked) -> AuthorizationRequest:
    hint = asked.one("id_token_hint")
    if hint is None:
        return request
    return msgspec.structs.replace(request, hinted_user_id=id_token_hints.user_of(server, hint, request.client_id))

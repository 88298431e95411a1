"""SCIM over HTTP: the token first, then the body, in worker threads (RFC 7644)."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from rxauth.domain import audit, scim_tokens
from rxauth.domain.administrators import LastAdministratorError
from rxauth.domain.audit import Actor
from rxauth.domain.errors import InvalidError
from rxauth.domain.mails import Outbox
from rxauth.domain.scim_accounts import Telling
from rxauth.domain.scim_tokens import ScimToken
from rxauth.edge.client_calls import count_unproven
from rxauth.edge.context import Edge
from rxauth.edge.errors import UnsupportedMediaTypeError, as_oauth_error, challenge, retry_after
from rxauth.edge.quotas import Allowance, Kind
from rxauth.edge.requests import Request, bearer
from rxauth.edge.responses import Answer, encode
from rxauth.oauth.errors import InvalidTokenError
from rxauth.scim import errors
from rxauth.scim.endpoints import Work, is_reading
from rxauth.scim.requests import Asked, Desk, Given, refused_value
from rxauth.storage.database import ConflictError, Origin, Transaction, UnacceptableValueError

PATH: Final = "/scim/v2"
FIELDS_LIMIT: Final = 20
_MEDIA_TYPES: Final = frozenset({"application/scim+json", "application/json"})
_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
_TYPE: Final = (b"content-type", b"application/scim+json")
_HEADERS: Final = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))
_UNPROVEN: Final = "invalid_scim_token"


async def ask(edge: Edge, request: Request, *, path: str, methods: Mapping[str, Work]) -> Answer:
    """Answers a request; the token is judged before a byte of the body is read. methods: what each does there."""
    try:
        token, allowance = await edge.in_thread(_admit, edge, bearer(request))
    except errors.UnprovenError:
        _note(edge, request)
        count_unproven(edge, request.network)
        raise
    work = methods.get(request.method)
    if work is None:
        raise errors.MethodError(*methods) if methods else errors.NotFoundError
    asked = Asked(
        request.part("id") if "id" in request.parts else "",
        _query(request),
        await _body(request) if request.method in _WITH_BODY else None,
        request.header(b"if-match"),
        request.header(b"if-none-match"),
    )
    serve = _read if is_reading(path, request.method) else _write
    given = await edge.in_api_thread(serve, edge, request, token, work, asked, is_of_machine=True)
    for one in given.ended:
        await edge.tell_clients(one.user_id, [one.session_id])
    answer = _answer(given)
    answer.headers += allowance.headers()
    return answer


def refused(error: Exception, request_id: str) -> Answer:
    """Answers a failed request (RFC 7644 §3.12)."""
    known = _meaning(error)
    headers: list[tuple[bytes, bytes]] = []
    if known is None:
        other = as_oauth_error(error, request_id)
        headers += retry_after(other)
        known = errors.ScimError(other.description)
        known.status = other.status
    if known.status == 401:
        headers.append(challenge(InvalidTokenError("The token is not one that works.")))
    if isinstance(known, errors.MethodError):
        headers.append((b"allow", ", ".join(known.allowed).encode()))
    return Answer(known.status, encode(known.body()), [_TYPE, *_HEADERS, *headers])


def _meaning(error: Exception) -> errors.ScimError | None:
    """Returns what an exception means to a SCIM client; None: it means the same to every client."""
    if isinstance(error, errors.ScimError):
        return error
    if isinstance(error, LastAdministratorError):
        told = "This is the organization's only administrator: make somebody else one first, and then try again."
        return errors.RefusedError(told)
    if isinstance(error, InvalidError):
        return errors.InvalidValueError(refused_value(error))
    if isinstance(error, UnacceptableValueError):
        return errors.InvalidValueError("A text has characters that no text has, such as a NUL.")
    if isinstance(error, ConflictError):
        return errors.RefusedError("Somebody changed the same at the same moment: try again.")
    return None


def _admit(edge: Edge, text: str | None) -> tuple[ScimToken, Allowance]:
    """Returns whose token it is, and counts the request for the organization."""
    now = edge.server.clock.seconds()
    token = None if text is None else edge.server.database.read(lambda tx: scim_tokens.bearer(tx, text, now))
    if token is None:
        raise errors.UnprovenError
    return token, edge.quotas.use((Kind.PROVISIONING, token.organization_id))


def _read(edge: Edge, _request: Request, token: ScimToken, work: Work, asked: Asked) -> Given:
    desk, owner, database = _desk(edge, token), token.organization_id, edge.server.database
    given = database.read(lambda tx: work(tx, desk, asked), organization_id=owner)
    if scim_tokens.is_use_due(token, desk.telling.now):
        database.write(lambda tx: scim_tokens.note_use(tx, token, desk.telling.now), organization_id=owner)
    return given


def _write(edge: Edge, request: Request, token: ScimToken, work: Work, asked: Asked) -> Given:
    desk = _desk(edge, token)

    def write(transaction: Transaction) -> Given:
        given = work(transaction, desk, asked)
        if scim_tokens.is_use_due(token, desk.telling.now):
            scim_tokens.note_use(transaction, token, desk.telling.now)
        return given

    origin = Origin(request.network, request.request_id)
    return edge.server.database.write(write, origin, organization_id=token.organization_id)


def _desk(edge: Edge, token: ScimToken) -> Desk:
    now_ms, issuer = edge.server.clock.milliseconds(), edge.server.issuer
    telling = Telling(Outbox(issuer, edge.server.sealing_key), Actor("scim", token.id), now_ms // 1000)
    return Desk(token.organization_id, f"{issuer.rstrip('/')}{PATH}", telling, now_ms)


def _answer(given: Given) -> Answer:
    headers = [*_HEADERS] if given.body is None else [_TYPE, *_HEADERS]
    if given.location is not None:
        headers.append((b"location", given.location.encode()))
    if given.version is not None:
        headers.append((b"etag", given.version.encode()))
    return Answer(given.status, b"" if given.body is None else encode(given.body), headers)


def _query(request: Request) -> dict[str, str]:
    try:
        written = request.query.decode("ascii")
        pairs = parse_qsl(written, keep_blank_values=True, max_num_fields=FIELDS_LIMIT, errors="strict")
    except ValueError:
        raise errors.InvalidSyntaxError("The URL's parameters are no text, or too many.") from None
    query = dict(pairs)
    if len(query) < len(pairs):
        raise errors.InvalidSyntaxError("A parameter is repeated.")
    return query


async def _body(request: Request) -> Any:
    if request.media_type() not in _MEDIA_TYPES:
        raise UnsupportedMediaTypeError
    body = await request.body()
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        raise errors.InvalidSyntaxError("The body is not JSON.") from None


def _note(edge: Edge, request: Request) -> None:
    edge.refusals.note(
        audit.Act(
            audit.Event.REQUEST_REFUSED,
            audit.ANONYMOUS,
            reason=_UNPROVEN,
            network=request.network,
            request_id=request.request_id,
        )
    )

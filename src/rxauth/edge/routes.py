"""The URL table: every path, method and function on one page."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final

from starlette.routing import Route, Router
from starlette.types import Receive, Scope, Send

from rxauth.domain.clients import Client
from rxauth.domain.known_browsers import number_of
from rxauth.edge import (
    account,
    authorize,
    branding,
    cors,
    graphql,
    identity,
    invitations,
    links,
    logout,
    mail_page,
    openapi,
    pages,
    pharmacy_reports,
    readiness,
    scim,
    sign_in,
    token,
    well_known,
)
from rxauth.edge.addresses import AUTHORIZE_PATH, MAIL_PATH, SETTINGS_PATH, SIGN_IN_PATH
from rxauth.edge.admin import serving as console_pages
from rxauth.edge.admin.table import PAGES as CONSOLE
from rxauth.edge.connections import Guarded
from rxauth.edge.context import Edge
from rxauth.edge.cookies import kept_of
from rxauth.edge.endpoint_classes import CLIENT_GONE, NONE, class_of
from rxauth.edge.errors import DisconnectedError, api_answer, bearer_answer, token_endpoint_answer
from rxauth.edge.fixed_paths import by_path
from rxauth.edge.metrics import EndpointCount
from rxauth.edge.page_errors import page_answer
from rxauth.edge.proxies import REQUEST_ID
from rxauth.edge.quotas import Kind, Use
from rxauth.edge.requests import Request
from rxauth.edge.responses import Answer, json_answer, nothing_here
from rxauth.edge.settings import activity_export, entrance, frame
from rxauth.edge.settings import serving as settings_pages
from rxauth.edge.settings.activity import PATH as ACTIVITY_PATH
from rxauth.edge.settings.sections import Section
from rxauth.edge.settings.table import NOTICES, SECTIONS
from rxauth.edge.sso.table import PLACES
from rxauth.edge.strict_transport import over_https_only
from rxauth.oauth.endpoints.discovery import (
    END_SESSION_PATH,
    INTROSPECT_PATH,
    KEY_SET_PATH,
    REVOKE_PATH,
    TOKEN_PATH,
)
from rxauth.oauth.errors import TemporarilyUnavailableError
from rxauth.oauth.person_tokens import USERINFO_PATH
from rxauth.scim.endpoints import ENDPOINTS, Work
from rxauth.storage.database import DatabaseUnavailableError

Handle = Callable[[Edge, Request], Awaitable[Answer]]
OnError = Callable[[Exception, str], Answer]
GRAPHQL_PATH: Final = "/graphql"
V2_LOGOUT_PATH: Final = "/v2/logout"
METADATA_PATH: Final = "/.well-known/oauth-authorization-server"
_READ: Final = ("GET", "HEAD")
_BUSY: Final = TemporarilyUnavailableError("The server is asked more than it can answer. Nothing was done; try again.")


def table(edge: Edge) -> list[Route]:
    """Lists every route."""
    routes = [*_of_programs(edge), *_of_people(edge)]
    for route in routes:
        if isinstance(route.endpoint, _Endpoint):
            route.endpoint.count = edge.metrics.endpoint(class_of(route.path))
            route.app = route.app if edge.traces is None else edge.traces.endpoint(route.path, route.app)
    return routes


def _of_programs(edge: Edge) -> list[Route]:
    return [
        Route(TOKEN_PATH, _Endpoint(edge, ("POST",), token.exchange, token_endpoint_answer, is_shared=True)),
        Route(GRAPHQL_PATH, _Endpoint(edge, ("POST",), graphql.execute, api_answer, is_shared=True)),
        Route(REVOKE_PATH, _Endpoint(edge, ("POST",), identity.revoke, token_endpoint_answer, is_shared=True)),
        Route(INTROSPECT_PATH, _Endpoint(edge, ("POST",), identity.introspect, token_endpoint_answer)),
        Route(USERINFO_PATH, _Endpoint(edge, ("GET", "POST"), identity.userinfo, bearer_answer, is_shared=True)),
        Route(V2_LOGOUT_PATH, _Endpoint(edge, ("GET",), logout.at_once, page_answer, is_open=True)),
        Route(END_SESSION_PATH, _Endpoint(edge, ("GET", "POST"), logout.ask, page_answer, is_open=True)),
        Route(logout.CONFIRM_PATH, _Endpoint(edge, ("POST",), logout.confirm, page_answer, is_open=True)),
        Route(KEY_SET_PATH, _Endpoint(edge, _READ, well_known.key_set, token_endpoint_answer, is_open=True)),
        Route(
            "/.well-known/openid-configuration",
            _Endpoint(edge, _READ, well_known.metadata, token_endpoint_answer, is_open=True),
        ),
        Route(METADATA_PATH, _Endpoint(edge, _READ, well_known.metadata, token_endpoint_answer, is_open=True)),
        Route(openapi.PATH, _Endpoint(edge, _READ, openapi.show, token_endpoint_answer, is_open=True)),
        Route(pharmacy_reports.PATH, _Endpoint(edge, ("POST",), pharmacy_reports.hear, pharmacy_reports.answer)),
        *[_provisioning(edge, path, methods) for path, methods in (*ENDPOINTS.items(), ("/{rest:path}", {}))],
        Route(readiness.LIVE_PATH, _Endpoint(edge, _READ, readiness.live, token_endpoint_answer)),
        Route(readiness.PATH, _Endpoint(edge, _READ, readiness.show, token_endpoint_answer)),
        Route(branding.ACCENT, _Endpoint(edge, _READ, branding.accent, token_endpoint_answer, is_open=True)),
        Route(branding.LOGO, _Endpoint(edge, _READ, branding.logo, token_endpoint_answer, is_open=True)),
        Route(pages.STATIC_PATH, _Endpoint(edge, _READ, pages.static, token_endpoint_answer)),
    ]


def _of_people(edge: Edge) -> list[Route]:
    return [
        _page(edge, AUTHORIZE_PATH, authorize.ask, authorize.ask),
        *[_page(edge, tab.path, partial(account.show, tab=tab), partial(account.act, tab=tab)) for tab in account.TABS],
        Route("/", _Endpoint(edge, _READ, entrance.front, page_answer, is_open=True)),
        _page(edge, SETTINGS_PATH, entrance.first, entrance.first),
        _page(edge, frame.PROFILE_PATH, settings_pages.profile, settings_pages.profile),
        _page(edge, frame.SWITCH_PATH, entrance.choose, entrance.choose),
        *[
            Route(
                f"{ACTIVITY_PATH}/export.{name}",
                _Endpoint(edge, ("GET",), partial(activity_export.export, name=name), page_answer, is_open=True),
            )
            for name in activity_export.FORMS
        ],
        *[_page(edge, one.path, *_shown_and_done(one)) for one in SECTIONS],
        *[
            Route(one.path, _Endpoint(edge, None, partial(console_pages.answer, page=one), page_answer, is_open=True))
            for one in CONSOLE
        ],
        _page(edge, links.RESET, links.show_reset, links.act_reset),
        _page(edge, links.EMAIL, links.show_email, links.act_email),
        _page(edge, invitations.PATH, invitations.show, invitations.act),
        Route(MAIL_PATH, _Endpoint(edge, _READ, mail_page.show, page_answer, is_open=True)),
        _page(edge, f"{SIGN_IN_PATH}/{{sign_in_id}}", sign_in.show, sign_in.act),
        *[Route(path, _Endpoint(edge, methods, handle, page_answer, is_open=True)) for path, methods, handle in PLACES],
    ]


def _provisioning(edge: Edge, path: str, methods: Mapping[str, Work]) -> Route:
    """Returns the route of a path of SCIM; the last of them, which takes no method, is of all others."""
    handle = partial(scim.ask, path=path, methods=methods)
    return Route(f"{scim.PATH}{path}", _Endpoint(edge, None, handle, scim.refused))


def application(edge: Edge) -> Guarded:
    """Returns the ASGI application."""

    @asynccontextmanager
    async def lifespan(_router: Router) -> AsyncIterator[None]:
        edge.server.feed.start()
        edge.start()
        yield
        await edge.close()
        edge.server.feed.stop()
        edge.server.database.close()

    answer = by_path(table(edge), _Nothing(edge), lifespan)
    app = over_https_only(answer) if edge.server.issuer.startswith("https:") else answer
    edge.door.tokens.say(token_endpoint_answer(_BUSY, ""))
    edge.door.api.say(api_answer(_BUSY, ""))
    edge.door.pages.say(page_answer(_BUSY, ""))
    return Guarded(app, edge.door, edge.connections)


def _shown_and_done(section: Section) -> tuple[Handle, Handle]:
    """Returns what shows a settings page, and what does what its forms ask for."""
    return (
        partial(settings_pages.show, section=section, notices=NOTICES),
        partial(settings_pages.act, section=section),
    )


def _page(edge: Edge, path: str, show: Handle, act: Handle) -> Route:
    """Returns the route of a page: reading it shows something, and its form does something."""

    async def handle(of_edge: Edge, request: Request) -> Answer:
        return await (act if request.method == "POST" else show)(of_edge, request)

    return Route(path, _Endpoint(edge, (*_READ, "POST"), handle, page_answer, is_open=True))


class _Endpoint:
    """One path: runs its function, and turns what it raises into an answer.

    methods None: the function sees to it. is_shared: whether pages of the client that asks may read the answer.
    is_open: whether anybody may ask, so that each network may only so often; elsewhere it counts who proves itself.
    """

    count: EndpointCount

    def __init__(
        self,
        edge: Edge,
        methods: tuple[str, ...] | None,
        handle: Handle,
        on_error: OnError,
        *,
        is_shared: bool = False,
        is_open: bool = False,
    ) -> None:
        self._edge = edge
        self.methods = methods
        self._handle = handle
        self.on_error = on_error
        self.is_shared = is_shared
        self._is_open = is_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        began = time.perf_counter()
        request = Request(scope, receive, self._edge.proxies)
        handle = self._preflight if self.is_shared and scope["method"] == "OPTIONS" else self._handle
        if self.methods is not None and scope["method"] not in self.methods and handle is self._handle:
            answer = _method_not_allowed(self.methods, request)
        else:
            try:
                if self._is_open or handle is not self._handle:
                    self._edge.quotas.use(self._source(request))
                answer = await handle(self._edge, request)
            except DisconnectedError:
                self.count.note(scope["method"], CLIENT_GONE, time.perf_counter() - began)
                return
            except Exception as error:  # whatever it is becomes an answer here, and nowhere else
                answer = self.on_error(error, request.request_id)
            if self.is_shared and handle is self._handle:
                cors.share(await self._client(request), request, answer)
        answer.headers.append((REQUEST_ID, request.request_id.encode()))
        await answer(scope, receive, send)
        self.count.note(scope["method"], answer.status, time.perf_counter() - began)

    def _source(self, request: Request) -> Use:
        """Returns who makes a request that anybody may make: a browser that somebody signed in with, or a network."""
        kept = kept_of(request)
        number = None if kept is None else number_of(self._edge.known_browsers_key, kept)
        return (Kind.NETWORK, request.network) if number is None else (Kind.BROWSER, number)

    async def _client(self, request: Request) -> Client | None:
        """Returns the client that a page's request came from, also one that was forgotten while it was answered."""
        if request.client_id is None or cors.origin_of(request) is None:
            return None
        with suppress(DatabaseUnavailableError):  # the answer says so already
            return await self._edge.client(request.client_id)
        return None

    async def _preflight(self, edge: Edge, request: Request) -> Answer:
        origin, known = cors.origin_of(request), None
        if origin is not None:
            known = edge.origins.peek(origin)
            known = await edge.origin_reads.read(origin) if known is None else known
        return cors.preflight(origin, self.methods or (), is_registered=bool(known))


def _method_not_allowed(methods: tuple[str, ...], request: Request) -> Answer:
    told = f"This endpoint takes {' and '.join(methods)}."
    if request.header(b"upgrade") is not None:
        told += " There are no subscriptions, and no WebSocket is opened."
    content = {"error": "invalid_request", "error_description": told}
    return json_answer(405, content, (b"allow", ", ".join(methods).encode()))


class _Nothing:
    """Every other path."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._count = edge.metrics.endpoint(NONE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers that there is nothing."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 4404})
            return
        began = time.perf_counter()
        answer = nothing_here()
        answer.headers.append((REQUEST_ID, self._edge.proxies.request_id(scope).encode()))
        await answer(scope, receive, send)
        self._count.note(scope["method"], answer.status, time.perf_counter() - began)

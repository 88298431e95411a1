"""Traces (OpenTelemetry): spans of requests, operations, transactions, records and outgoing calls.

Imported only where somebody collects them. A span says what was done, how long it took and how it ended: attributes are
names of our own, methods, statuses and the request's identifier, never what a request or a row holds.
"""

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from threading import Timer
from typing import Any, Final, TypeVar

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rxauth import __version__
from rxauth.api.outcomes import Outcome
from rxauth.domain.destinations import Network
from rxauth.edge.audit_group import AuditGroup
from rxauth.edge.metrics import METHODS
from rxauth.edge.outbound import ANSWER_LIMIT_BYTES, Answered, ForbiddenAddressError, Outbound, method_of, why
from rxauth.edge.proxies import REQUEST_ID, Proxies
from rxauth.storage.database import Database, Origin, Transaction
from rxauth.storage.engines import parse_url
from rxauth.storage.tenancy import Statement

Result = TypeVar("Result")
_PROPAGATOR: Final = TraceContextTextMapPropagator()
LAST_SENDING_S: Final = 2
_CARRIED: Final = (b"traceparent", b"tracestate")


class Traces:
    """Makes the spans of one process, and the parts of the server that make spans of what they do.

    proxies: whose word is taken on which trace a request belongs to.
    """

    def __init__(self, proxies: Proxies) -> None:
        resource = Resource({"service.name": "rxauth", "service.version": __version__})
        self._provider = TracerProvider(
            resource=resource.merge(OTELResourceDetector().detect()), shutdown_on_exit=False
        )
        self._exporter = _Exporter()
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("rxauth", __version__)
        self._proxies = proxies

    def close(self) -> None:
        """Sends what is left; a collector that does not answer is not waited for."""
        enough = Timer(LAST_SENDING_S, self._exporter.shutdown)
        enough.start()
        self._provider.shutdown()
        enough.cancel()

    def endpoint(self, path: str, app: ASGIApp) -> ASGIApp:
        """Returns an endpoint that makes a span of each request; path: as the URL table has it."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            method = scope["method"] if scope["method"] in METHODS else "_OTHER"
            attributes = {"http.request.method": method, "http.route": path}
            with self._span(f"{method} {path}", SpanKind.SERVER, attributes, self._parent(scope)) as span:

                async def watch(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        _note_answer(span, message)
                    await send(message)

                await app(scope, receive, watch)

        return answer

    def operation(self, run: Callable[[], Outcome]) -> Outcome:
        """Makes a span of a GraphQL operation."""
        with self._span("graphql", SpanKind.INTERNAL, {}) as span:
            outcome = run()
            span.set_attribute("graphql.operation.type", outcome.kind)
            if outcome.failure is not None:
                span.set_attribute("error.type", outcome.failure.name.lower())
            return outcome

    def database(self, url: str) -> Database:
        """Opens a database that makes a span of each transaction that a request waits for."""
        return _TracedDatabase(url, self._within)

    def audit_group(self, database: Database, observe: Callable[[int, float], None]) -> AuditGroup:
        """Returns an audit group that makes a span of each wait for a commit."""
        return _TracedAuditGroup(database, observe, self._within)

    def outbound(self, networks: Sequence[Network] = ()) -> Outbound:
        """Returns a client that makes a span of each call, and tells who is called to which trace it belongs."""
        return _TracedOutbound(networks, self._span)

    def threads(self, number: int) -> ThreadPoolExecutor:
        """Returns worker threads that know whose work they do."""
        return _Threads(number, thread_name_prefix="worker")

    def _parent(self, scope: Scope) -> Context:
        """Returns the trace that a trusted proxy says a request belongs to, or one that is new."""
        if not self._proxies.is_trusted(scope):
            return Context()
        carried = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _CARRIED}
        return _PROPAGATOR.extract(carried, Context())

    @contextmanager
    def _span(
        self, name: str, kind: SpanKind, attributes: Mapping[str, str], parent: Context | None = None
    ) -> Iterator[Span]:
        """Makes a span; what is raised in it leaves its type, and not its text, which may quote anything."""
        with self._tracer.start_as_current_span(
            name,
            parent,
            kind,
            attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                yield span
            except Exception as error:
                span.set_attribute("error.type", type(error).__name__)
                span.set_status(Status(StatusCode.ERROR))
                raise

    @contextmanager
    def _within(self, name: str, attributes: Mapping[str, str]) -> Iterator[None]:
        """Makes a span inside another: what nobody waits for is no trace of its own."""
        if not get_current_span().is_recording():
            yield
            return
        with self._span(name, SpanKind.INTERNAL, attributes):
            yield


_Within = Callable[[str, Mapping[str, str]], Any]


class _Exporter(OTLPSpanExporter):
    _is_over = False

    def shutdown(self) -> None:
        """Ends it, once."""
        if not self._is_over:
            self._is_over = True
            super().shutdown()  # type: ignore[no-untyped-call]


class _TracedDatabase(Database):
    def __init__(self, url: str, within: _Within) -> None:
        super().__init__(url)
        self._within = within
        self._system = "sqlite" if parse_url(url).drivername == "sqlite" else "postgresql"

    def read(self, work: Callable[[Transaction], Result], *, organization_id: str | None = None) -> Result:
        """Reads, in a span."""
        with self._within("read", {"db.system.name": self._system}):
            return super().read(work, organization_id=organization_id)

    def write(
        self, work: Callable[[Transaction], Result], origin: Origin | None = None, *, organization_id: str | None = None
    ) -> Result:
        """Writes, in a span."""
        with self._within("write", {"db.system.name": self._system}):
            return super().write(work, origin, organization_id=organization_id)

    def write_one(self, statement: Statement, **values: Any) -> None:
        """Writes, in a span."""
        with self._within("write", {"db.system.name": self._system}):
            super().write_one(statement, **values)


class _TracedAuditGroup(AuditGroup):
    def __init__(self, database: Database, observe: Callable[[int, float], None], within: _Within) -> None:
        super().__init__(database, observe)
        self._within = within

    async def commit(self, row: dict[str, Any]) -> None:
        """Commits, in a span."""
        with self._within("audit", {}):
            await super().commit(row)


class _TracedOutbound(Outbound):
    def __init__(self, networks: Sequence[Network], span: Callable[..., Any]) -> None:
        super().__init__(networks)
        self._span = span

    async def ask(
        self, url: str, content: bytes | None, headers: Mapping[str, str], limit_bytes: int = ANSWER_LIMIT_BYTES
    ) -> Answered:
        """Asks, in a span that whoever is called may add to."""
        method = method_of(content)
        with self._span(method, SpanKind.CLIENT, {"http.request.method": method}) as span:
            carried: MutableMapping[str, str] = dict(headers)
            _PROPAGATOR.inject(carried)
            try:
                answered = await super().ask(url, content, carried, limit_bytes)
            except (OSError, ForbiddenAddressError) as error:
                span.set_attribute("rxauth.outcome", why(error))
                raise
            span.set_attribute("http.response.status_code", answered.status)
            return answered


class _Threads(ThreadPoolExecutor):
    def submit(self, function: Callable[..., Result], /, *arguments: Any, **named: Any) -> Future[Result]:
        """Runs a function in the trace of whoever asks."""
        return super().submit(copy_context().run, function, *arguments, **named)


def _note_answer(span: Span, start: Message) -> None:
    status = start["status"]
    span.set_attribute("http.response.status_code", status)
    for name, value in start["headers"]:
        if name == REQUEST_ID:
            span.set_attribute("rxauth.request_id", value.decode())
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))

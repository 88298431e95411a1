"""What Prometheus reads: one registry a process, and every figure by its name.

What the event loop counts is a line in `Metrics`, and `edge.metrics.NAME.add(labels)` where it happens. What something
knows already is asked for when Prometheus asks: `edge.metrics.read("rxauth_place_waiting", "Who waits.", place.count)`.
A name that ends in `_total` is of a number that only grows. With `label="place"` the function returns numbers by the
label's value. Labels have few values, all known beforehand: never an identifier, an address, a path or a name. Each
figure has its row in docs/guides/observe.md.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from rxauth import __version__
from rxauth.edge.loop_figures import Buckets, LoopCounter, LoopHistogram
from rxauth.oauth.grants import GRANTS
from rxauth.oauth.server import Server

METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")
STATUSES: Final = ("", "1xx", "2xx", "3xx", "4xx", "5xx")
DURATIONS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
UPSTREAM_OUTCOMES: Final = ("signed_in", "refused", "unreachable")
GROUP_SIZES: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256)
Figure = float | Mapping[str, float]


class EndpointCount:
    """The requests of one endpoint."""

    def __init__(self, endpoint: str, requests: LoopCounter, durations: Buckets) -> None:
        self._endpoint = endpoint
        self._requests = requests
        self._durations = durations

    def note(self, method: str, status: int, duration_s: float) -> None:
        """Counts one request that was answered."""
        self._requests.add(self._endpoint, method if method in METHODS else "other", STATUSES[status // 100])
        self._durations.note(duration_s)


class Metrics:
    """The figures of one process."""

    def __init__(self, server: Server) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = self.counter("rxauth_requests", "Requests answered.", "endpoint", "method", "status")
        self._durations = self.histogram(
            "rxauth_request_duration_seconds", "From a request's head to its answer.", DURATIONS_S, "endpoint"
        )
        self.tokens_issued = self.counter("rxauth_tokens_issued", "Answers with a token.", "grant")
        for grant in GRANTS:
            self.tokens_issued.begin(grant)
        self.clients_refused = self.counter(
            "rxauth_clients_refused", "Requests of clients refused, by OAuth error.", "error"
        )
        self.operations = self.counter(
            "rxauth_operations", "GraphQL operations, by kind and what came of them.", "kind", "outcome"
        )
        self.upstream_sign_ins = self.counter(
            "rxauth_upstream_sign_ins", "Sign-ins with an identity provider, by what came of them.", "outcome"
        )
        for outcome in UPSTREAM_OUTCOMES:
            self.upstream_sign_ins.begin(outcome)
        self._audit_records = self.histogram(
            "rxauth_audit_group_records", "Records that were committed together.", GROUP_SIZES
        ).part()
        self._audit_duration = self.histogram(
            "rxauth_audit_group_duration_seconds", "How long a commit of records took.", DURATIONS_S
        ).part()
        self._read_from(server)

    def endpoint(self, name: str) -> EndpointCount:
        """Returns what counts the requests of an endpoint; name: one of those that the URL table gives."""
        return EndpointCount(name, self._requests, self._durations.part(name))

    def read(self, name: str, meaning: str, figure: Callable[[], Figure], label: str | None = None) -> None:
        """Has a figure asked for whenever Prometheus does, from any thread; it must not wait."""
        self.registry.register(_Read(name, meaning, figure, label))

    def counter(self, name: str, meaning: str, *labels: str) -> LoopCounter:
        """Returns a counter for the event loop alone; name without `_total`."""
        made = LoopCounter(name, meaning, labels)
        self.registry.register(made)
        return made

    def histogram(self, name: str, meaning: str, bounds: Sequence[float], label: str | None = None) -> LoopHistogram:
        """Returns a histogram for the event loop alone."""
        made = LoopHistogram(name, meaning, bounds, label)
        self.registry.register(made)
        return made

    def note_audit_group(self, records: int, duration_s: float) -> None:
        """Counts one commit of audit records."""
        self._audit_records.note(records)
        self._audit_duration.note(duration_s)

    def _read_from(self, server: Server) -> None:
        database = server.database
        self.read("rxauth_version_info", "1, for the version that runs.", lambda: {__version__: 1}, "version")
        self.read(
            "rxauth_change_feed_silent_seconds",
            "Since this process last heard from its database.",
            server.feed.silent_s,
        )
        delays = server.feed.delays
        self.read(
            "rxauth_changes_applied_total",
            "Changes of all processes that this one has applied.",
            lambda: delays.changes,
        )
        self.read(
            "rxauth_changes_delay_seconds_total",
            "From their record to here, added up, by the database's clock.",
            lambda: delays.total_s,
        )
        self.read(
            "rxauth_changes_longest_delay_seconds",
            "The longest of these delays.",
            lambda: delays.longest_s,
        )
        self.read(
            "rxauth_database_connections_in_use", "Connections in use, by pool.", database.connections_in_use, "pool"
        )
        self.read(
            "rxauth_database_unavailable_total",
            "Transactions that the database did not answer, or was too busy for.",
            lambda: database.times_unavailable,
        )
        self.read(
            "rxauth_database_refused_rights_total",
            "What the serving role, or a trigger, did not allow.",
            lambda: database.refused_rights,
        )
        module = server.keys.module
        self.read(
            "rxauth_signer_failures_total",
            "What the security module was asked to do, and did not.",
            lambda: 0 if module is None else module.times_failed,
        )


class _Read(Collector):
    """A figure that somebody else keeps."""

    def __init__(self, name: str, meaning: str, figure: Callable[[], Figure], label: str | None) -> None:
        self._name = name
        self._meaning = meaning
        self._figure = figure
        self._labels = () if label is None else (label,)

    def describe(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Names the figure, without asking for it."""
        kind = CounterMetricFamily if self._name.endswith("_total") else GaugeMetricFamily
        yield kind(self._name, self._meaning, labels=self._labels)

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Asks for it."""
        for family in self.describe():
            value = self._figure()
            for labels, number in value.items() if isinstance(value, Mapping) else [(None, value)]:
                family.add_metric([] if labels is None else [labels], number)
            yield family

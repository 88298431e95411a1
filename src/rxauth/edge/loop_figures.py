"""Figures that the event loop alone changes: without a lock, a count costs a fraction of a microsecond."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector


class LoopCounter(Collector):
    """Counts by labels; name without `_total`."""

    def __init__(self, name: str, meaning: str, labels: Sequence[str]) -> None:
        self._name = name
        self._meaning = meaning
        self._labels = tuple(labels)
        self._counts: dict[tuple[str, ...], int] = {}

    def begin(self, *labels: str) -> None:
        """Shows a count before there is something to count."""
        self._counts.setdefault(labels, 0)

    def add(self, *labels: str) -> None:
        """Counts one."""
        self._counts[labels] = self._counts.get(labels, 0) + 1

    def describe(self) -> Iterator[CounterMetricFamily]:
        """Names it."""
        yield CounterMetricFamily(self._name, self._meaning, labels=self._labels)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """Shows what was counted; from any thread."""
        for family in self.describe():
            for labels, count in list(self._counts.items()):
                family.add_metric(labels, count)
            yield family


class Buckets:
    """How often values came, by how large they were."""

    __slots__ = ("_bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def note(self, value: float) -> None:
        """Counts one value."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.total += value

    def cumulated(self) -> list[tuple[str, float]]:
        """Returns how many values there were up to each bound."""
        shown, so_far = [], 0
        for bound, count in zip([*map(str, self._bounds), "+Inf"], list(self.counts), strict=True):
            so_far += count
            shown.append((bound, float(so_far)))
        return shown


class LoopHistogram(Collector):
    """Buckets of the same bounds, one for each value of a label; label None: just one."""

    def __init__(self, name: str, meaning: str, bounds: Sequence[float], label: str | None = None) -> None:
        self._name = name
        self._meaning = meaning
        self._bounds = tuple(bounds)
        self._labels = () if label is None else (label,)
        self._parts: dict[tuple[str, ...], Buckets] = {}

    def part(self, *label: str) -> Buckets:
        """Returns the buckets for a value of the label."""
        return self._parts.setdefault(label, Buckets(self._bounds))

    def describe(self) -> Iterator[HistogramMetricFamily]:
        """Names it."""
        yield HistogramMetricFamily(self._name, self._meaning, labels=self._labels)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Shows what came; from any thread."""
        for family in self.describe():
            for labels, part in list(self._parts.items()):
                family.add_metric(labels, part.cumulated(), part.total)
            yield family

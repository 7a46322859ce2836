"""Counts kept where they are cheap to keep, given to Prometheus when it asks."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import time
from typing import Final

import numpy as np
from prometheus_client.core import (
    CounterMetricFamily,
    Exemplar,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from models.features.records import F32, F64

AT_ONCE: Final = 32


class Series:
    """One histogram's counts; ten times cheaper to add to than the client library's."""

    __slots__ = ("_bounds", "_exemplars", "_later", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._later: list[F32 | F64] = []
        self._exemplars: dict[int, Exemplar] = {}
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value

    def observe_many(self, values: F32 | F64) -> None:
        """Kept as they are, and counted together with others: `values` must not change."""
        self._later.append(values)
        if len(self._later) >= AT_ONCE:
            self._count_later()

    def _count_later(self) -> None:
        if not self._later:
            return
        values = np.concatenate(self._later)
        self._later.clear()
        places = np.searchsorted(self._bounds, values)
        added = np.bincount(places, minlength=len(self.counts)).tolist()
        self.counts = [held + more for held, more in zip(self.counts, added, strict=True)]
        self.sum += float(values.sum())

    def counted(self) -> list[int]:
        """By bucket, the one past the last bound included."""
        self._count_later()
        return self.counts

    def exemplify(self, exemplar: Exemplar) -> None:
        """The latest of its bucket."""
        self._exemplars[bisect_left(self._bounds, exemplar.value)] = exemplar

    def buckets(self) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
        """As Prometheus wants them: cumulative, by upper bound, with what exemplifies each."""
        self._count_later()
        bounds = [*map(str, self._bounds), "+Inf"]
        counted = zip(bounds, np.cumsum(self.counts).tolist(), strict=True)
        exemplars = self._exemplars
        if not exemplars:
            return list(counted)
        return [
            (*each, exemplars[place]) if place in exemplars else each
            for place, each in enumerate(counted)
        ]


class SeriesRow:
    """Several histograms that each get a value at the same time, counted together with others."""

    def __init__(self, series: Sequence[Series]) -> None:
        self._series = series
        self._later: list[Sequence[float]] = []

    def observe(self, values: Sequence[float]) -> None:
        """One value a series, in their order."""
        self._later.append(values)
        if len(self._later) >= AT_ONCE:
            self.count()

    def exemplify(self, values: Sequence[float], labels: Mapping[str, str]) -> None:
        """The same values as are observed; `labels` say whose they are."""
        now_s = time()
        for series, value in zip(self._series, values, strict=True):
            series.exemplify(Exemplar(dict(labels), value, now_s))

    def count(self) -> None:
        if not self._later:
            return
        columns = np.array(self._later, np.float64).T
        self._later.clear()
        for series, values in zip(self._series, columns, strict=True):
            series.observe_many(values)


class Histograms(Collector):
    """A histogram with labels. Written by the event loop alone."""

    def __init__(
        self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float]
    ) -> None:
        self._name, self._text, self._labels, self._bounds = name, text, labels, bounds
        self._series: dict[tuple[str, ...], Series] = {}
        self._rows: list[SeriesRow] = []

    def series(self, *labels: str) -> Series:
        return self._series.setdefault(labels, Series(self._bounds))

    def row(self, labels: Sequence[tuple[str, ...]]) -> SeriesRow:
        """The series of these labels, to be observed together."""
        row = SeriesRow([self.series(*each) for each in labels])
        self._rows.append(row)
        return row

    def drop(self, row: SeriesRow) -> None:
        """Nobody observes it any more; its series stay."""
        row.count()
        self._rows.remove(row)

    def collect(self) -> Iterable[Metric]:
        for row in self._rows:
            row.count()
        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        for labels, series in self._series.items():
            family.add_metric(list(labels), series.buckets(), series.sum)
        yield family


class Count:
    """One counter; a plain attribute, because the client library takes a lock to add."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value = 0


class Counts(Collector):
    """A counter with labels. Written by the event loop alone."""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._counts: dict[tuple[str, ...], Count] = {}

    def count(self, *labels: str) -> Count:
        return self._counts.setdefault(labels, Count())

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in self._counts.items():
            family.add_metric(list(labels), count.value)
        yield family


class Tally(Collector):
    """Counts that other parts keep by name, added up. Nothing is shown before there is one."""

    def __init__(self, name: str, text: str, *labels: str) -> None:
        """The last label is the name of a count; the others are those of the part that keeps it."""
        self._name, self._text, self._labels = name, text, labels
        self._kept: dict[Callable[[], Mapping[str, int]], tuple[str, ...]] = {}
        self._settled: Counter[tuple[str, ...]] = Counter()

    def describe(self) -> Iterable[Metric]:
        yield CounterMetricFamily(self._name, self._text, labels=self._labels)

    def add(self, counts: Callable[[], Mapping[str, int]], *part: str) -> None:
        self._kept[counts] = part

    def settle(self, counts: Callable[[], Mapping[str, int]]) -> None:
        """What it counted stays, for a counter that lost a part would fall; what counted may go."""
        part = self._kept.pop(counts, None)
        if part is not None:
            self._settled.update(_labelled(part, counts))

    def collect(self) -> Iterable[Metric]:
        if not self._kept and not self._settled:
            return
        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        total = self._settled.copy()
        for counts, part in self._kept.items():
            total.update(_labelled(part, counts))
        for labels, count in total.items():
            family.add_metric(list(labels), count)
        yield family


def _labelled(
    part: tuple[str, ...], counts: Callable[[], Mapping[str, int]]
) -> dict[tuple[str, ...], int]:
    return {(*part, name): count for name, count in counts().items()}

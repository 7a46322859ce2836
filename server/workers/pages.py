"""Metrics of all workers on one page, whichever of them is asked."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Self

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from server.exposition import OPENMETRICS, PLAIN, Exposition
from server.workers.merge import merged
from server.workers.telling import Telling, heard
from server.workers.worker import Worker

LABEL: Final = "worker"


class Labelled(Collector):
    """What another collector gives, with this worker's label: after a restart each of its counters
    begins anew, and a sum of several would fall instead."""

    def __init__(self, collector: Collector, worker: str) -> None:
        self._collector = collector
        self._label = {LABEL: worker}

    def collect(self) -> Iterable[Metric]:
        for family in self._collector.collect():
            family.samples = [
                sample._replace(labels=sample.labels | self._label) for sample in family.samples
            ]
            yield family


class WorkerPages:
    """Tells this worker's page to its siblings on unix sockets, and merges theirs with it."""

    def __init__(
        self, worker: Worker, registry: CollectorRegistry, *, has_exemplars: bool = False
    ) -> None:
        """Without exemplars nobody is to be asked for OpenMetrics."""
        # The plain one last: a supervisor takes its socket for a worker that listens.
        self._told = (OPENMETRICS, PLAIN) if has_exemplars else (PLAIN,)
        self._worker = worker
        self._own = Labelled(registry, str(worker.number))
        self._telling = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for exposition in self._told:
            socket = self._socket(self._worker.number, exposition)
            await self._telling.enter_async_context(Telling(socket, self._teller(exposition)))
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._telling.aclose()

    async def page(self, exposition: Exposition = PLAIN) -> bytes:
        asked = [heard(self._socket(number, exposition)) for number in self._worker.siblings]
        told = [page for page in await asyncio.gather(*asked) if page is not None]
        silent = len(asked) - len(told)
        count = counted(1 + len(told), silent, exposition)
        return merged([exposition.write(self._own), *told, count])

    def _teller(self, exposition: Exposition) -> Callable[[], bytes]:
        return lambda: exposition.write(self._own)

    def _socket(self, number: int, exposition: Exposition) -> Path:
        plain = self._worker.socket_of(number)
        return plain if exposition is PLAIN else plain.with_suffix(f".{exposition.name}")


def counted(answering: int, silent: int, exposition: Exposition = PLAIN) -> bytes:
    """Of the scrape itself, hence without a worker's label."""
    registry = CollectorRegistry()
    workers = Gauge(
        "understudy_workers",
        "Workers, by whether their metrics are on this page",
        ["state"],
        registry=registry,
    )
    workers.labels("answering").set(answering)
    workers.labels("silent").set(silent)
    return exposition.write(registry)

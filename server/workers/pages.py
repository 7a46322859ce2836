"""Metrics of all workers on one page, whichever of them is asked."""

import asyncio
import contextlib
from collections.abc import Iterable
from typing import Final, Self

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import Metric
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from server.workers.merge import merged
from server.workers.worker import Worker

LABEL: Final = "worker"
SILENT_S: Final = 0.2
MAX_PAGE_BYTES: Final = 8 << 20


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
    """Tells this worker's page to its siblings on its unix socket, and merges theirs with it."""

    def __init__(self, worker: Worker, registry: CollectorRegistry) -> None:
        self._worker = worker
        self._own = Labelled(registry, str(worker.number))
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._worker.socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._tell, self._worker.socket)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._server is not None:
            self._server.close()
            self._worker.socket.unlink(missing_ok=True)

    async def page(self) -> bytes:
        asked = [self._asked(number) for number in self._worker.siblings]
        told = [page for page in await asyncio.gather(*asked) if page is not None]
        silent = len(asked) - len(told)
        return merged([generate_latest(self._own), *told]) + _counted(1 + len(told), silent)

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A sibling that has left meanwhile is none of this one's business."""
        with contextlib.suppress(OSError):
            writer.write(generate_latest(self._own))
            await writer.drain()
        writer.close()

    async def _asked(self, number: int) -> bytes | None:
        """None from one that does not answer in time, or says too much."""
        try:
            async with asyncio.timeout(SILENT_S):
                reader, writer = await asyncio.open_unix_connection(
                    self._worker.socket_of(number), limit=MAX_PAGE_BYTES
                )
                with contextlib.closing(writer):
                    return await _whole(reader)
        except (OSError, TimeoutError):
            return None


async def _whole(reader: asyncio.StreamReader) -> bytes | None:
    page = bytearray()
    while len(page) <= MAX_PAGE_BYTES:
        part = await reader.read(1 << 18)
        if not part:
            return bytes(page) or None
        page += part
    return None


def _counted(answering: int, silent: int) -> bytes:
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
    return generate_latest(registry)

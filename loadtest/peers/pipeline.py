"""Understudy as a peer of the others: ids in, a slate out, everything between them included.

The gateway has the measured core; Valkey, refresher and ingest share the load generator's.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import polars as pl
import psutil

from loadtest.bench.bodies import Pools, pools_of, requests_of
from loadtest.bench.cores import Cores, pin
from loadtest.bench.sizes import IN_FLIGHT
from loadtest.bench.warm import SETTINGS, coverage, warm
from loadtest.connection import Answer
from loadtest.peers.errors import PeerFailed
from loadtest.peers.process import HOST, cpu_s
from loadtest.peers.target import Target
from loadtest.pool import Pool
from loadtest.stack import Stack, family, free_port, running_up

OURS: Final[Mapping[str, Mapping[str, Any]]] = {
    "understudy": {},
    "understudy-dpp": {"diversity": 0.5},
}
"""Fields of the body beside user, context and candidates."""
PAGE: Final = 512
"""Entries of a page where no request has more candidates, as a refresher keeps unless told."""
TIMEOUT_S: Final = 10.0
CHECKS: Final = 20
LESS: Final = 206
"""Stands for a degraded answer: it came in time, with less than everything."""


class WholeAnswers:
    """A pool whose degraded answers count as failed: the rate is that of the whole pipeline."""

    def __init__(self, url: str) -> None:
        self._pool = Pool(url, IN_FLIGHT)

    async def send(self, request: bytes, timeout_s: float) -> Answer:
        """Raises LoadTestError, or TimeoutError."""
        answer = await self._pool.send(request, timeout_s)
        if answer.status == 200 and not is_whole(answer):
            return answer._replace(status=LESS)
        return answer

    async def close(self) -> None:
        await self._pool.close()


def is_whole(answer: Answer) -> bool:
    """Without decoding: the load generator's core is part of what is measured."""
    return b'"degraded":[]' in answer.body


class Pipeline(NamedTuple):
    stack: Stack
    pools: Pools

    def target(self, name: str, candidates: int) -> Target:
        requests = requests_of(self.pools, candidates, OURS[name])
        return Target(lambda: WholeAnswers(self.stack.url), requests, self.cpu_s)

    def checked_coverage(self, name: str, candidates: int, bundle: Path) -> float:
        """Mean share of pair entries over all requests. Raises PeerFailed."""

        async def asked() -> float:
            async with Pool(self.stack.url, 1) as pool:
                for _ in range(CHECKS):  # the first ones meet connections that are not there yet
                    answer = await pool.send(requests[0], TIMEOUT_S)
                    if is_whole(answer):
                        break
                check_answer(answer, bundle)
                return await coverage(pool, requests)

        requests = requests_of(self.pools, candidates, OURS[name])
        return asyncio.run(asked())

    def cpu_s(self) -> float:
        """Of the gateway and Valkey; the refresher works for later requests."""
        return cpu_s(_with_children([self.stack.pid("gateway"), self.stack.pid("valkey")]))


@contextmanager
def running_pipeline(
    source: Path, state: Path, cores: Cores, candidates: int
) -> Iterator[Pipeline]:
    """Warm for requests of so many candidates, with pages that hold them."""
    settings = {**SETTINGS, "UNDERSTUDY_PAGE_ENTRIES": str(max(PAGE, candidates))}
    with running_up(source, state, HOST, free_port(HOST), settings) as stack:
        _pin(stack, cores)
        pipeline = Pipeline(stack, enough_items(pools_of(source / "serving"), source, candidates))
        asyncio.run(_warm(stack.url, requests_of(pipeline.pools, candidates)))
        yield pipeline


def enough_items(pools: Pools, source: Path, candidates: int) -> Pools:
    """Ads that nobody asked for follow those of the held-out requests."""
    if len(pools.items) >= candidates:
        return pools
    log = pl.read_parquet(source / "log" / "items.parquet", columns=["item_id"])
    return pools._replace(items=list(dict.fromkeys([*pools.items, *log["item_id"]])))


def check_answer(answer: Answer, bundle: Path) -> None:
    """The bundle's scores, and nothing left out. The gateway has compared its golden batch at the
    start; here the answer must be that bundle's and whole. Raises PeerFailed."""
    if answer.status != 200:
        raise PeerFailed(f"answers {answer.status}: {answer.body[:200]!r}")
    told = json.loads(answer.body)
    if f"{told['model']}-{told['version']}" != bundle.name:
        raise PeerFailed(f"answers with {told['model']}-{told['version']}, not {bundle.name}")
    if told["degraded"]:
        raise PeerFailed(f"answers are degraded: {told['degraded']}")


async def _warm(url: str, requests: Sequence[bytes]) -> None:
    async with Pool(url, 1) as pool:
        await warm(pool, requests)


def _pin(stack: Stack, cores: Cores) -> None:
    others = [pid for name, pid in stack.pids.items() if name != "gateway"]
    pin([process.pid for process in _with_children(others)], cores.others)
    gateway = _with_children([stack.pid("gateway")])
    pin([process.pid for process in gateway], cores.measured)


def _with_children(pids: Sequence[int]) -> list[psutil.Process]:
    return [each for pid in pids for each in family(pid)]

"""A site before and after: who runs, in how much memory, and what is unfinished."""

import asyncio
import json
import time
from contextlib import suppress
from typing import Any, Final, NamedTuple, Self

import psutil
from redis.exceptions import RedisError

from loadtest.chaos.site import GATEWAY, Site
from loadtest.chaos.stored import EVENTS
from loadtest.connection import encode
from loadtest.errors import LoadTestError
from loadtest.open_loop import TIMEOUT_S
from loadtest.pool import Pool

LOOK_S: Final = 0.25
TRACEBACK: Final = "Traceback"


class Look(NamedTuple):
    pids: dict[str, int]
    workers: frozenset[int]
    memory_mb: float
    tracebacks: int

    @classmethod
    def at(cls, site: Site) -> Self:
        pids = dict(site.stack().pids)
        workers = psutil.Process(pids[GATEWAY]).children()
        return cls(
            pids,
            frozenset(worker.pid for worker in workers),
            site.memory_mb(),
            site.said().count(TRACEBACK),
        )


class Settled(NamedTuple):
    """`after_s` is None while something is left, which `left` names."""

    after_s: float | None
    left: str


async def settle(site: Site, workers: int, within_s: float) -> Settled:
    """Waits until all run again, `workers` of the gateway among them, no demand is unsettled and
    every event is folded."""
    started_s = time.monotonic()
    async with Pool(site.url, 1) as pool:
        while True:
            left = _absent(site, workers) or await _left(site, pool)
            spent_s = time.monotonic() - started_s
            if not left:
                return Settled(spent_s, "")
            if spent_s > within_s:
                return Settled(None, left)
            await asyncio.sleep(LOOK_S)


def _absent(site: Site, workers: int) -> str:
    pids = site.stack().pids
    absent = [name for name, pid in pids.items() if not _runs(pid)]
    if not absent and len(psutil.Process(pids[GATEWAY]).children()) < workers:
        absent = ["a worker"]
    return f"{', '.join(absent)} does not run" if absent else ""


async def _left(site: Site, pool: Pool) -> str:
    try:
        if left := _unsettled(await _status(pool)):
            return left
        async with site.redis() as redis:
            events = await redis.xlen(EVENTS)
    except (LoadTestError, RedisError, TimeoutError) as error:
        return str(error) or "no status in time"
    return f"{events} events are not folded" if events else ""


async def _status(pool: Pool) -> dict[str, Any]:
    answer = await pool.send(encode("GET", "/v1/cache/status"), TIMEOUT_S)
    told: dict[str, Any] = json.loads(answer.body) if answer.status == 200 else {}
    return told


def _unsettled(status: dict[str, Any]) -> str:
    """More settled than demanded is what a server forgot while a refresher held it: not lost."""
    refresh = status.get("refresh")
    if refresh is None:
        return "the gateway cannot read Redis"
    if refresh["unsettled_pairs"] > 0 or refresh["backlog"]:
        return (
            f"{refresh['unsettled_pairs']} demanded pairs are unsettled, "
            f"{refresh['backlog']} messages wait"
        )
    return ""


def _runs(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False

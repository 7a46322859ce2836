"""Each harm as a context: it holds inside, and is gone afterwards as far as it can be."""

import asyncio
import os
import resource
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any, Final

from loadtest.chaos import crowds, stored
from loadtest.chaos.background import cancelled
from loadtest.chaos.scenario import (
    Change,
    Crowd,
    Harm,
    Kill,
    Limit,
    Network,
    NoSpace,
    Pause,
    Rollout,
    Slow,
)
from loadtest.chaos.site import Site
from loadtest.run.faults import Mark
from loadtest.stack import CLI

PERIOD_S: Final = 0.05

Applied = AbstractAsyncContextManager[None]


async def inflict(
    harm: Harm, site: Site, visitors: crowds.Visitors, seconds: float, started_s: float
) -> Mark:
    """At its time, which counts from `started_s` (time.monotonic)."""
    await _until(started_s + harm.begins * seconds)
    began_s = time.monotonic() - started_s
    ended_s = None
    async with ACTS[type(harm)](harm, site, visitors):
        if harm.until is not None:
            await _until(started_s + harm.until * seconds)
            ended_s = time.monotonic() - started_s
    return Mark(harm.words, began_s, ended_s)


async def _until(at_s: float) -> None:
    await asyncio.sleep(max(0.0, at_s - time.monotonic()))


@asynccontextmanager
async def _killed(harm: Kill, site: Site, _: crowds.Visitors) -> AsyncIterator[None]:
    site.kill(harm.process)
    yield


@asynccontextmanager
async def _paused(harm: Pause, site: Site, _: crowds.Visitors) -> AsyncIterator[None]:
    pid = site.pid(harm.process)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def _slowed(harm: Slow, site: Site, _: crowds.Visitors) -> AsyncIterator[None]:
    async with cancelled(_stop_and_go(site.pid(harm.process), harm.share)):
        yield


async def _stop_and_go(pid: int, share: float) -> None:
    """Until cancelled; it goes then."""
    with suppress(ProcessLookupError):
        try:
            while True:
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(PERIOD_S * share)
                os.kill(pid, signal.SIGCONT)
                await asyncio.sleep(PERIOD_S * (1.0 - share))
        finally:
            os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def _without_space(harm: NoSpace, site: Site, _: crowds.Visitors) -> AsyncIterator[None]:
    """Writes end with EFBIG where a full disk says ENOSPC: a limit of files' size needs no root.
    Python ignores the signal that comes with it."""
    held = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in site.pids(harm.process)}
    for pid, (_soft, hard) in held.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        for pid, limits in held.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)


@asynccontextmanager
async def _troubled(harm: Network, site: Site, _: crowds.Visitors) -> AsyncIterator[None]:
    await site.proxied.switch(harm.trouble)
    try:
        yield
    finally:
        await site.proxied.switch({})


@asynccontextmanager
async def _changed(harm: Change, site: Site, _: crowds.Visitors) -> AsyncIterator[None]:
    async with site.redis() as redis:
        await stored.change(redis, harm.what)
    yield


@asynccontextmanager
async def _limited(harm: Limit, site: Site, _: crowds.Visitors) -> AsyncIterator[None]:
    async with site.redis() as redis, stored.limited(redis, harm.what):
        yield


@asynccontextmanager
async def _crowded(harm: Crowd, _: Site, visitors: crowds.Visitors) -> AsyncIterator[None]:
    async with visitors.coming(harm.who, harm.rate):
        yield


@asynccontextmanager
async def _rolling(harm: Rollout, site: Site, _: crowds.Visitors) -> AsyncIterator[None]:
    """The operator's own command. That it was taken is not that it ended: answers tell by their
    version when the new student spoke."""
    words = ("--redis-url", site.stack().redis_url, "--to", str(site.successor))
    process = await asyncio.create_subprocess_exec(
        *CLI, "rollout", "start", *words, "--plan", harm.plan, stdout=asyncio.subprocess.DEVNULL
    )
    await process.wait()
    yield


ACTS: Final[dict[type[Harm], Callable[[Any, Site, crowds.Visitors], Applied]]] = {
    Kill: _killed,
    Pause: _paused,
    Slow: _slowed,
    NoSpace: _without_space,
    Network: _troubled,
    Change: _changed,
    Limit: _limited,
    Crowd: _crowded,
    Rollout: _rolling,
}

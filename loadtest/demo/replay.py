"""The held-out log through the live gateways, open loop, with its events posted back."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from loadtest.demo.events import EventPoster
from loadtest.demo.gateway import Slate, ask, events_of, full_body, shown_body
from loadtest.outage import Outage
from loadtest.pacing import Pace
from loadtest.pool import Pool
from loadtest.replay_log import LoggedRequest

MAIN = "student_with_cache"


class Replayed(NamedTuple):
    logged: LoggedRequest
    sent_s: float  # seconds after the start
    slates: Mapping[str, Slate]  # scorer → answer

    @property
    def main(self) -> Slate:
        return self.slates[MAIN]


class Run(NamedTuple):
    replayed: list[Replayed]
    elapsed_s: float
    outage_s: tuple[float, float]
    events_accepted: int
    events_retried: int
    is_drained: bool


async def replay(
    requests: Sequence[LoggedRequest],
    pace: Pace,
    pools: Mapping[str, Pool],
    outage: Outage,
    tick: Callable[[], None],
    is_over: asyncio.Event | None = None,
) -> Run:
    """`pools[MAIN]` is timed and gets the events; the others score the shown items only. Once
    `is_over` is set nothing more is sent."""
    started = time.monotonic()
    poster = EventPoster(pools[MAIN])
    posting = asyncio.create_task(poster.run())
    stopping = asyncio.create_task(outage.run(started))
    try:
        tasks = await _send_all(requests, pace, pools, started, poster, tick, is_over)
        replayed = list(await asyncio.gather(*tasks))
        elapsed = time.monotonic() - started
        window = await stopping
        is_drained = await poster.drain(timeout_s=30.0)
    finally:
        posting.cancel()
        stopping.cancel()
        await asyncio.gather(posting, stopping, return_exceptions=True)
    return Run(replayed, elapsed, window, poster.accepted, poster.retried, is_drained)


async def _send_all(
    requests: Sequence[LoggedRequest],
    pace: Pace,
    pools: Mapping[str, Pool],
    started: float,
    poster: EventPoster,
    tick: Callable[[], None],
    is_over: asyncio.Event | None,
) -> list[asyncio.Task[Replayed]]:
    tasks = []
    for logged, send_s in zip(requests, pace.send_s.tolist(), strict=True):
        await asyncio.sleep(max(0.0, started + send_s - time.monotonic()))
        if is_over is not None and is_over.is_set():
            break
        one = _one(logged, pools, started, started + send_s, poster)
        tasks.append(asyncio.create_task(one))
        tasks[-1].add_done_callback(lambda _: tick())
    return tasks


async def _one(
    logged: LoggedRequest,
    pools: Mapping[str, Pool],
    started: float,
    intended: float,
    poster: EventPoster,
) -> Replayed:
    sent_s = time.monotonic() - started
    main = await ask(pools[MAIN], full_body(logged), logged, intended)
    # Afterwards, so that what only measures quality takes no core from the answer that is timed.
    others = {name: pool for name, pool in pools.items() if name != MAIN}
    body, now = shown_body(logged), time.monotonic()
    answers = await asyncio.gather(*(ask(pool, body, logged, now) for pool in others.values()))
    poster.post(events_of(logged))
    return Replayed(logged, sent_s, {MAIN: main, **dict(zip(others, answers, strict=True))})

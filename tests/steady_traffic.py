"""A crowd that asks and clicks while something else is tested, in a thread of its own."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.server.rollout.harm.crowd import Crowd
from tests.server.rollout.harm.traffic import Told, Traffic


@contextmanager
def steady_traffic(url: str, crowd: Crowd, rate: float) -> Iterator[list[Told]]:
    """What came of it so far."""
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    told: list[Told] = []
    thread = threading.Thread(
        target=lambda: loop.run_until_complete(_run(url, crowd, rate, told, stop))
    )
    thread.start()
    try:
        yield told
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
    assert {each.status for each in told} == {200}


async def _run(url: str, crowd: Crowd, rate: float, told: list[Told], stop: asyncio.Event) -> None:
    traffic = Traffic([url], crowd, rate)
    traffic.told = told
    try:
        await traffic.run(stop)
    finally:
        await traffic.close()

"""Run as a script: what a judged request and an acknowledgement cost.

`python -m tests.cache.refresh.measure_worth`: 12 candidates, linear models, the acknowledgement of
16 messages with and without a watcher.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path

from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.redis_streams import RedisStreams
from cache.watch import StreamWatch
from tests.bundles import linear_student, linear_teacher, tiny_catalogue
from tests.cache.refresh.worth_world import make_world

ROUNDS, BATCH, USERS = 300, 16, 20
STREAM, GROUP = b"measured", b"one"


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tiny_catalogue().save(folder / "catalogue.safetensors")
        asyncio.run(_say_judging(folder))
        with EmbeddedValkey(folder / "valkey") as valkey:
            asyncio.run(_say_acknowledging(valkey.url))


async def _say_judging(folder: Path) -> None:
    world = await make_world(linear_student(folder), linear_teacher(folder), USERS)
    requests = await world.served(USERS)
    began_s = time.thread_time()
    for _ in range(10):
        for request in requests:
            world.judge.judge(request, None)
    say("a request judged, in a thread", (time.thread_time() - began_s) / (10 * USERS))


async def _say_acknowledging(url: str) -> None:
    client, streams = connect(url), RedisStreams.open(url)
    await streams.ensure_group(STREAM, GROUP)
    say("16 acknowledged, unwatched", await _round(streams, None))
    watch = StreamWatch(client, STREAM, b"w")
    await watch.begin()
    say("16 acknowledged, watched", await _round(streams, watch))
    await streams.close()
    await client.aclose()


async def _round(streams: RedisStreams, watch: StreamWatch | None) -> float:
    """Seconds of one acknowledgement, over the socket."""
    spent_s = 0.0
    for _ in range(ROUNDS):
        await streams.append(STREAM, [b"x" * 100] * BATCH, 10_000)
        messages = await streams.read_group(STREAM, GROUP, b"one", BATCH, 0)
        if watch is not None:
            await watch.read(BATCH, 0)
        began_s = time.perf_counter()
        await streams.acknowledge(STREAM, GROUP, [message.id for message in messages])
        spent_s += time.perf_counter() - began_s
    return spent_s / ROUNDS


def say(what: str, seconds: float) -> None:
    sys.stdout.write(f"{what:34} {seconds * 1e6:8.0f} µs\n")


if __name__ == "__main__":
    main()

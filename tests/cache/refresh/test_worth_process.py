"""`understudy worth` as a process: it leaves its summary, and no trace in the streams."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from cache.events import EventFeed
from cache.keys import EVENTS_STREAM, SERVED_STREAM
from cache.redis_streams import RedisStreams
from cache.refresh.worth_judge import Judged
from cache.served import encode
from cache.worth_summary import WorthSummary, read_summary
from tests.bundles import SPACE, serving_folder
from tests.cache.refresh.started import Started
from tests.cache.refresh.worth_world import CANDIDATES, happenings, make_world

pytestmark = pytest.mark.redis

DEADLINE_S = 60.0
USERS = 40


@pytest.fixture
def started(redis_url: str) -> Iterator[Started]:
    started = Started(redis_url)
    yield started
    started.end()


@pytest.fixture
async def streams(redis_url: str) -> AsyncIterator[RedisStreams]:
    streams = RedisStreams.open(redis_url)
    yield streams
    await streams.close()


async def until(is_true: Callable[[], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not await is_true():
        assert time.monotonic() < deadline, "did not come true in time"
        await asyncio.sleep(0.05)


async def groups(client: Redis) -> int:
    redis: Any = client
    there = [name for name in (SERVED_STREAM, EVENTS_STREAM) if await redis.exists(name)]
    return sum([len(await redis.xinfo_groups(name)) for name in there])


async def test_worker_leaves_a_summary_and_ends_in_order(
    started: Started, client: Redis, streams: RedisStreams, tmp_path: Path
) -> None:
    folder = serving_folder(tmp_path)
    named = json.loads((folder / "serving.json").read_text())
    world = await make_world(folder / named["student"], folder / named["teacher"], USERS)
    requests = await world.served(USERS)
    process = started.understudy(
        "worth", "--from", str(folder), "--attribution-s", "60", "--shown-within-s", "30"
    )

    async def is_watching() -> bool:
        return await groups(client) == 2

    await until(is_watching)
    await streams.append(SERVED_STREAM, list(map(encode, requests)), 10_000)
    for number, request in enumerate(requests):
        judged = world.judge.judge(request, None)
        assert isinstance(judged, Judged)
        await EventFeed(streams).append(happenings(judged, number))
    at_ms = requests[0].timestamp_ms + 60_001
    after = msgspec.structs.replace(requests[0], timestamp_ms=at_ms)
    await streams.append(SERVED_STREAM, [encode(after)], 10_000)
    found: list[WorthSummary] = []

    async def is_settled() -> bool:
        summary = await read_summary(client, SPACE)
        found[:] = [] if summary is None else [summary]
        return bool(summary and summary.slices)

    await until(is_settled)
    [summary] = found
    assert summary.slices["all"].candidates == USERS * CANDIDATES
    assert (summary.version, summary.task) == (requests[0].version, "click")
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=DEADLINE_S)
    said = list(map(json.loads, errors.splitlines()))[-2:]  # the models that it runs come first
    assert process.returncode == 0, errors
    assert [line["message"] for line in said] == ["worth started", "worth stopped"]
    assert said[1]["requests.settled"] == USERS
    assert await groups(client) == 0

"""Labels of a real stream, that ingest empties, that is trimmed, whose server goes away."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from cache.connection import connect
from cache.embedded import EmbeddedValkey
from cache.events import EventFeed
from cache.keys import EVENTS_STREAM
from cache.redis_streams import RedisStreams
from cache.watch import StreamWatch
from server.rollout.evidence.merging import CANARY
from server.rollout.evidence.outcomes import Outcomes
from server.rollout.evidence.witness import Witness
from server.rollout.guardrails.layout import CLICKS, SETTLED
from tests.cache.refresh.waiting import until
from tests.server.rollout.evidence.told import (
    WINDOW_S,
    Clock,
    event,
    ranked_of,
    state_of,
    sums_of,
    tell,
)

pytestmark = pytest.mark.redis
GROUP = b"ingest"


class Live:
    def __init__(self, url: str, name: bytes = b"gateway") -> None:
        self.client: Redis = connect(url)
        self.streams = RedisStreams(connect(url))
        self.feed = EventFeed(self.streams)
        self.clock = Clock()
        watch = StreamWatch(self.client, EVENTS_STREAM, name)
        self.witness = Witness(state_of(), "click", watch, self.clock)
        assert self.witness.outcomes is not None
        self.outcomes: Outcomes = self.witness.outcomes

    async def settle(self) -> tuple[float, float]:
        """Settled answers and clicks."""
        self.clock.now_s += 2 * WINDOW_S
        await self.outcomes.step()
        sums = sums_of(self.witness, CANARY)
        return float(sums.grouped(SETTLED).sum()), float(sums.grouped(CLICKS).sum())

    async def close(self) -> None:
        await self.client.aclose()
        await self.streams.close()


@pytest.fixture
async def live(redis_url: str) -> AsyncIterator[Live]:
    live = Live(redis_url)
    await live.client.flushall()
    yield live
    await live.close()


async def test_click_is_found_though_ingest_has_done_with_it_before(live: Live) -> None:
    await live.streams.ensure_group(EVENTS_STREAM, GROUP)
    await live.outcomes.step()
    tell(live.witness, CANARY, ranked_of())
    await live.feed.append([event("click", "a")])
    messages = await live.streams.read_group(EVENTS_STREAM, GROUP, b"one", 10, 0)
    await live.streams.acknowledge(EVENTS_STREAM, GROUP, [message.id for message in messages])
    assert len(messages) == 1
    assert await live.settle() == (1.0, 1.0)


async def test_every_gateway_hears_of_every_event(live: Live, redis_url: str) -> None:
    other = Live(redis_url, b"another")
    for each in (live, other):
        await each.outcomes.step()
        tell(each.witness, CANARY, ranked_of())
    await live.feed.append([event("click", "a")])
    assert await live.settle() == await other.settle() == (1.0, 1.0)
    await other.close()


async def test_trimmed_events_leave_no_answer_without_its_clicks(live: Live) -> None:
    await live.outcomes.step()
    tell(live.witness, CANARY, ranked_of())
    for item in "ab":
        await live.feed.append([event("click", item)])
    await live.client.xtrim(EVENTS_STREAM, maxlen=1, approximate=False)
    assert await live.settle() == (0.0, 0.0)
    assert live.witness.counts()["trimmed"] == 1


async def test_stream_that_is_gone_is_followed_anew(live: Live) -> None:
    await live.outcomes.step()
    tell(live.witness, CANARY, ranked_of())
    await live.client.delete(EVENTS_STREAM)
    await live.outcomes._step_leniently()
    assert live.witness.counts()["away"] == 1
    await live.outcomes.step()
    tell(live.witness, CANARY, ranked_of())
    await live.feed.append([event("click", "b")])
    assert await live.settle() == (1.0, 1.0)


async def test_run_outlives_the_server_and_ends_its_watch(tmp_path: Path) -> None:
    valkey = EmbeddedValkey(tmp_path)
    live = Live(valkey.start())
    running = asyncio.create_task(live.witness.run())
    await _until(live, is_following=True)
    tell(live.witness, CANARY, ranked_of())
    valkey.stop()
    await _until(live, is_following=False)
    assert live.witness.counts()["away"] == 1
    valkey.start()
    await _until(live, is_following=True)
    tell(live.witness, CANARY, ranked_of())
    await live.feed.append([event("click", "b")])
    running.cancel()
    await asyncio.wait([running])
    assert await live.client.xinfo_groups(EVENTS_STREAM) == []
    await live.close()
    valkey.stop()


async def _until(live: Live, *, is_following: bool) -> None:
    async def is_so() -> bool:
        return live.outcomes.is_following == is_following

    await until(is_so)

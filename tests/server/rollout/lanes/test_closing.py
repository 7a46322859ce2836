"""A lane that is chosen no more: closed after its last request, and its memory given back."""

import asyncio
import gc
import os
import weakref
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psutil
import pytest

from cache.breaker import CircuitBreaker
from cache.memory_store import MemoryStore
from models.manifest import read_manifest
from server import open_lane, open_lanes
from server.cache_links import CacheLinks
from server.in_hand import InHand
from server.metrics import Metrics
from server.open_lane import OpenLane, Source
from server.open_lanes import OpenLanes
from server.rollout.lanes.memory import give_back
from server.rollout.state import STARTED_WITH
from server.stages import StageClock
from server.wire import RankRequest
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.live import settings_for

ROUNDS = 20
MIB = 1 << 20


class World:
    def __init__(self, bundle: Path) -> None:
        settings = settings_for(bundle)
        self.links = CacheLinks(settings, MemoryStore(), CircuitBreaker(), None, None)
        self.metrics = Metrics()
        self.source = Source(bundle)

    async def open(self) -> OpenLane:
        return await OpenLane.open(self.source, self.links, self.metrics, lambda what: None)


@pytest.fixture
def world(served: Served, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setattr(open_lane, "TOLD_S", 0.0)
    return World(served.student)


async def test_nobody_is_waited_for_where_nobody_is() -> None:
    async with asyncio.timeout(5.0):
        await InHand().left()


async def test_lane_is_closed_after_its_last_request(world: World) -> None:
    opened = await world.open()
    in_hand = opened.lane.in_hand
    with in_hand:
        with in_hand:
            leaving = asyncio.create_task(opened.retire())
            await asyncio.sleep(0)
        await asyncio.sleep(0.02)
        assert not leaving.done()
        request = msgspec.convert(rank_body("u", 20), RankRequest)
        await opened.lane.ranker.rank(request, StageClock())  # it still answers
    await leaving
    with pytest.raises(RuntimeError, match="closed"):
        await opened.lane.batcher._thread.result(lambda _: [], [], rests=False)


async def test_memory_is_given_back_when_nobody_is_answered(
    world: World, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[int] = []
    monkeypatch.setattr(open_lanes, "give_back", lambda: given.append(1))
    manifest, _ = read_manifest(served.student)
    lanes = OpenLanes(world.source, manifest, world.links, world.metrics, lambda what: None)
    answering, _ = await lanes.opened(STARTED_WITH), lanes._lanes.update(gone=await world.open())
    with answering.lane.in_hand:
        lanes.keep([STARTED_WITH])
        await asyncio.sleep(0.2)
        assert given == []
    async with asyncio.timeout(10.0):
        await asyncio.gather(*lanes._leaving)
    assert given == [1]
    await lanes.close()


async def test_session_is_gone_with_its_lane_and_without_the_collector(world: World) -> None:
    """Which a gateway tells to leave alone what lives long."""
    opened = await world.open()
    opened.name("canary")
    opened.name("stable")
    held: list[Any] = [opened.lane.model.session, opened.lane.catalogue]
    gone = [weakref.ref(each) for each in held]
    held.clear()
    gc.collect()
    gc.disable()
    try:
        await opened.retire()
        del opened
        for _ in range(100):  # the thread that closed it lets go of it a moment later
            if not any(each() for each in gone):
                break
            await asyncio.sleep(0.01)
        assert [each() for each in gone] == [None, None]
    finally:
        gc.enable()


async def test_counters_of_a_lane_stay_when_it_goes(world: World) -> None:
    def counted() -> float | None:
        labels = {"stage": "total", "lane": "stable", "version": version}
        name = "understudy_stage_seconds_count"
        return world.metrics.registry.get_sample_value(name, labels)

    opened = await world.open()
    lane, version = opened.lane, opened.lane.model.version
    clock = StageClock()
    ranked = await lane.ranker.rank(msgspec.convert(rank_body("u", 20), RankRequest), clock)
    lane.feedback.tell(ranked, lane.answers.write(ranked), clock)
    before = counted()
    del lane, ranked
    await opened.retire()
    assert before == counted() == 1.0
    assert world.metrics.stage_seconds._rows == []


@pytest.mark.slow
async def test_memory_is_given_back_over_many_lanes(world: World) -> None:
    """Beside the same lanes, kept: what is measured would show one that stays."""
    freed = await growth_mib(world, keep=False)
    held = await growth_mib(world, keep=True)
    assert held > 0.5
    assert freed < 0.15 * held, f"{freed:.3f} of {held:.3f} MiB a lane"


async def growth_mib(world: World, *, keep: bool) -> float:
    """By lane, as a line through the rounds after the first few."""
    process, kept, seen = psutil.Process(os.getpid()), [], []
    for _ in range(ROUNDS):
        opened = await world.open()
        if keep:
            kept.append(opened)
        else:
            await opened.retire()
        del opened
        give_back()
        seen.append(process.memory_info().rss / MIB)
    late = seen[ROUNDS // 4 :]
    for each in kept:
        await each.close()
    return float(np.polyfit(np.arange(len(late)), late, 1)[0])

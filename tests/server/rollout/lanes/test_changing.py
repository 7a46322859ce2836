"""The stable student changes while something else is on its way."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from server.open_lane import OpenLane
from server.rollout.lanes import attempt as attempts
from server.rollout.lanes import serving
from server.rollout.lanes.trial_wire import Verdict
from server.rollout.state import State
from tests.server.rollout.lanes.process import (
    NEXT_SPACE,
    Process,
    passed,
    rolled,
    serving_of,
    warmed,
)

pytestmark = pytest.mark.redis


async def never(*asked: Any) -> Verdict:
    await asyncio.Event().wait()
    return Verdict()


async def test_gateway_that_still_tries_what_is_promoted_follows_and_takes_part_in_the_next(
    process: Process, following: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "tried", never)
    await process.agree(rolled(following, stage="canary", step=1))
    await process.steps_until(lambda: process.attempted == "opening")
    done = rolled(following, stage="done", stable=str(following))
    await process.agree(done)
    await process.steps_until(lambda: process.space == NEXT_SPACE)
    await process.agree(done.replace(stage="verifying", rollout="r2", candidate="/nowhere"))
    await process.steps_until(lambda: process.attempted == "failed")


async def test_student_that_is_overtaken_by_the_next_is_neither_served_nor_kept(
    process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[OpenLane] = []
    closed: list[OpenLane] = []
    open_, close = OpenLane.open, OpenLane.close

    async def opening(*asked: Any) -> OpenLane:
        opened.append(await open_(*asked))
        return opened[-1]

    async def closing(self: OpenLane) -> None:
        closed.append(self)
        await close(self)

    monkeypatch.setattr(OpenLane, "open", opening)
    monkeypatch.setattr(OpenLane, "close", closing)
    one, other = (serving_of(tmp_path / name, seed=seed) for name, seed in (("a", 21), ("b", 31)))
    await process.follows(State(stable=str(one), stage="done"))
    await process.agree(State(stable=str(other), stage="done"))
    await process.steps_until(lambda: process.routing.stable is process.lanes.held(str(other)))
    assert process.lanes.held(str(one)) is None
    await process.close()
    assert {id(each) for each in opened} <= {id(each) for each in closed}


async def test_one_that_cannot_be_opened_leaves_nothing_behind_and_is_tried_again(
    process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "RETRY_S", 0.0)
    await process.agree(State(stable=str(tmp_path / "late"), stage="done"))
    for _ in range(5):
        await process.follower.step()
        await asyncio.sleep(0.02)
    assert len(process.follower._serving._opening._tasks) <= 1
    late = serving_of(tmp_path / "late")
    await process.steps_until(lambda: process.routing.stable is process.lanes.held(str(late)))


async def test_shadow_that_hangs_keeps_neither_the_follower_nor_the_end(
    process: Process, following: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "tried", passed)
    await warmed(process, following)
    await process.follows(rolled(following, stage="shadowing", step=1))
    watch = process.follower._watching.now
    assert watch is not None
    hung = asyncio.Event()

    async def hanging() -> None:
        while not hung.is_set():
            try:
                await hung.wait()
            except asyncio.CancelledError:
                continue

    watch.background.keep("hanging", hanging())
    await process.agree(rolled(following, stage="rolled_back"))
    async with asyncio.timeout(5.0):
        await process.follower.step()
    assert process.routing.shadow is None
    hung.set()

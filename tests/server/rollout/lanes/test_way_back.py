"""The student before, on its way into a process that was started since the promotion."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from server.open_lane import OpenLane
from server.rollout.lanes import way_back
from server.rollout.lanes.memory import Memory
from server.rollout.lanes.serving import RETRY_S
from server.rollout.lanes.way_back import WayBack
from server.rollout.state import State
from tests.server.rollout.lanes.process import NEXT_SPACE, Process
from tests.server.rollout.lanes.promotion import (
    counted_sources,
    hold_up,
    promoted,
)

pytestmark = pytest.mark.redis


async def _follows(back: WayBack, state: State, process: Process) -> None:
    """Until what that began is over."""
    await back.follow(state, 0, process.follower._serving)
    async with asyncio.timeout(60.0):
        await asyncio.gather(*back._opening._tasks)


async def test_next_try_comes_after_a_pause(
    process: Process, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 1000.0
    tries = counted_sources(process, monkeypatch)
    back = WayBack(process.lanes, clock=lambda: now_s)
    state = promoted(tmp_path, tmp_path / "nowhere")
    await _follows(back, state, process)
    await _follows(back, state, process)
    assert len(tries) == 1
    now_s += RETRY_S - 1.0
    await _follows(back, state, process)
    assert len(tries) == 1
    now_s += 1.0
    await _follows(back, state, process)
    assert len(tries) == 2


async def test_unexpected_fault_waits_for_the_next_try_too(
    process: Process, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back = WayBack(process.lanes, clock=lambda: 1000.0)

    async def broken(*asked: Any) -> OpenLane:
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr(OpenLane, "open", broken)
    await _follows(back, promoted(before, before), process)
    assert "by chance" in back.detail
    monkeypatch.undo()
    await _follows(back, promoted(before, before), process)
    assert process.lanes.held(str(before)) is None


async def test_another_version_than_was_promoted_over_is_not_opened(
    process: Process, before: Path
) -> None:
    back = WayBack(process.lanes)
    await _follows(back, promoted(before, before, previous_version="0ddba110ddba"), process)
    assert "0ddba110ddba is what was agreed on" in back.detail
    assert process.lanes.held(str(before)) is None


async def test_without_the_memory_for_it_it_is_not_opened(process: Process, before: Path) -> None:
    back = WayBack(process.lanes, lambda: Memory(1 << 20, 1 << 20))
    await _follows(back, promoted(before, before), process)
    assert "are left of memory_share" in back.detail
    assert process.lanes.held(str(before)) is None


async def test_it_waits_for_other_processes_of_the_machine(
    process: Process, before: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, is_next = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def later() -> AsyncIterator[None]:
        waits.set()
        await is_next.wait()
        yield

    monkeypatch.setattr(way_back, "turn", later)
    begins, _ = hold_up(monkeypatch, "none")
    back = WayBack(process.lanes)
    await back.follow(promoted(before, before), 0, process.follower._serving)
    async with asyncio.timeout(60.0):
        await waits.wait()
        assert begins == []
        is_next.set()
        await asyncio.gather(*back._opening._tasks)
    assert begins == [before.name]


async def test_folder_that_answers_is_not_closed_for_another_version_of_it(
    process: Process, following: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await process.agree(State(stable=str(following), stage="done"))
    await process.steps_until(lambda: process.space == NEXT_SPACE)
    answering = process.routing.stable
    tries = counted_sources(process, monkeypatch)
    back = WayBack(process.lanes)
    await _follows(back, promoted("", following, previous_version="0ddba110ddba"), process)
    assert tries == []
    assert process.lanes.held(str(following)) is answering

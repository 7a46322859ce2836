"""A student that was promoted over another one, which is kept, and what becomes of that."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from server.open_lane import OpenLane
from server.rollout.state import State
from tests.server.rollout.lanes.process import Process, rolled, serving_of

LONG_MS = 1 << 45
BEFORE_SPACE = "0ddba110ddba1101"


def serving_before(folder: Path) -> Path:
    return serving_of(folder, seed=31, space=BEFORE_SPACE)


def promoted(following: Path | str, previous: Path | str, **fields: Any) -> State:
    given = {"previous": str(previous), "keep_until_ms": LONG_MS, **fields}
    return rolled(following, stage="done", stable=str(following), **given)


def aborted(state: State) -> State:
    return state.replace(
        stage="rolled_back",
        stable=state.previous,
        stable_version=state.previous_version,
        keep_until_ms=0,
    )


def hold_up(monkeypatch: pytest.MonkeyPatch, name: str) -> tuple[list[str], asyncio.Event]:
    """Whose opening begins, and what ends the opening of bundles of that folder."""
    begins: list[str] = []
    go_on = asyncio.Event()
    open_ = OpenLane.open

    async def opening(source: Any, *asked: Any) -> OpenLane:
        begins.append(source.bundle.parent.name)
        if begins[-1] == name:
            await go_on.wait()
        return await open_(source, *asked)

    monkeypatch.setattr(OpenLane, "open", opening)
    return begins, go_on


def counted_sources(process: Process, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    tries: list[str] = []
    source = process.lanes.source

    async def looked_for(where: str) -> Any:
        tries.append(where)
        return await source(where)

    monkeypatch.setattr(process.lanes, "source", looked_for)
    return tries

import asyncio
from pathlib import Path

import pytest

from server.rollout.lanes.turn import turn


async def test_one_waits_until_the_other_is_done(tmp_path: Path) -> None:
    path, order = tmp_path / "lock", []

    async def second() -> None:
        async with turn(path):
            order.append("second")

    async with turn(path):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.15)
        order.append("first")
    await waiting
    assert order == ["first", "second"]


async def test_one_that_fails_or_gives_up_gives_its_turn_back(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with pytest.raises(ZeroDivisionError):
        async with turn(path):
            raise ZeroDivisionError
    async with turn(path):
        waiting = asyncio.create_task(turn(path).__aenter__())
        await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(5.0), turn(path):
        pass


async def test_where_nothing_can_be_written_nobody_waits(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    async with turn(tmp_path / "link"):
        pass
    assert not (tmp_path / "elsewhere").exists()

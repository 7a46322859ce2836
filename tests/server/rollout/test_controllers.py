"""Several controllers, that die or lose their server at any moment, or take turns in any order."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

import pytest
from redis.exceptions import ConnectionError as Unreachable

from cache.errors import StoreUnavailable
from cache.rollout_board import RolloutBoard
from server.rollout.acts import Asked, perform
from server.rollout.controller import Controller
from server.rollout.errors import ActRefused
from tests.server.rollout.gateways import (
    LEADER,
    START,
    WHOLE,
    check_recorded_once,
    state_of,
    tell,
)
from tests.server.rollout.states import put

pytestmark = pytest.mark.redis
CALLS: Final = 40
"""More than a controller makes in a whole rollout."""


class Killed(Exception):
    pass


class Meddled:
    """A client of which each call passes a gate, before and after."""

    def __init__(self, client: Any, gate: Callable[[str], Awaitable[None]]) -> None:
        self._client = client
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        async def gated(*args: Any, **named: Any) -> Any:
            await self._gate("before")
            told = await call(*args, **named)
            await self._gate("after")
            return told

        return gated


class Fault:
    """At the call of that number, once."""

    def __init__(self, when: str, number: int, error: Exception) -> None:
        self._when = when
        self._left = number
        self._error = error
        self.has_struck = False

    async def __call__(self, when: str) -> None:
        if when == self._when:
            self._left -= 1
            if self._left == 0:
                self.has_struck = True
                raise self._error


async def goes_on_to_the_end(board: RolloutBoard, controller: Controller) -> None:
    for _ in range(20):
        await tell(board)
        await controller.step()
        if not (await state_of(board)).is_running:
            return
    raise AssertionError(f"it stands still: {await state_of(board)}")


@pytest.mark.parametrize("when", ["before", "after"])
async def test_another_goes_on_from_wherever_one_was_killed(
    board: RolloutBoard, client: Any, when: str
) -> None:
    struck = 0
    for number in range(1, CALLS + 1):
        await client.flushall()
        await put(board, START)
        fault = Fault(when, number, Killed())
        dying = Controller(RolloutBoard(Meddled(client, fault), "student"), "one")  # type: ignore[arg-type]
        try:
            await goes_on_to_the_end(board, dying)
        except Killed:
            struck += 1
        if number > 1 or when == "after":
            assert await Controller(board, "two").step() is None  # until the lease is over
        await client.delete(LEADER)
        if (await state_of(board)).is_running:
            await goes_on_to_the_end(board, Controller(board, "two"))
        assert await check_recorded_once(board) == WHOLE
    assert 20 < struck < CALLS  # every call of the whole rollout was the last one once


@pytest.mark.parametrize("when", ["before", "after"])
async def test_controller_that_lost_its_server_at_any_call_goes_on_itself(
    board: RolloutBoard, client: Any, when: str
) -> None:
    for number in range(1, CALLS + 1):
        await client.flushall()
        await put(board, START)
        fault = Fault(when, number, Unreachable("reset"))
        one = Controller(RolloutBoard(Meddled(client, fault), "student"), "one")  # type: ignore[arg-type]
        try:
            await goes_on_to_the_end(board, one)
        except StoreUnavailable:
            if (await state_of(board)).is_running:
                await goes_on_to_the_end(board, one)
        assert await check_recorded_once(board) == WHOLE


class Turns:
    """Lets one call of one controller through at a time, in an order drawn at random."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._waiting: dict[str, asyncio.Future[None]] = {}
        self._arrived = asyncio.Event()

    def gate(self, name: str) -> Callable[[str], Awaitable[None]]:
        async def wait(when: str) -> None:
            if when == "before":
                self._waiting[name] = asyncio.get_running_loop().create_future()
                self._arrived.set()
                await self._waiting[name]

        return wait

    async def let_one_through(self, tasks: dict[str, asyncio.Task[Any]]) -> None:
        """Once all that still run stand at the gate."""
        while {name for name, task in tasks.items() if not task.done()} - self._waiting.keys():
            self._arrived.clear()
            running = [task for name, task in tasks.items() if name not in self._waiting]
            arrived = asyncio.create_task(self._arrived.wait())
            await asyncio.wait([arrived, *running], return_when=asyncio.FIRST_COMPLETED)
            arrived.cancel()
        if self._waiting:
            self._waiting.pop(self._rng.choice(sorted(self._waiting))).set_result(None)


class Noting(RolloutBoard):
    """Who was told that it leads, since the lease was last free."""

    leaders: set[bytes]

    async def lead(self, token: bytes, for_ms: int) -> bool:
        is_leading = await super().lead(token, for_ms)
        if is_leading:
            self.leaders.add(token)
            assert len(self.leaders) == 1
        return is_leading


async def interleaved(client: Any, seed: int) -> None:
    rng = random.Random(seed)
    turns, leaders = Turns(rng), set[bytes]()
    boards = {n: Noting(Meddled(client, turns.gate(n)), "student") for n in ("one", "two", "three")}  # type: ignore[arg-type]
    for board in boards.values():
        board.leaders = leaders
    controllers = {name: Controller(board, name) for name, board in boards.items()}
    direct = RolloutBoard(client, "student")
    await client.flushall()
    await put(direct, START)
    tasks: dict[str, asyncio.Task[Any]] = {}
    revision = 0
    while (await state_of(direct)).is_running:
        if (await direct.read()).revision != revision:
            await tell(direct)
            revision = (await direct.read()).revision
        for name, controller in controllers.items():
            if name not in tasks or tasks[name].done():
                if name in tasks:
                    tasks[name].result()
                tasks[name] = asyncio.create_task(controller.step())
        if rng.random() < 0.05:
            with suppress(ActRefused):  # not open yet
                await perform(direct, Asked("promote", "x@y"))
        if rng.random() < 0.2:  # the lease of whoever has it is over, whatever he is doing
            await client.delete(LEADER)
            leaders.clear()
        await turns.let_one_through(tasks)
    while not all(task.done() for task in tasks.values()):
        await turns.let_one_through(tasks)
    await asyncio.gather(*tasks.values())
    assert await check_recorded_once(direct) == WHOLE


async def test_in_whatever_order_they_and_a_person_act_no_two_lead_and_no_step_is_double(
    client: Any,
) -> None:
    for seed in range(50):
        await interleaved(client, seed)

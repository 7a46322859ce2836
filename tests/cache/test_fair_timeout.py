import asyncio
import socket
import time

import pytest
import uvloop

from cache.fair_timeout import FairTimeout


async def answered_while_the_loop_is_busy() -> bytes:
    """The answer lies in the socket all along; the loop comes back three budgets late."""
    here, there = socket.socketpair()
    with here, there:
        here.setblocking(False)
        there.send(b"!")
        loop = asyncio.get_running_loop()
        loop.call_soon(time.sleep, 0.03)
        reading = loop.create_task(received(here))
        async with FairTimeout(0.01):
            return await reading


async def received(here: socket.socket) -> bytes:
    await asyncio.sleep(0)  # what a request does while others work
    return await asyncio.get_running_loop().sock_recv(here, 1)


@pytest.mark.parametrize("run", [uvloop.run, asyncio.run])
def test_answer_that_is_there_is_not_a_timeout(run: type) -> None:
    assert run(answered_while_the_loop_is_busy()) == b"!"


async def test_no_answer_is_a_timeout_and_nothing_is_left_running() -> None:
    with pytest.raises(TimeoutError):
        async with FairTimeout(0.01):
            await asyncio.Event().wait()


async def test_answer_in_time_leaves_no_timer() -> None:
    async with FairTimeout(0.01):
        pass
    await asyncio.sleep(0.02)  # a timer left behind would cancel this

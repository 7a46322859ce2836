import asyncio
import time

import pytest
import uvloop

from cache.patience import TICKS, Patience


async def arrives_while_the_loop_is_busy() -> str:
    """The answer lies there all along; the loop comes back three waits late."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()
    loop.call_soon(time.sleep, 0.03)
    loop.call_later(0.001, answer.set_result, "there")
    with Patience(0.01).wait():
        return await answer


@pytest.mark.parametrize("run", [uvloop.run, asyncio.run])
def test_answer_that_is_there_is_not_a_timeout(run: type) -> None:
    assert run(arrives_while_the_loop_is_busy()) == "there"


async def test_no_answer_is_a_timeout_for_each_who_waits() -> None:
    patience = Patience(0.01)

    async def wait() -> None:
        with patience.wait():
            await asyncio.Event().wait()

    ends = await asyncio.gather(*(wait() for _ in range(3)), return_exceptions=True)
    assert [type(end) for end in ends] == [TimeoutError] * 3
    assert patience._waits == set()


async def test_a_wait_is_at_least_as_long_as_promised() -> None:
    patience = Patience(0.02)
    with patience.wait():
        await asyncio.sleep(0.0024)  # the ticks of an earlier wait go on
    started = time.perf_counter()
    with pytest.raises(TimeoutError), patience.wait():
        await asyncio.Event().wait()
    assert time.perf_counter() - started >= 0.02 * (TICKS - 1) / TICKS


async def test_answer_in_time_leaves_nothing_that_would_end_the_task() -> None:
    patience = Patience(0.005)
    with patience.wait():
        pass
    await asyncio.sleep(0.02)
    assert not patience._is_ticking


async def test_cancellation_from_outside_stays_one() -> None:
    patience = Patience(60.0)

    async def wait() -> None:
        with patience.wait():
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert patience._waits == set()

import asyncio
import subprocess
import sys
import threading

import pytest

from server.inference_thread import InferenceThread

SOON_S = 30.0


def twice(number: int) -> int:
    if number < 0:
        raise ValueError("less than nothing")
    return 2 * number


@pytest.mark.parametrize("rests", [False, True])
async def test_results_and_errors_come_back_in_order(rests: bool) -> None:
    thread = InferenceThread[int, int]()
    found = [await thread.result(twice, number, rests=rests) for number in range(5)]
    assert found == [0, 2, 4, 6, 8]
    with pytest.raises(ValueError, match="less than nothing"):
        await thread.result(twice, -1, rests=rests)
    assert await thread.result(twice, 3, rests=rests) == 6
    assert thread.run is None
    assert thread.close(SOON_S)


async def test_closed_thread_is_asked_nothing_more() -> None:
    thread = InferenceThread[int, int]()
    assert thread.close(SOON_S)
    with pytest.raises(RuntimeError, match="closed"):
        await thread.result(twice, 1, rests=False)


async def test_run_that_does_not_come_back_keeps_nobody_but_who_asked() -> None:
    go = threading.Event()
    thread = InferenceThread[int, bool]()
    asking = asyncio.create_task(thread.result(lambda _: go.wait(SOON_S), 7, rests=True))
    await asyncio.sleep(0)
    assert thread.run is not None
    assert thread.run.of == 7
    assert thread.run_s > 0.0
    assert not thread.close(0.0)
    go.set()
    assert await asking
    assert thread.run_s == 0.0


def test_process_ends_while_a_run_does_not() -> None:
    code = (
        "import asyncio, threading\n"
        "from server.inference_thread import InferenceThread\n"
        "async def run():\n"
        "    try:\n"
        "        async with asyncio.timeout(0.05):\n"
        "            work = lambda _: threading.Event().wait()\n"
        "            await InferenceThread().result(work, 1, rests=False)\n"
        "    except TimeoutError:\n"
        "        print('left behind')\n"
        "asyncio.run(run())\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=True)
    assert told.stdout == b"left behind\n"


async def test_caller_that_is_cancelled_leaves_the_thread_in_order() -> None:
    begun, go = threading.Event(), threading.Event()

    def wait(number: int) -> int:
        begun.set()
        go.wait(SOON_S)
        return number

    thread = InferenceThread[int, int]()
    asking = asyncio.create_task(thread.result(wait, 1, rests=False))
    await asyncio.to_thread(begun.wait, SOON_S)
    asking.cancel()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await thread.result(twice, 1, rests=False) == 2
    assert thread.close(SOON_S)

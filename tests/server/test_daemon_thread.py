import asyncio
import subprocess
import sys
import threading

import pytest

from server.daemon_thread import in_daemon_thread


async def test_what_work_returns_or_raises_is_told() -> None:
    assert await in_daemon_thread("name", lambda: threading.current_thread().name) == "name"
    with pytest.raises(ZeroDivisionError):
        await in_daemon_thread("name", lambda: 1 // 0)


async def test_work_that_ends_when_nobody_waits_is_passed_over() -> None:
    go = threading.Event()
    task = asyncio.create_task(in_daemon_thread("name", go.wait))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    go.set()
    await asyncio.sleep(0.01)


def test_process_ends_while_the_work_does_not() -> None:
    code = (
        "import asyncio, threading\n"
        "from server.daemon_thread import in_daemon_thread\n"
        "async def run():\n"
        "    try:\n"
        "        async with asyncio.timeout(0.05):\n"
        "            await in_daemon_thread('hung', threading.Event().wait)\n"
        "    except TimeoutError:\n"
        "        print('left behind')\n"
        "asyncio.run(run())\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30, check=True)
    assert told.stdout == b"left behind\n"

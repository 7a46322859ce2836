import asyncio
import math
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from cache.errors import TeacherHung
from cache.refresh.stacked import Wanted
from cache.refresh.teacher import Judged
from cache.refresh.teacher_thread import LOOK_S, Patience, TeacherThread
from tests.cache.refresh.blocking import Blocking, blocking
from tests.cache.refresh.worker_bench import Counting

__all__ = ["blocking"]

SHORT = Patience(looks=3, first_looks=9, look_s=0.0)


async def test_run_that_does_not_come_back_is_hung_after_so_many_looks(blocking: Blocking) -> None:
    thread = TeacherThread(blocking, SHORT)
    with pytest.raises(TeacherHung, match="9 looks"):
        await thread.judge([])


async def test_less_patience_is_had_once_a_run_has_come_back(blocking: Blocking) -> None:
    thread = TeacherThread(blocking, SHORT._replace(first_looks=math.inf))
    blocking.go.set()
    await thread.judge([])
    blocking.go.clear()
    with pytest.raises(TeacherHung, match="3 looks"):
        await thread.judge([])


async def test_teacher_without_a_limit_may_take_any_time(blocking: Blocking) -> None:
    thread = TeacherThread(blocking)
    asking = asyncio.create_task(thread.judge([]))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not asking.done()
    blocking.go.set()
    await asking


async def test_all_runs_have_one_thread_and_its_errors_are_told() -> None:
    threads = set()

    class Failing(Counting):
        def judge(self, wanted: Sequence[Wanted]) -> Judged:
            threads.add(threading.current_thread())
            raise ValueError("no such item")

    thread = TeacherThread(Failing())
    for _ in range(3):
        with pytest.raises(ValueError, match="no such item"):
            await thread.judge([])
    [own] = threads
    assert own.daemon


@pytest.mark.parametrize(
    ("batch_ms", "elsewhere_s", "seconds", "first_s"),
    [(50.0, None, 30, 300), (3000.0, None, 60, 300), (50.0, 200.0, 400, 400)],
)
def test_patience_is_several_times_what_a_run_may_take(
    batch_ms: float, elsewhere_s: float | None, seconds: float, first_s: float
) -> None:
    patience = Patience.of(batch_ms, elsewhere_s)
    assert (patience.looks * LOOK_S, patience.first_looks * LOOK_S) == (seconds, first_s)


def test_interpreter_ends_while_a_run_does_not() -> None:
    code = (
        "import asyncio, threading\n"
        "from cache.errors import TeacherHung\n"
        "from cache.refresh.teacher_thread import Patience, TeacherThread\n"
        "class Hanging:\n"
        "    trained_until_ms = 0\n"
        "    def judge(self, wanted):\n"
        "        threading.Event().wait()\n"
        "async def run():\n"
        "    try:\n"
        "        await TeacherThread(Hanging(), Patience(1, 1, 0.0)).judge([])\n"
        "    except TeacherHung:\n"
        "        print('left behind')\n"
        "asyncio.run(run())\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60, check=True)
    assert told.stdout == b"left behind\n"

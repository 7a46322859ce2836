import asyncio
import ctypes
import os
import time

import pytest

from loadtest.alarm import alarm
from loadtest.event_loop import run

STEP_S = 0.0037


async def _late_s(times: int) -> list[float]:
    """How long after it was due each wake came."""
    late, began_s = [], time.perf_counter()
    with alarm() as wake:
        for number in range(1, times + 1):
            due_s = began_s + number * STEP_S
            await wake(due_s)
            late.append(time.perf_counter() - due_s)
    return late


def test_it_never_wakes_early_and_seldom_late() -> None:
    late = sorted(run(_late_s(100)))
    assert late[0] >= 0.0
    assert late[50] < 0.005  # on a machine that runs other tests too


def test_what_is_past_wakes_at_once() -> None:
    async def past() -> float:
        began_s = time.perf_counter()
        with alarm() as wake:
            await wake(began_s - 5.0)
        return time.perf_counter() - began_s

    assert run(past()) < 1.0


def test_a_wait_that_was_given_up_does_not_ring_for_the_next() -> None:
    async def given_up() -> float:
        with alarm() as wake:
            began_s = time.perf_counter()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(wake(began_s + 0.05), 0.01)
            await wake(began_s + 0.08)
            return time.perf_counter() - began_s

    assert run(given_up()) >= 0.08


def test_its_file_is_closed() -> None:
    before = len(os.listdir("/proc/self/fd"))
    run(_late_s(2))
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_a_system_without_it_has_the_loops_own_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *given, **more: object())
    late = run(_late_s(5))
    assert len(late) == 5
    assert min(late) > -0.002

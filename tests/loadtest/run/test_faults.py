"""Faults on a process of our own."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from loadtest.run.faults import Staging, act
from loadtest.run.scenario import Scenario
from loadtest.stack import Stack


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield process
    process.kill()
    process.wait()


def _scenario(**fault: object) -> Scenario:
    steady = [[0.0, 1.0], [1.0, 1.0]]
    return Scenario.model_validate({"name": "t", "profile": steady, "faults": [fault]})


def _staging(process: subprocess.Popen[bytes]) -> Staging:
    return Staging(Stack("http://127.0.0.1:1", "redis://none", {"valkey": process.pid}), None)


async def test_a_paused_process_goes_on_afterwards(sleeper: subprocess.Popen[bytes]) -> None:
    scenario = _scenario(process="valkey", act="pause", **{"from": 0.2, "until": 0.8})
    acting = asyncio.create_task(act(scenario, _staging(sleeper), seconds=0.5))
    await asyncio.sleep(0.25)
    assert psutil.Process(sleeper.pid).status() == psutil.STATUS_STOPPED
    [mark] = await acting
    assert psutil.Process(sleeper.pid).status() != psutil.STATUS_STOPPED
    assert mark.what == "valkey paused"
    assert mark.until_s is not None
    assert 0.1 <= mark.from_s < mark.until_s


async def test_a_run_that_is_given_up_leaves_nothing_paused(
    sleeper: subprocess.Popen[bytes],
) -> None:
    scenario = _scenario(process="valkey", act="pause", **{"from": 0.0, "until": 1.0})
    acting = asyncio.create_task(act(scenario, _staging(sleeper), seconds=60.0))
    await asyncio.sleep(0.1)
    acting.cancel()
    await asyncio.gather(acting, return_exceptions=True)
    assert psutil.Process(sleeper.pid).status() != psutil.STATUS_STOPPED


async def test_a_killed_process_is_marked(sleeper: subprocess.Popen[bytes]) -> None:
    scenario = _scenario(process="valkey", act="kill", **{"from": 0.1})
    [mark] = await act(scenario, _staging(sleeper), seconds=0.5)
    assert sleeper.wait() == -signal.SIGKILL
    assert (mark.what, mark.until_s) == ("valkey killed", None)

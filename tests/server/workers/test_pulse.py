import asyncio
import os
from contextlib import closing
from pathlib import Path
from socket import AF_UNIX, SOCK_DGRAM, socket

import pytest

from server.workers.pulse import Beat, Pulse, PulseCount, listening
from tests.server.live import WAIT_S

LOOKS = 3
RUNNING = {0: 10, 1: 11}


async def ready() -> None:
    """From the beginning."""


def _beating(count: PulseCount, *beats: Beat) -> list[int]:
    for beat in beats:
        count.heard(beat)
    return count.silent(RUNNING)


def test_worker_that_stops_beating_is_silent_after_so_many_looks() -> None:
    count, other = PulseCount(LOOKS), Beat(0, 10)
    told = [_beating(count, other, Beat(1, 11))]
    told += [_beating(count, other) for _ in range(LOOKS)]
    assert told == [[], [], [], [1]]


def test_one_beat_in_time_is_enough() -> None:
    count, beat = PulseCount(LOOKS), Beat(0, 10)
    beats = [(beat,), (), (), (beat,), (), (), (beat,)]
    assert [_beating(count, *each) for each in beats] == [[]] * len(beats)


def test_worker_that_never_beat_is_only_starting() -> None:
    count = PulseCount(LOOKS)
    assert [_beating(count) for _ in range(10 * LOOKS)] == [[]] * 10 * LOOKS


def test_silence_of_a_worker_is_not_laid_to_the_next_of_its_number() -> None:
    count = PulseCount(LOOKS)
    _beating(count, Beat(1, 11))
    for _ in range(LOOKS):
        count.silent(RUNNING)
    later = {0: 10, 1: 99}
    assert [count.silent(later) for _ in range(LOOKS)] == [[]] * LOOKS
    count.heard(Beat(1, 11))  # under way as its process ended
    assert [count.silent(later) for _ in range(LOOKS)] == [[]] * LOOKS


def test_worker_that_does_not_run_is_not_silent() -> None:
    count = PulseCount(LOOKS)
    _beating(count, Beat(0, 10), Beat(1, 11))
    assert [count.silent({}) for _ in range(2 * LOOKS)] == [[]] * 2 * LOOKS


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> list[Beat]:
    beats: list[Beat] = []
    monkeypatch.setattr(PulseCount, "heard", lambda _, beat: beats.append(beat))
    return beats


async def _until(heard: list[Beat], beats: int) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            if len(heard) >= beats:
                return
            await asyncio.sleep(0.01)


async def test_beats_are_heard_while_the_loop_turns(tmp_path: Path, heard: list[Beat]) -> None:
    path = tmp_path / "pulse.sock"
    with await listening(path, PulseCount(LOOKS)):
        async with Pulse(path, 7, ready):
            await _until(heard, 2)
    assert set(heard) == {Beat(7, os.getpid())}


async def test_what_is_no_beat_is_passed_over(tmp_path: Path, heard: list[Beat]) -> None:
    path = tmp_path / "pulse.sock"
    with await listening(path, PulseCount(LOOKS)), closing(socket(AF_UNIX, SOCK_DGRAM)) as teller:
        for noise in (b"", b"beat", bytes(9)):
            teller.sendto(noise, str(path))
        async with Pulse(path, 7, ready):
            await _until(heard, 1)
    assert heard == [Beat(7, os.getpid())]


async def test_supervisor_that_comes_late_or_leaves_does_not_end_the_pulse(
    tmp_path: Path, heard: list[Beat]
) -> None:
    path = tmp_path / "pulse.sock"
    async with Pulse(path, 7, ready):
        for beats in (1, 2):
            await asyncio.sleep(0)
            with await listening(path, PulseCount(LOOKS)):
                await _until(heard, beats)


async def test_worker_that_is_not_ready_does_not_beat(tmp_path: Path, heard: list[Beat]) -> None:
    path, is_ready = tmp_path / "pulse.sock", asyncio.Event()

    async def until_ready() -> None:
        await is_ready.wait()

    with await listening(path, PulseCount(LOOKS)):
        async with Pulse(path, 7, until_ready), Pulse(path, 8, ready):
            await _until(heard, 2)
            assert {beat.worker for beat in heard} == {8}
            is_ready.set()
            await _until(heard, 4)
    assert {beat.worker for beat in heard} == {7, 8}


async def test_worker_that_is_not_well_does_not_beat(tmp_path: Path, heard: list[Beat]) -> None:
    path, well = tmp_path / "pulse.sock", [False]
    with await listening(path, PulseCount(LOOKS)):
        async with Pulse(path, 7, ready, lambda: well[0]), Pulse(path, 8, ready):
            await _until(heard, 2)
            assert {beat.worker for beat in heard} == {8}
            well[0] = True
            await _until(heard, 4)
    assert {beat.worker for beat in heard} == {7, 8}

"""Who is judged next."""

import asyncio
from typing import Any, cast

import pytest

from server.admission import Admission, Cost, Room
from server.assembly import Prepared
from server.caller import PATIENT, Caller, HungUp
from server.errors import DeadlineExceeded, Overloaded
from server.line import Line, Waiting
from server.stages import StageClock


class _Columns:
    def __init__(self, count: int) -> None:
        self.item_ids = [""] * count


def waits(
    candidates: int = 10, caller: Caller = PATIENT, deadline_ms: float = 1e6, late_ms: float = 0.0
) -> Waiting:
    clock = StageClock()
    clock.started_ns -= int(late_ms * 1e6)
    prepared = Prepared(0, None, None, cast("Any", None), cast("Any", _Columns(candidates)))
    return Waiting(prepared, cast("Any", None), clock, deadline_ms, caller, asyncio.Future())


@pytest.fixture
def line() -> Line:
    """A candidate takes a tenth of a millisecond."""
    return Line(Admission(Cost(0.0, 0.1), Room(1_000_000)), 100)


async def test_low_priority_comes_last(line: Line) -> None:
    low, *normal = waits(60, Caller(is_low=True)), waits(30), waits(30), waits(30)
    for each in (low, *normal):
        line.join(each)
    assert line.batch() == normal
    assert line.batch() == [low]
    assert not line


async def test_low_priority_fills_what_is_left_of_a_batch(line: Line) -> None:
    low, normal = waits(60, Caller(is_low=True)), waits(30)
    line.join(low)
    line.join(normal)
    assert line.batch() == [normal, low]


async def test_whoever_hung_up_is_dropped(line: Line) -> None:
    gone, there = waits(caller=Caller(lambda: True)), waits()
    line.join(gone)
    line.join(there)
    assert line.batch() == [there]
    assert isinstance(gone.answer.exception(), HungUp)


async def test_whose_deadline_passed_is_told_so(line: Line) -> None:
    late = waits(deadline_ms=50.0, late_ms=51.0)
    line.join(late)
    assert line.batch() == []
    assert isinstance(late.answer.exception(), DeadlineExceeded)


async def test_who_can_no_longer_be_in_time_is_refused_at_once(line: Line) -> None:
    hopeless, in_time = (waits(100, deadline_ms=50.0, late_ms=late) for late in (45.0, 30.0))
    line.join(hopeless)
    line.join(in_time)
    assert line.batch() == [in_time]
    refused = hopeless.answer.exception()
    assert isinstance(refused, Overloaded)
    assert refused.retry_after_s is not None

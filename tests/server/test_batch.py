"""Requests that wait for the model at the same time."""

import asyncio
from collections.abc import Sequence
from time import perf_counter_ns

import pytest

from server.assembly import Assembler, Assembly, Prepared
from server.errors import DeadlineExceeded
from server.lane import Lane
from server.ranked import Ranked
from server.stages import StageClock
from server.wire import RankRequest
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.lanes import open_lane

SIZES = [7, 1, 20, 12]
BROKEN = 13


def request(size: int) -> RankRequest:
    return RankRequest(**rank_body(f"user-{size}", size), deadline_ms=5000.0)


async def together(lane: Lane, sizes: Sequence[int]) -> list[Ranked | BaseException]:
    ranks = [lane.ranker.rank(request(size), StageClock()) for size in sizes]
    return await asyncio.gather(*ranks, return_exceptions=True)


def scores(ranked: Ranked | BaseException) -> list[float]:
    assert isinstance(ranked, Ranked)
    return list(ranked.scored.scores)


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The sizes of the requests in each batch; a request of BROKEN candidates breaks its batch."""
    seen: list[list[int]] = []
    real = Assembler.assemble

    def assemble(self: Assembler, requests: Sequence[Prepared]) -> Assembly:
        seen.append([len(each.columns.item_ids) for each in requests])
        if BROKEN in seen[-1]:
            raise RuntimeError("broken")
        return real(self, requests)

    monkeypatch.setattr(Assembler, "assemble", assemble)
    return seen


async def test_requests_judged_together_are_those_judged_alone(
    served: Served, batches: list[list[int]]
) -> None:
    lane = open_lane(served.student)
    shared = await together(lane, SIZES)
    assert batches == [SIZES]
    alone = [await lane.ranker.rank(request(size), StageClock()) for size in SIZES]
    for one, other in zip(shared, alone, strict=True):
        # In a run of another size a product may be summed in another order.
        assert scores(one) == pytest.approx(scores(other), abs=1e-6)


async def test_batch_is_bounded_by_its_candidates(served: Served, batches: list[list[int]]) -> None:
    await together(open_lane(served.student, batch_candidates=21), [*SIZES, 30])
    assert batches == [[7, 1], [20], [12], [30]]


async def test_broken_request_fails_alone(served: Served, batches: list[list[int]]) -> None:
    answered = await together(open_lane(served.student), [7, BROKEN, 20])
    assert [isinstance(ranked, Ranked) for ranked in answered] == [True, False, True]
    assert str(answered[1]) == "broken"
    assert batches == [[7, BROKEN, 20], [7], [BROKEN], [20]]


async def test_caller_that_hung_up_costs_nothing(served: Served, batches: list[list[int]]) -> None:
    lane = open_lane(served.student)
    tasks = [asyncio.create_task(lane.ranker.rank(request(size), StageClock())) for size in SIZES]
    await asyncio.sleep(0)  # all of them wait now
    tasks[1].cancel()
    await asyncio.wait(tasks)
    assert batches == [[7, 20, 12]]


async def test_request_whose_time_passed_in_the_queue_is_told_so(
    served: Served, batches: list[list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lane = open_lane(served.student, batch_candidates=6)
    counted = Assembler.assemble

    def assemble(self: Assembler, requests: Sequence[Prepared]) -> Assembly:
        clock.started_ns = perf_counter_ns() - 10_000_000_000
        return counted(self, requests)

    monkeypatch.setattr(Assembler, "assemble", assemble)
    clock = StageClock()
    ranks = [
        lane.ranker.rank(request(size), waits)
        for size, waits in ((6, StageClock()), (5, clock), (1, StageClock()))
    ]
    in_time, late, other = await asyncio.gather(*ranks, return_exceptions=True)
    assert isinstance(late, DeadlineExceeded)
    assert isinstance(in_time, Ranked)
    assert isinstance(other, Ranked)
    assert batches == [[6], [1]]  # nothing is computed for it

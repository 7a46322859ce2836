"""A lane whose model is run elsewhere."""

import asyncio

import pytest

from models.triton.errors import TritonError, TritonUnavailable
from server.answer import AnswerWriter
from server.lane import Lane
from server.stages import StageClock
from server.wire import RankAnswer, RankRequest
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.fake_triton import FakeTriton, first, lane, model, triton
from tests.server.lanes import open_lane

__all__ = ["first", "lane", "model", "triton"]


async def answer(lane: Lane, size: int = 20) -> RankAnswer:
    request = RankRequest(**rank_body("user-1", size), deadline_ms=5000.0)
    return AnswerWriter("m", "v", "stable").write(await lane.ranker.rank(request, StageClock()))


def reasons(answered: RankAnswer) -> list[str]:
    return [each.reason for each in answered.degraded if each.stage == "inference"]


async def test_degraded_answer_has_the_same_scores_and_says_why(
    lane: Lane, triton: FakeTriton, served: Served
) -> None:
    whole = await answer(lane)
    triton.fault = TritonUnavailable("gone")
    degraded, alone = await answer(lane), await answer(open_lane(served.student))
    assert (reasons(whole), reasons(degraded)) == ([], ["triton_unavailable"])
    assert whole.item_ids == degraded.item_ids == alone.item_ids
    assert whole.scores == pytest.approx(degraded.scores, abs=1e-9)


async def test_requests_that_share_a_run_are_not_run_again_for_tritons_fault(
    lane: Lane, triton: FakeTriton
) -> None:
    triton.fault = TritonError("broken")
    answered = await asyncio.gather(*(answer(lane, size) for size in (5, 9, 12)))
    assert [reasons(each) for each in answered] == [["triton_unavailable"]] * 3
    assert len(triton.limits_s) == 1


async def test_triton_is_never_waited_for_on_the_event_loop(lane: Lane, triton: FakeTriton) -> None:
    for size in (1, 200):
        await answer(lane, size)
    [thread] = triton.threads
    assert thread.startswith("inference")

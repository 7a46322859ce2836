"""Several requests in one run of the model."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.features.records import Arrays
from models.runtime import Model, Outputs
from server.lane import Lane
from server.ranked import Ranked
from server.scoring import RUN_CELLS, runs
from server.stages import StageClock
from server.wire import RankRequest
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.lanes import open_lane

BAD = 13
real = Model.run


@given(st.lists(st.integers(1, 1500), max_size=30))
def test_runs_hold_every_request_once_in_order_and_are_bounded(sizes: list[int]) -> None:
    spans = list(runs(sizes))
    assert [at for first, last in spans for at in range(first, last)] == list(range(len(sizes)))
    for first, last in spans:
        assert last == first + 1 or max(sizes[first:last]) * (last - first) <= RUN_CELLS


@given(st.lists(st.integers(1, 1500), min_size=2, max_size=30))
def test_no_run_could_have_taken_the_next_request(sizes: list[int]) -> None:
    for first, last in list(runs(sizes))[:-1]:
        assert max(sizes[first : last + 1]) * (last + 1 - first) > RUN_CELLS


def request(size: int) -> RankRequest:
    return RankRequest(**rank_body(f"user-{size}", size), deadline_ms=5000.0)


async def rank(lane: Lane, *sizes: int) -> list[Ranked]:
    return await asyncio.gather(*(lane.ranker.rank(request(n), StageClock()) for n in sizes))


@pytest.fixture
def sizes_run(monkeypatch: pytest.MonkeyPatch) -> list[list[int]]:
    """The sizes of the requests in each run of the model."""
    seen: list[list[int]] = []

    def run(model: Model, arrays: Arrays) -> Outputs:
        seen.append(np.bincount(arrays["request_index"]).tolist())
        return real(model, arrays)

    monkeypatch.setattr(Model, "run", run)
    return seen


async def test_small_requests_share_a_run_and_score_as_alone(
    served: Served, sizes_run: list[list[int]]
) -> None:
    lane = open_lane(served.student)
    sizes_run.clear()  # of the golden batch
    together = await rank(lane, 7, 20, 12)
    assert sizes_run == [[7, 20, 12]]
    for size, ranked in zip((7, 20, 12), together, strict=True):
        [alone] = await rank(lane, size)
        np.testing.assert_allclose(ranked.scored.scores, alone.scored.scores, atol=1e-6)


async def test_request_that_breaks_a_run_fails_alone(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(model: Model, arrays: Arrays) -> Outputs:
        if BAD in np.bincount(arrays["request_index"]):
            raise RuntimeError("broken")
        return real(model, arrays)

    monkeypatch.setattr(Model, "run", run)
    ranked = await rank(open_lane(served.student), 7, BAD, 12)
    assert [each.scored.reason for each in ranked] == [None, "failed", None]


async def test_scores_that_are_not_finite_are_of_one_request_only(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(model: Model, arrays: Arrays) -> Outputs:
        outputs = real(model, arrays)
        if BAD in np.bincount(arrays["request_index"]):
            outputs.logit[:] = np.nan  # what one's history does to all who share the run
        return outputs

    monkeypatch.setattr(Model, "run", run)
    ranked = await rank(open_lane(served.student), 7, BAD, 12)
    assert [each.scored.reason for each in ranked] == [None, "not_finite", None]

"""The ranker when parts of it fail."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from models.features.hashing import keys64
from models.features.prior_rates import prior_scores
from models.features.records import Arrays
from models.runtime import Model, Outputs
from server.gateway import Gateway
from server.settings import Settings
from server.stages import StageClock
from server.warmup import warm_up
from server.wire import RankRequest
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.lanes import open_lane


def request(count: int) -> RankRequest:
    return RankRequest(**rank_body("user-1", count))


def fails(arrays: Arrays) -> Outputs:
    raise RuntimeError("out of memory")


def gives_nan(arrays: Arrays) -> Outputs:
    return Outputs(np.full((len(arrays["request_index"]), 2), np.nan, np.float32), None)


@pytest.mark.parametrize(("run", "reason"), [(fails, "failed"), (gives_nan, "not_finite")])
async def test_model_that_fails_leaves_the_prior_scores(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    run: Callable[[Arrays], Outputs],
    reason: str,
) -> None:
    lane = open_lane(served.student)
    monkeypatch.setattr(Model, "run", lambda model, arrays: run(arrays))
    for _ in range(3):
        ranked = await lane.ranker.rank(request(5), StageClock())
    assert len(caplog.messages) == (reason == "failed")
    answer = lane.answers.write(ranked)
    assert [(entry.stage, entry.reason) for entry in answer.degraded] == [("inference", reason)]
    items = lane.catalogue.view
    counters, _ = items.counted(items.rows(keys64(answer.item_ids)))
    expected = prior_scores(counters, (0.04, 0.005))[:, 0]
    assert answer.scores == expected.tolist() == sorted(expected, reverse=True)


async def test_warm_up_fits_a_cost_and_leaves_nothing_in_work(served: Served) -> None:
    lane = open_lane(served.student)
    cost = await warm_up(lane)
    assert cost.per_request_ms > 0
    assert cost.per_candidate_ms >= 0
    assert (lane.admission.requests, lane.admission.candidates) == (0, 0)


async def test_requests_in_work_count_until_they_are_answered(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, go = open_lane(served.student), asyncio.Event()
    read = lane.ranker.cache.read

    async def slow(user_id: str, left_ms: float) -> Any:
        await go.wait()
        return await read(user_id, left_ms)

    monkeypatch.setattr(lane.ranker.cache, "read", slow)
    task = asyncio.create_task(lane.ranker.rank(request(50), StageClock()))
    await asyncio.sleep(0)
    assert lane.admission.candidates == 50
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert lane.admission.candidates == 0


async def test_gateway_that_stops_while_it_opens_leaves_no_task(served: Served) -> None:
    before = asyncio.all_tasks()
    gateway = Gateway(Settings(bundle=served.student))
    await gateway.start()
    await gateway.stop()
    assert asyncio.all_tasks() == before

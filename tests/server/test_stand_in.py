"""The student that answers when the lane's own gives nothing."""

import numpy as np
import pytest

from models.features.records import Arrays
from models.runtime import Model, Outputs
from server.answer import AnswerWriter
from server.lane import Lane
from server.stages import StageClock
from server.stand_in import StandInUnfit
from server.wire import RankAnswer, RankRequest
from tests.bundles import rank_body
from tests.server.conftest import Served
from tests.server.lanes import open_lane

COUNT = 12


async def answer(lane: Lane) -> RankAnswer:
    request = RankRequest(**rank_body("user-1", COUNT))
    ranked = await lane.ranker.rank(request, StageClock())
    return AnswerWriter("m", "v", "stable").write(ranked)


def breaks(monkeypatch: pytest.MonkeyPatch, *, logit: float | None, version: str) -> None:
    """The model of this version raises, or says `logit` of everything."""
    real = Model.run

    def run(model: Model, arrays: Arrays) -> Outputs:
        if model.version != version:
            return real(model, arrays)
        if logit is None:
            raise RuntimeError("out of memory")
        return Outputs(np.full((len(arrays["request_index"]), 2), logit, np.float32), None)

    monkeypatch.setattr(Model, "run", run)


@pytest.mark.parametrize(
    ("logit", "reason"), [(None, "failed_stand_in"), (np.nan, "not_finite_stand_in")]
)
async def test_stand_in_answers_as_it_would_alone(
    served: Served, monkeypatch: pytest.MonkeyPatch, logit: float | None, reason: str
) -> None:
    alone = await answer(open_lane(served.alone))
    lane = open_lane(served.student, stand_in_bundle=served.alone)
    breaks(monkeypatch, logit=logit, version=lane.model.version)
    said = await answer(lane)
    assert [(each.stage, each.reason) for each in said.degraded] == [("inference", reason)]
    assert dict(zip(said.item_ids, said.scores, strict=True)) == pytest.approx(
        dict(zip(alone.item_ids, alone.scores, strict=True))
    )


async def test_stand_in_says_nothing_while_the_student_answers(served: Served) -> None:
    with_it = await answer(open_lane(served.student, stand_in_bundle=served.alone))
    without = await answer(open_lane(served.student))
    assert (with_it.item_ids, with_it.scores) == (without.item_ids, without.scores)
    assert with_it.degraded == without.degraded


async def test_prior_rates_order_when_the_stand_in_fails_too(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(model: Model, arrays: Arrays) -> Outputs:
        raise RuntimeError("out of memory")

    lane = open_lane(served.student, stand_in_bundle=served.alone)
    monkeypatch.setattr(Model, "run", fails)
    said = await answer(lane)
    assert [each.reason for each in said.degraded] == ["failed"]
    assert len(said.item_ids) == COUNT


def test_stand_in_that_reads_a_cache_is_refused(served: Served) -> None:
    with pytest.raises(StandInUnfit, match="reads the space"):
        open_lane(served.student, stand_in_bundle=served.student)

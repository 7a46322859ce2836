"""What became of evidence is a metric, and stays one when its stage is over."""

from pathlib import Path

import pytest

from server.rollout.lanes import attempt as attempts
from tests.server.rollout.lanes.process import Process, passed, rolled, warmed

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def _trials_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "tried", passed)


async def test_evidence_is_counted_by_model_over_stages(process: Process, following: Path) -> None:
    await warmed(process, following)
    for step in range(2):
        await process.follows(rolled(following, stage="canary", step=step))
        assert process.routing.witness is not None
        process.routing.witness.note("not_counted", ValueError("odd"))
        assert counted(process) == step + 1
    await process.follows(rolled(following, stage="rolled_back"))
    assert counted(process) == 2


def counted(process: Process) -> float | None:
    return process.sample("understudy_evidence_total", model="student", what="not_counted")

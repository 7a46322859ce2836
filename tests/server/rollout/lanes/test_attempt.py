"""A rollout's bundle on its way into a gateway: what becomes of it, and of what went wrong."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from server.rollout.lanes import attempt as attempts
from server.rollout.lanes.errors import TrialFailed
from server.rollout.lanes.memory import Memory
from server.rollout.lanes.trial_wire import Verdict
from tests.bundles import linear_student
from tests.server.rollout.lanes.process import Process, passed, rolled

pytestmark = pytest.mark.redis


@pytest.fixture(autouse=True)
def _trials_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "tried", passed)


@pytest.mark.parametrize(
    ("where", "said"),
    [("nowhere", "holds no serving.json"), ("student-0123456789ab", "none is configured")],
)
async def test_bundle_that_is_not_there_fails_with_the_reason(
    process: Process, tmp_path: Path, where: str, said: str
) -> None:
    given = where if "-" in where else tmp_path / where
    await process.agree(rolled(given, stage="verifying"))
    await failed(process, said)


async def failed(process: Process, said: str) -> None:
    await process.steps_until(lambda: process.attempted == "failed")
    await process.follower.step()
    told = await process.told()
    assert told.candidate_state == "failed"
    assert said in told.detail
    assert process.routing.candidate is None


async def test_student_of_another_model_fails(process: Process, following: Path) -> None:
    alone = linear_student(following, teacher_dim=0)
    index = json.loads((following / "serving.json").read_text())
    (following / "serving.json").write_text(json.dumps({**index, "student": alone.name}))
    await process.agree(rolled(following, stage="verifying"))
    await failed(process, "the model is alone, and student is served")
    assert process.lanes.held(str(following)) is None


async def test_bundle_that_fails_its_trial_is_never_opened(
    process: Process, following: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tried(*asked: Any) -> Verdict:
        raise TrialFailed("its trial was ended by SIGSEGV")

    monkeypatch.setattr(attempts, "tried", tried)
    await process.agree(rolled(following, stage="verifying"))
    await failed(process, "SIGSEGV")
    assert process.lanes.held(str(following)) is None


async def test_attempt_of_a_rollout_that_is_over_ends(
    process: Process, following: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_ended = asyncio.Event()

    async def tried(*asked: Any) -> Verdict:
        try:
            await asyncio.Event().wait()
        finally:
            is_ended.set()
        return Verdict()

    monkeypatch.setattr(attempts, "tried", tried)
    await process.agree(rolled(following, stage="verifying"))
    await process.steps_until(
        lambda: process.follower._attempt and "process" in process.follower._attempt.detail
    )
    await process.follows(rolled(following, stage="rolled_back"))
    assert is_ended.is_set()


async def test_bundle_without_the_memory_to_try_it_is_not_tried(
    process: Process, following: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def tried(*asked: Any) -> Verdict:
        raise AssertionError("it is not to be tried")

    tight = Memory(attempts.IMPORTS + (1 << 10), 0)
    monkeypatch.setattr(attempts, "tried", tried)
    attempt = attempts.Attempt(rolled(following, stage="verifying"), process.lanes, lambda: tight)
    await attempt.run(process.routing.stable)
    assert attempt.state == "failed"
    assert attempt.detail.startswith("its trial takes 96 MiB and 86 are left")


async def test_trial_is_told_what_memory_is_left(
    process: Process, following: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []

    async def tried(*asked: Any) -> Verdict:
        told.extend(asked)
        return Verdict()

    monkeypatch.setattr(attempts, "tried", tried)
    roomy = Memory(10 << 30, 1 << 30)
    attempt = attempts.Attempt(rolled(following, stage="verifying"), process.lanes, lambda: roomy)
    await attempt.run(process.routing.stable)
    assert attempt.state == "warm"
    assert told[-1] == 8 << 30

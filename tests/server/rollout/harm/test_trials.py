"""What a trial alone finds of each kind of harm, without traffic."""

import asyncio
import re
from pathlib import Path
from typing import Final

import pytest

from server.open_lane import Source
from server.rollout.lanes.attempt import check
from server.rollout.lanes.errors import TrialFailed
from server.rollout.lanes.trial import tried
from server.rollout.lanes.trial_wire import Asked, Verdict
from server.rollout.plan import RolloutPlan
from server.serving_folder import open_serving_folder
from tests.server.rollout.harm.kinds import KINDS, as_good

PLAN: Final = RolloutPlan()
VERIFIED: Final = [name for name, kind in KINDS.items() if kind.stages == ("verifying",)]
LATER: Final = [name for name, kind in KINDS.items() if "verifying" not in kind.stages]


def verdict_of(candidate: Path, stable: Path) -> Verdict:
    one, other = (Source(open_serving_folder(each).student) for each in (candidate, stable))
    return asyncio.run(tried(one, other, Asked()))


@pytest.mark.parametrize("name", [name for name in VERIFIED if name != "killing"])
def test_harm_that_shows_at_once_is_refused(name: str, good_serving: Path, tmp_path: Path) -> None:
    verdict = verdict_of(KINDS[name].build(tmp_path), good_serving)
    with pytest.raises(TrialFailed) as refused:
        check(verdict, PLAN)
    assert re.search(KINDS[name].reason, str(refused.value))


@pytest.mark.parametrize("name", LATER)
def test_harm_that_only_traffic_shows_is_not(name: str, good_serving: Path, tmp_path: Path) -> None:
    check(verdict_of(KINDS[name].build(tmp_path), good_serving), PLAN)


def test_student_as_good_is_let_through(good_serving: Path, tmp_path: Path) -> None:
    verdict = verdict_of(as_good(tmp_path), good_serving)
    check(verdict, PLAN)
    assert verdict.requests > 0

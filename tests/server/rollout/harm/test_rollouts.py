"""Harmful students, rolled out to real gateways under load: nobody is harmed by them.

Times of the plan are short; α and margins are the default ones.
"""

import asyncio
import json
import re
import sys
from pathlib import Path
from typing import Final

import pytest

from models.manifest import read_manifest
from server.rollout.guardrails.plan import Plan
from server.rollout.plan import RolloutPlan
from server.serving_folder import open_serving_folder
from tests.server.rollout.harm.kinds import KINDS, as_good
from tests.server.rollout.harm.site import Seen, Site

pytestmark = [pytest.mark.redis, pytest.mark.slow]

RATE: Final = 800.0
MOST_SHARE: Final = 0.05
NOISE: Final = 0.02
"""Of a share of 1,500 users: more than three standard deviations."""
QUICK: Final = ("raising", "killing", "no number", "inverted", "doubled")
PLAN: Final = RolloutPlan(
    steps=(MOST_SHARE, 0.5, 1.0),
    least_s=1.0,
    shadow_share=1.0,
    shadow_s=1.0,
    shadow_most_s=20.0,
    attribution_s=1.0,
    keep_s=1.0,
    top_k=5,
    window_s=1.0,
    guardrails=Plan(fewest_requests=500, most_requests=2_000, budget_ms=1_000.0),
)
BRIEF: Final = PLAN.model_copy(
    update={
        "guardrails": PLAN.guardrails.model_copy(
            update={"fewest_requests": 100, "most_requests": 200}
        )
    }
)
"""What is harmless is not proven to be so by then, but it goes on."""


def check_harmed_nobody(seen: Seen, stable: Path) -> None:
    answered = [each for each in seen.told if each.lane == "stable"]
    assert {each.status for each in seen.told} == {200}
    assert {each.version for each in answered} == {version_of(stable)}
    assert all(each.is_judged for each in answered)


def check_rolled_back(seen: Seen, name: str, stable: Path) -> None:
    kind, last = KINDS[name], seen.entries[0]
    say(name, seen)
    assert seen.state.stage == "rolled_back"
    assert last.by == "controller"
    assert last.from_stage in kind.stages, last.reason
    assert re.search(kind.reason, last.reason), last.reason
    assert seen.largest_share <= MOST_SHARE
    assert seen.share_of("canary") <= MOST_SHARE + NOISE
    check_harmed_nobody(seen, stable)


def say(name: str, seen: Seen) -> None:
    """For who runs it with -s."""
    last = seen.entries[0]
    told = {
        "student": name,
        "stopped": f"{last.from_stage} {last.from_step}",
        "reason": last.reason,
        "answers": len(seen.told),
        "canary": round(seen.share_of("canary"), 4),
        "took_s": (last.at_ms - seen.entries[-1].at_ms) / 1000,
    }
    sys.stdout.write(json.dumps(told) + "\n")


def version_of(serving: Path) -> str:
    return read_manifest(open_serving_folder(serving).student)[1]


def rolled_out(site: Site, name: str, folder: Path) -> Seen:
    return asyncio.run(site.roll_out(KINDS[name].build(folder), PLAN, RATE))


@pytest.mark.parametrize("name", QUICK)
def test_harmful_student_is_rolled_back(
    name: str, site: Site, good_serving: Path, tmp_path: Path
) -> None:
    check_rolled_back(rolled_out(site, name, tmp_path), name, good_serving)


@pytest.mark.chaos
@pytest.mark.parametrize("name", KINDS)
def test_harmful_student_is_rolled_back_by_several_gateways(
    name: str, large_site: Site, good_serving: Path, tmp_path: Path
) -> None:
    check_rolled_back(rolled_out(large_site, name, tmp_path), name, good_serving)


def test_student_as_good_answers_everybody_in_the_end(
    site: Site, good_serving: Path, tmp_path: Path
) -> None:
    check_done(site, BRIEF, good_serving, as_good(tmp_path))


@pytest.mark.chaos
def test_student_as_good_answers_everybody_of_several_gateways(
    large_site: Site, good_serving: Path, tmp_path: Path
) -> None:
    check_done(large_site, PLAN, good_serving, as_good(tmp_path))


def check_done(site: Site, plan: RolloutPlan, before: Path, after: Path) -> None:
    seen = asyncio.run(site.roll_out(after, plan, RATE))
    say("as good", seen)
    assert seen.state.stage == "done", seen.state.reason
    assert [each.to_stage for each in reversed(seen.entries)] == [
        "verifying", "shadowing", "canary", "canary", "canary", "done",
    ]  # fmt: skip
    assert {each.status for each in seen.told} == {200}
    versions = [each.version for each in seen.told]
    assert set(versions) == {version_of(before), version_of(after)}
    assert set(versions[-50:]) == {version_of(after)}

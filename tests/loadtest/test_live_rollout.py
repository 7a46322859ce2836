"""The demo's two rollouts on tiny bundles: real processes, real Valkey, a real outage."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from loadtest.demo.rollout import live, script
from loadtest.demo.rollout.rehearsal import rolled_out
from tests.bundles import NOW_MS, rank_body, tiny_users
from tests.server.rollout.harm.kinds import good

pytestmark = [pytest.mark.redis, pytest.mark.slow]

HOST = "127.0.0.1"
REQUESTS, USERS = 900, 300
PATIENT = {"UNDERSTUDY_CACHE_TIMEOUT_MS": "250", "UNDERSTUDY_DEADLINE_MS": "30000"}
PLAN = """
steps = [0.5, 1.0]
least_s = 0.5
slowdown = 10
shadow_share = 1.0
shadow_least = 150
shadow_s = 0.5
shadow_most_s = 60
guardrails = { fewest_requests = 20, most_requests = 40, budget_ms = 30000, psi = 10 }
"""
"""What tiny students make of hints changes all their scores: only their order is judged."""


def _write_replay(serving: Path) -> None:
    """Each asks about the same items whenever he comes, and clicks on the first that is shown."""
    with (serving / "replay.jsonl").open("w") as file:
        for number in range(REQUESTS):
            user = number % USERS
            time_ms = NOW_MS + number * 15_000
            body = rank_body(f"user-{user}", 30, seed=user, timestamp_ms=time_ms)
            shown = [
                {"item_id": item_id, "position": place, "labels": {"click": int(place == 0)}}
                for place, item_id in enumerate(body["item_ids"][:3])
            ]
            file.write(json.dumps({"request": body, "shown": shown}) + "\n")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    out = tmp_path_factory.mktemp("demo")
    serving = out / "serving"
    serving.mkdir()
    good(serving)
    tiny_users().save(serving / "users.safetensors")
    _write_replay(serving)
    (out / "plan.toml").write_text(PLAN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "PLAN", out / "plan.toml")
        patch.setattr(live, "REPLAY_S", 45.0)
        patch.setattr(live, "TURNS", 2)
        patch.setattr(live, "OUTAGE_AT_S", 0.2)
        patch.setattr(live, "OUTAGE_S", 1.5)
        patch.setattr(script, "BEFORE_S", 1.0)
        patch.setattr(script, "REST_S", 0.5)
        yield rolled_out(out, HOST, PATIENT, Console(quiet=True))


def _reasons(rollout: dict[str, Any]) -> list[str]:
    return [each["reason"] for each in rollout["transitions"]]


def test_better_student_is_promoted_and_the_harmful_one_rolled_back(report: dict[str, Any]) -> None:
    better, harmful = (report["rollouts"][role] for role in ("better", "harmful"))
    assert report["is_over"]
    assert better["ended"] == "done", _reasons(better)
    assert harmful["ended"] == "rolled_back", _reasons(harmful)
    assert harmful["guardrail_decided"]
    assert harmful["answers_as_canary"] == 0
    deciding = harmful["guardrail_over_time"][-1]
    assert deciding["low"] > deciding["margin"]


def test_no_request_fails_and_the_canary_answers_while_redis_is_stopped(
    report: dict[str, Any],
) -> None:
    assert report["failed_requests"] == 0
    assert report["redis_outage"]["degraded_requests"] > 0
    lanes = [set(second["answers"]) for second in report["answered_over_time"]]
    assert lanes[0] == {"first stable"}
    assert {"better canary", "first stable"} in lanes
    assert lanes[-1] == {"better stable"}
    stopped_s = report["redis_outage"]["from_s"]
    [canary] = [
        each for each in report["rollouts"]["better"]["transitions"] if each["share"] == 0.5
    ]
    assert stopped_s >= canary["at_s"]

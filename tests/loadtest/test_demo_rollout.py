"""The demo's two rollouts: what their report makes of samples, answers and history."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from loadtest.demo.gateway import Slate
from loadtest.demo.replay import MAIN, Replayed, Run
from loadtest.demo.rollout import words
from loadtest.demo.rollout.live import Rehearsed
from loadtest.demo.rollout.plot import standing_alone, timeline
from loadtest.demo.rollout.repeated import repeated
from loadtest.demo.rollout.script import Sample
from loadtest.demo.rollout.timeline import compose, nearest
from loadtest.replay_log import LoggedRequest, Shown

STUDENTS = {"first": "student-aa", "better": "student-bb", "harmful": "student-cc"}
MOST_BYTES = 60_000
STARTED_MS = 5_000.0


def _figures(low: float | None, high: float | None, margin: float = 0.2) -> dict[str, Any]:
    sides = {"canary": 1.0, "stable": 1.0, "harm": low}
    return sides | {"low": low, "high": high, "margin": margin, "alpha": 1e-4}


def _verdict(by: str | None = None, **figures: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "continue", "by": by, "requests": 40, "unproven": ["a"], "figures": figures}


def _entry(at_s: float, candidate: str, to: str, share: float, verdict: Any) -> dict[str, Any]:
    places = {"from_stage": "canary", "from_step": 0, "to_stage": to, "share": share}
    said = {"by": "controller", "reason": "because", "verdict": verdict}
    return {"at_ms": STARTED_MS + 1000 * at_s, "candidate": candidate, **places, **said}


def _logged(number: int) -> LoggedRequest:
    body = {"user_id": f"u{number}", "timestamp_ms": 1000 * number, "item_ids": ["a", "b"]}
    return LoggedRequest(number, body, (Shown("a", 1, {"click": 1}),))


def _answer(number: int, at_s: float, version: str, lane: str) -> Replayed:
    stages, coverage = {"total": 1.0}, dict.fromkeys(("pair", "user"), 0.5)
    slate = Slate(200, 2.0, stages, coverage, (), None, (0.5,), lane, version)
    return Replayed(_logged(number), at_s, {MAIN: slate})


@pytest.fixture
def told() -> Rehearsed:
    """One answer a tenth of a second: the better student half of them from second 2 on, all from
    second 4; the harmful one is seen in shadow alone, at second 5."""
    replayed = []
    for number in range(60):
        at_s = number / 10
        is_canary = 2 <= at_s < 4 and number % 2
        version = "bb" if is_canary or at_s >= 4 else "aa"
        replayed.append(_answer(number, at_s, version, "canary" if is_canary else "stable"))
    samples = [
        Sample(2 + n / 100, "student-bb", "canary", n // 100, 0.5, True, _verdict(
            clicks=_figures(-0.1 * n, 0.5), scores=_figures(0.1 if n else 0.0, 0.9),
            coverage=_figures(0.15, None),
        ))
        for n in range(200)
    ]  # fmt: skip
    samples.append(Sample(5.0, "student-cc", "shadowing", 1, 0.0, True, _verdict()))
    history = [
        _entry(1.0, "student-bb", "verifying", 0.0, None),
        _entry(2.0, "student-bb", "canary", 0.5, None),
        _entry(4.0, "student-bb", "done", 0.0, _verdict()),
        _entry(5.0, "student-cc", "verifying", 0.0, None),
        _entry(5.5, "student-cc", "rolled_back", 0.0,
               _verdict("agreement", agreement=_figures(0.8, 0.9, 0.7))),
    ]  # fmt: skip
    run = Run(replayed, 6.0, (2.5, 3.0), 60, 0, True)
    return Rehearsed(STUDENTS, run, samples, history, STARTED_MS, True, "least_s = 3")


def test_answers_are_told_by_student_and_lane_for_each_second(told: Rehearsed) -> None:
    seconds = [each["answers"] for each in compose(told)["answered_over_time"]]
    assert seconds[0] == seconds[1] == {"first stable": 10}
    assert seconds[2] == seconds[3] == {"first stable": 5, "better canary": 5}
    assert seconds[4] == seconds[5] == {"better stable": 10}


def test_guardrail_that_rolled_back_is_told_with_the_figures_it_had_then(told: Rehearsed) -> None:
    harmful = compose(told)["rollouts"]["harmful"]
    assert (harmful["ended"], harmful["guardrail"]) == ("rolled_back", "agreement")
    [decided] = harmful["guardrail_over_time"]
    assert (decided["at_s"], decided["low"], decided["margin"]) == (5.5, 0.8, 0.7)
    assert (harmful["answers_as_canary"], harmful["took_s"]) == (0, 0.5)


def test_where_nothing_rolled_back_the_nearest_guardrail_is_told(told: Rehearsed) -> None:
    better = compose(told)["rollouts"]["better"]
    assert (better["ended"], better["guardrail"]) == ("done", "scores")
    assert not better["guardrail_decided"]
    assert (better["answers_as_canary"], better["largest_share"]) == (10, 0.5)
    assert nearest([]) is None


def test_time_line_is_a_small_drawing_that_json_is_enough_for(told: Rehearsed) -> None:
    report = json.loads(json.dumps(compose(told)))
    drawn = timeline(report)
    assert len(drawn.encode()) < MOST_BYTES
    assert "agreement, harmful" in drawn
    assert "currentColor" in drawn
    assert "currentColor" not in standing_alone(drawn)


def test_rollout_that_never_began_or_never_ended_is_told_as_such(told: Rehearsed) -> None:
    brief = compose(told._replace(history=told.history[:2], samples=[]))
    assert brief["rollouts"]["better"]["ended"] == "canary"
    assert brief["rollouts"]["harmful"]["ended"] == "never started"
    assert "<svg" in timeline(brief)
    scorers = {name: {"auc": 0.7} for name in ("student_with_cache", "student_without_cache")}
    first, second = words.lines({"rollout": brief, "quality": {"scorers": scorers}})
    assert "still canary" in first
    assert "never started" in second


def test_log_goes_on_behind_its_end_with_events_of_its_own() -> None:
    requests = [_logged(number) for number in (0, 1, 2)]
    again = repeated(requests, 2)
    assert again[:3] == requests
    assert [each.number for each in again] == [0, 1, 2, 3, 4, 5]
    assert [each.timestamp_ms for each in again] == [0, 1000, 2000, 3000, 4000, 5000]
    assert [each.user_id for each in again[3:]] == ["u0", "u1", "u2"]

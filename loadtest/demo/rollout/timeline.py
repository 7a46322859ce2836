"""What came of two rollouts, as report.json holds it: times in seconds from the first request."""

import tomllib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from loadtest.demo import tallies
from loadtest.demo.replay import Replayed
from loadtest.demo.rollout.live import Rehearsed
from loadtest.demo.rollout.script import Sample

BIN_S: Final = 1.0
FIGURES: Final = ("canary", "stable", "harm", "low", "high", "margin")


def compose(told: Rehearsed) -> dict[str, Any]:
    roles = {_version(bundle): role for role, bundle in told.students.items()}
    return {
        "students": dict(told.students),
        "plan": tomllib.loads(told.plan),
        "is_over": told.is_over,
        "requests": len(told.run.replayed),
        "failed_requests": tallies.failed(told.run.replayed),
        "failed_by_status": _failed_by_status(told.run.replayed),
        "latency_ms": tallies.latency_ms(told.run.replayed),
        "redis_outage": tallies.outage(told.run),
        "answered_over_time": answered_over_time(told.run.replayed, roles),
        "rollouts": {role: _rollout(told, role) for role in told.students if role != "first"},
    }


def answered_over_time(
    replayed: Sequence[Replayed], roles: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Answers of each second by student and lane, as "better canary"; roles by version."""
    bins: dict[int, Counter[str]] = {}
    for one in replayed:
        told = bins.setdefault(int(one.sent_s / BIN_S), Counter())
        slate = one.main
        is_known = not slate.is_failed
        told[f"{roles.get(slate.version, '?')} {slate.lane}" if is_known else "failed"] += 1
    return [{"from_s": at * BIN_S, "answers": dict(told)} for at, told in sorted(bins.items())]


def _rollout(told: Rehearsed, role: str) -> dict[str, Any]:
    bundle = told.students[role]
    entries = [each for each in told.history if each["candidate"] == bundle]
    samples = [each for each in told.samples if each.candidate == bundle]
    answers = [one.main for one in told.run.replayed if one.main.version == _version(bundle)]
    transitions = [_transition(each, told.started_ms) for each in entries]
    decided = next((e for e in reversed(entries) if e["verdict"] and e["verdict"]["by"]), None)
    name = decided["verdict"]["by"] if decided else nearest(samples)
    return {
        "bundle": bundle,
        "ended": transitions[-1]["to_stage"] if transitions else "never started",
        "took_s": transitions[-1]["at_s"] - transitions[0]["at_s"] if transitions else 0.0,
        "largest_share": max((each["share"] for each in entries), default=0.0),
        "answers_as_canary": sum(each.lane == "canary" for each in answers),
        "transitions": transitions,
        "guardrail": name,
        "guardrail_decided": decided is not None,
        "guardrail_over_time": _over_time(samples, name, decided, told.started_ms),
    }


def _failed_by_status(replayed: Iterable[Replayed]) -> dict[str, int]:
    """0: no answer came."""
    return dict(Counter(str(one.main.status) for one in replayed if one.main.is_failed))


def nearest(samples: Iterable[Sample]) -> str | None:
    """Of the canary's guardrails with bounds on both sides, the one whose lower bound came nearest
    to its margin: where it passes that, it rolls back."""
    found: dict[str, float] = {}
    for each in [sample for sample in samples if sample.stage == "canary"]:
        for name, figures in (each.verdict or {}).get("figures", {}).items():
            if figures["alpha"] and figures["low"] is not None and figures["high"] is not None:
                near = figures["low"] / figures["margin"]
                found[name] = max(found.get(name, near), near)
    return max(found, key=lambda name: found[name], default=None)


def _transition(entry: Mapping[str, Any], started_ms: float) -> dict[str, Any]:
    verdict = entry["verdict"] or {}
    return {
        "at_s": (entry["at_ms"] - started_ms) / 1000.0,
        **{name: entry[name] for name in ("from_stage", "to_stage", "share", "by", "reason")},
        "requests": verdict.get("requests"),
        "unproven": verdict.get("unproven", []),
    }


def _over_time(
    samples: Sequence[Sample],
    name: str | None,
    decided: Mapping[str, Any] | None,
    started_ms: float,
) -> list[dict[str, Any]]:
    """One guardrail's figures as they were looked at, and as they were when it decided."""
    looks = [(each.at_s, each.stage, each.step, each.verdict) for each in samples]
    if decided is not None:
        at_s = (decided["at_ms"] - started_ms) / 1000.0
        looks.append((at_s, decided["from_stage"], decided["from_step"], decided["verdict"]))
    return [
        {"at_s": at_s, "stage": stage, "step": step, "requests": verdict["requests"]}
        | {key: verdict["figures"][name][key] for key in FIGURES}
        for at_s, stage, step, verdict in looks
        if verdict is not None and name in verdict["figures"]
    ]


def _version(bundle: str) -> str:
    return bundle.rpartition("-")[2]

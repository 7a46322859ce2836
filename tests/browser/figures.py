"""Snapshots made by hand: a rollout at any stage, and a minute of traffic."""

import time
from typing import Any

import msgspec

from server.console.snapshot import LaneLive, Latest, Live, Times
from server.rollout.guardrails.verdict import Figures, Verdict
from server.rollout_wire import (
    BundleEntry,
    Bundles,
    GatewayStatus,
    LaneStatus,
    Models,
    ModelStatus,
    RolloutStatus,
    Transition,
)

STABLE, CANDIDATE = "student-0f3a51c2de77", "student-9bd2e4c01a55"
STAGES_MS = {
    "decode": 0.11, "queue": 0.32, "cache": 0.74, "features": 0.41, "inference": 1.3,
    "rerank": 0.2, "encode": 0.09, "total": 3.17,
}  # fmt: skip


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def lane(name: str, version: str, requests_per_s: float, slower: float = 1.0) -> LaneLive:
    stages = {stage: ms * (slower if stage in ("inference", "total") else 1.0)
              for stage, ms in STAGES_MS.items()}  # fmt: skip
    return LaneLive(
        lane=name,
        version=version.rpartition("-")[2],
        requests_per_s=requests_per_s,
        stages={stage: Times(ms, ms * 1.9, ms * 2.8) for stage, ms in stages.items()},
        coverage={"none": 0.12, "item": 0.05, "user": 0.14, "neighbour": 0.08, "pair": 0.61},
        teacher_age_s={"p50": 48.0, "p90": 310.0, "p99": 2900.0},
    )


def live(turn: int = 0, canary: bool = True) -> Live:
    rate = 412.0 + 30.0 * ((turn * 7) % 11) / 11
    lanes = [lane("stable", STABLE, rate * 0.75)]
    if canary:
        lanes.append(lane("canary", CANDIDATE, rate * 0.25, 1.12))
    return Live(
        seconds=min(60.0, 1.0 + turn),
        workers=4,
        silent_workers=0,
        requests_per_s=rate,
        candidates_per_s=rate * 200,
        statuses={"200": rate - 2.4, "429": 2.1, "504": 0.3},
        shed={"overloaded": 2.1, "late": 0.3},
        degraded={"cache:timeout": 1.4, "rerank:timeout": 0.6, "features:unknown_item": 0.2},
        lanes=lanes,
        latest=Latest(rate, 8.9 + (turn * 5 % 7) / 5),
    )


def figures(requests: int) -> dict[str, Figures]:
    """As they are found after so many requests: intervals narrow with their root."""
    wide = 1.0 if requests < 50 else (900.0 / requests) ** 0.5

    def told(canary: float, stable: float, harm: float, margin: float, sure: float) -> Figures:
        reach = margin * wide * sure
        return Figures(canary, stable, harm, harm - reach, harm + reach, margin, 0.0004)

    return {
        "error_limit": Figures(0.0006, 0.0005, 0.0006, None, None, 0.1, 0.0),
        "nan_limit": Figures(0.0, 0.0, 0.0, None, None, 0.001, 0.0),
        "constant_limit": Figures(0.0, 0.0, 0.0, None, None, 0.2, 0.0),
        "late_limit": Figures(0.001, 0.0012, 0.001, None, None, 0.02, 0.0),
        "errors": told(0.0006, 0.0005, 0.0001, 0.001, 2.4),
        "degraded_cache": told(0.003, 0.0034, -0.0004, 0.01, 1.3),
        "degraded_inference": told(0.0, 0.0, 0.0, 0.01, 1.1),
        "total_p50": told(0.00318, 0.0031, 0.026, 0.2, 1.0),
        "total_p99": told(0.0093, 0.0088, 0.057, 0.5, 1.2),
        "inference": told(1.115, 1.0, 0.115, 0.2, 0.9),
        "scores": Figures(0.031, 0.0, 0.031, 0.0, None if requests < 1500 else 0.031, 0.25, 0.0004),
        "coverage": told(0.88, 0.881, 0.0011, 0.05, 1.6),
        "calibration": told(1.04, 1.01, 0.03, 0.25, 2.0),
        "clicks": Figures(0.0241, 0.0238, -0.0126, None, None, 0.03, 0.0004)
        if requests < 600
        else told(0.0241, 0.0238, -0.0126, 0.03, 3.1),
        "value": told(0.0512, 0.0508, -0.0079, 0.05, 2.6),
    }  # fmt: skip


def verdict(requests: int) -> Verdict:
    unproven = tuple(name for name, each in figures(requests).items()
                     if each.alpha and (each.high is None or each.high > each.margin))  # fmt: skip
    return Verdict("continue", None, requests, unproven, figures(requests))


def broken(requests: int) -> Verdict:
    """Rolled back by clicks."""
    clicks = Figures(0.0141, 0.0238, 0.41, 0.19, 0.62, 0.03, 0.0004)
    return Verdict("rollback", "clicks", requests, (), figures(requests) | {"clicks": clicks})


def gateway(number: int, **given: Any) -> GatewayStatus:
    told: dict[str, Any] = {
        "gateway": f"gw-{number}", "host": f"ranker-{number}", "pid": 4100 + number,
        "is_alive": True, "told_s_ago": 0.3, "revision": 7,
        "stable_version": STABLE.rpartition("-")[2],
        "candidate_version": CANDIDATE.rpartition("-")[2], "candidate_state": "warm",
        "detail": "41 MB more than before",
    }  # fmt: skip
    return GatewayStatus(**told | given)


def idle(model: str = "student") -> RolloutStatus:
    at_ms = now_ms()
    return RolloutStatus(
        model=model, is_following=True, rollout="", stage="idle", step=0,
        steps=[0.01, 0.05, 0.25, 0.5, 1.0], share=0.0, is_paused=False, stable="", candidate="",
        previous="", by="", reason="", revision=0, since_ms=at_ms, now_ms=at_ms, least_s=0.0,
        most_s=0.0, keep_until_ms=0, verdict=None, standing=None,
        fleet=[gateway(n, candidate_version="", candidate_state="absent", detail="", revision=0)
               for n in (1, 2)],
    )  # fmt: skip


def canary(requests: int = 3200, step: int = 2) -> RolloutStatus:
    at_ms = now_ms()
    return msgspec.structs.replace(
        idle(), rollout="0190a", stage="canary", step=step, share=idle().steps[step],
        stable=STABLE, candidate=CANDIDATE, by="controller",
        reason="5 % is over: all guardrails that can be proven are", revision=7,
        since_ms=at_ms - 214_000, least_s=600.0, most_s=86_400.0, verdict=verdict(requests),
        fleet=[gateway(1), gateway(2), gateway(3, is_alive=False, told_s_ago=44.0, revision=6),
               gateway(4, candidate_state="opening", candidate_version="", revision=6,
                       detail="warming up student-9bd2e4c01a55")],
    )  # fmt: skip


def transitions() -> list[Transition]:
    at_ms = now_ms()
    walked = [
        ("idle", 0, "verifying", 0, 0.0, "mara@10.0.0.7", "weekly student", None),
        ("verifying", 0, "shadowing", 1, 0.0, "controller", "4 gateways have it warm", None),
        ("shadowing", 1, "canary", 0, 0.01, "controller", "agreement 0.81 of 240 requests", 240),
        ("canary", 0, "canary", 1, 0.05, "controller", "1 % is over", 1900),
        ("canary", 1, "canary", 2, 0.25, "controller", "5 % is over", 8100),
    ]  # fmt: skip
    told = [
        Transition(
            id=f"{at_ms - 900_000 + 150_000 * n}-0", at_ms=at_ms - 900_000 + 150_000 * n,
            rollout="0190a", candidate=CANDIDATE, from_stage=one, from_step=step, to_stage=to,
            to_step=then, share=share, is_paused=False, by=by, reason=reason,
            verdict=None if count is None else verdict(count),
        )
        for n, (one, step, to, then, share, by, reason, count) in enumerate(walked)
    ]  # fmt: skip
    return told[::-1]


def models() -> Models:
    lanes = [
        LaneStatus(name, bundle.rpartition("-")[2], f"/srv/models/{bundle}", space, "cpu", size)
        for name, bundle, space, size in (
            ("stable", STABLE, "t-4c19aa", 18_400_000),
            ("canary", CANDIDATE, "t-4c19aa", 18_900_000),
        )
    ]
    return Models([ModelStatus("student", True, lanes)], 412_000_000)


def bundles() -> Bundles:
    at_ms = now_ms()
    return Bundles(
        "s3://models/registry",
        [
            BundleEntry("student", CANDIDATE[-12:], "student", "t-4c19aa", 18_900_000,
                        at_ms - 3_600_000, "mara", "weekly student", True),
            BundleEntry("student", STABLE[-12:], "student", "t-4c19aa", 18_400_000,
                        at_ms - 650_000_000, "mara", "last week's", True),
            BundleEntry("teacher", "77aa01b2c3d4", "teacher", "t-4c19aa", 912_000_000,
                        at_ms - 900_000_000, "jo", "", False),
        ],
    )  # fmt: skip

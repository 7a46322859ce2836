"""Counts, coverage and latency of a replay."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np

from loadtest.demo.replay import Replayed, Run

TIERS: Final = ("pair", "neighbour", "user", "item", "none")
PERCENTILES: Final = (50, 95, 99)
SLICES: Final = 20
CLIENT: Final = "client"


def coverage(replayed: Iterable[Replayed]) -> dict[str, float]:
    """Share of candidates by tier over the answered requests, each weighing its candidates."""
    answered = [r for r in replayed if not r.main.is_failed]
    weights = np.array([len(r.logged.candidate_ids) for r in answered], np.float64)
    if not weights.sum():
        return dict.fromkeys(TIERS, 0.0)
    shares = np.array([[r.main.coverage[tier] for tier in TIERS] for r in answered])
    return dict(zip(TIERS, (weights @ shares / weights.sum()).tolist(), strict=True))


def coverage_over_time(replayed: Sequence[Replayed]) -> list[dict[str, float]]:
    """From cold, in SLICES of equally many requests; `until_s` is the end of each."""
    chunks = np.array_split(np.arange(len(replayed)), min(SLICES, len(replayed)))
    slices = [[replayed[index] for index in chunk] for chunk in chunks]
    return [{"until_s": part[-1].sent_s, **coverage(part)} for part in slices]


def last_fifth(replayed: Sequence[Replayed]) -> Sequence[Replayed]:
    return replayed[len(replayed) * 4 // 5 :]


def latency_ms(replayed: Iterable[Replayed]) -> dict[str, dict[str, float]]:
    """By stage as the gateway reports it, and `client`: from the intended time of sending."""
    answered = [r.main for r in replayed if not r.main.is_failed]
    columns: dict[str, list[float]] = {}
    for slate in answered:
        for stage, spent in slate.stages_ms.items():
            columns.setdefault(stage, []).append(spent)
        columns.setdefault(CLIENT, []).append(slate.client_ms)
    return {stage: _percentiles(spent) for stage, spent in columns.items()}


def _percentiles(spent: Sequence[float]) -> dict[str, float]:
    values = np.percentile(spent, PERCENTILES).tolist()
    return {f"p{p}": value for p, value in zip(PERCENTILES, values, strict=True)}


def failed(replayed: Iterable[Replayed]) -> int:
    return sum(r.main.is_failed for r in replayed)


def during_outage(run: Run) -> list[Replayed]:
    began, ended = run.outage_s
    return [r for r in run.replayed if began <= r.sent_s < ended]


def outside_outage(run: Run) -> list[Replayed]:
    began, ended = run.outage_s
    return [r for r in run.replayed if not began <= r.sent_s < ended]


def outage(run: Run) -> dict[str, Any]:
    within = during_outage(run)
    reasons: dict[str, int] = {}
    for reason in (reason for r in within for reason in r.main.degraded):
        reasons[reason] = reasons.get(reason, 0) + 1
    return {
        "from_s": run.outage_s[0],
        "until_s": run.outage_s[1],
        "requests": len(within),
        "failed_requests": failed(within),
        "degraded_requests": sum(bool(r.main.degraded) for r in within),
        "reasons": reasons,
        "latency_ms": latency_ms(within),
    }

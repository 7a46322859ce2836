"""The demo's figures, as report.json holds them."""

import platform
from collections.abc import Mapping
from typing import Any

from loadtest.demo import quality, tallies
from loadtest.demo.replay import Run
from loadtest.hardware import hardware
from loadtest.pacing import Pace


def compose(
    run: Run, pace: Pace, task: str, offline: Mapping[str, Any], facts: Mapping[str, Any]
) -> dict[str, Any]:
    """`facts` (seed, data, URLs, …) go in as they are."""
    everything = quality.describe(run.replayed, task)
    return {
        **facts,
        "hardware": hardware(),
        "python": platform.python_version(),
        "requests": len(run.replayed),
        "failed_requests": tallies.failed(run.replayed),
        "degraded_requests": sum(bool(r.main.degraded) for r in run.replayed),
        "intended_rate": pace.intended_rate,
        "achieved_rate": len(run.replayed) / run.elapsed_s,
        "log_seconds_per_second": pace.compression,
        "auc": {name: scored["auc"] for name, scored in everything["scorers"].items()},
        "quality_covers": "every request that all scorers answered, the outage included",
        "quality": everything,
        "quality_outside_outage": quality.describe(tallies.outside_outage(run), task),
        "coverage_final": tallies.coverage(tallies.last_fifth(run.replayed)),
        "coverage_over_time": tallies.coverage_over_time(run.replayed),
        "latency_ms": tallies.latency_ms(run.replayed),
        "redis_outage": tallies.outage(run),
        "events": {
            "accepted": run.events_accepted,
            "retried": run.events_retried,
            "all_accepted": run.is_drained,
        },
        "offline": dict(offline),
    }

"""report.html: the figures and plots of report.json in one file that needs nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from loadtest.demo import plots
from loadtest.demo.rollout import words
from loadtest.demo.rollout.plot import timeline
from loadtest.page import render as rendered

TEMPLATE: Final = Path(__file__).with_name("report.html.j2")


def render(report: Mapping[str, Any]) -> str:
    outage = report["redis_outage"]
    drawn = {
        "quality": plots.quality(report["quality"]["scorers"]),
        "coverage": plots.coverage(
            report["coverage_over_time"], (outage["from_s"], outage["until_s"])
        ),
        "latency": plots.latency(report["latency_ms"]),
    }
    lines = []
    if "rollout" in report:
        drawn["rollout"] = timeline(report["rollout"])
        lines = words.lines(report)
    return rendered(TEMPLATE, report=report, plots=drawn, rollout_lines=lines)

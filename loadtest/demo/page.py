"""report.html: the figures and plots of report.json in one file that needs nothing else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtest.demo import plots

TEMPLATE: Final = Path(__file__).with_name("report.html.j2")


def render(report: Mapping[str, Any]) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, undefined=StrictUndefined
    )
    outage = report["redis_outage"]
    drawn = {
        "quality": plots.quality(report["quality"]["scorers"]),
        "coverage": plots.coverage(
            report["coverage_over_time"], (outage["from_s"], outage["until_s"])
        ),
        "latency": plots.latency(report["latency_ms"]),
    }
    return environment.get_template(TEMPLATE.name).render(report=report, plots=drawn)

"""report.json and report.html of a run."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from loadtest.errors import ReportMissing
from loadtest.hardware import hardware
from loadtest.json_file import finite, write_json
from loadtest.run.budget import Budget
from loadtest.run.verdict import Exit, settle
from loadtest.soak.slopes import words

JSON: Final = "report.json"
HTML: Final = "report.html"
OUTCOMES: Final = {
    Exit.HELD: "held",
    Exit.BROKEN: "budget broken",
    Exit.INVALID: "invalid, not measured",
}
TEMPLATE: Final = Path(__file__).with_name("report.html.j2")


def compose(
    facts: Mapping[str, Any], url: str, figures: Mapping[str, Any], budget: Budget | None
) -> dict[str, Any]:
    told = {
        **facts,
        "url": url,
        "date": time.strftime("%Y-%m-%d %H:%M:%S"),
        "hardware": hardware(),
        **figures,
    }
    composed: dict[str, Any] = finite({**told, **settle(told, budget)})
    return composed


def outcome(report: Mapping[str, Any]) -> str:
    is_judged = report["budget"] or report["exit_code"] != Exit.HELD
    return OUTCOMES[Exit(report["exit_code"])] if is_judged else "no budget given"


def write(out: Path, report: Mapping[str, Any]) -> None:
    write_json(out / JSON, report)
    (out / HTML).write_text(render(report), encoding="utf-8")


def read(folder: Path) -> dict[str, Any]:
    """Raises ReportMissing."""
    try:
        report: dict[str, Any] = json.loads((folder / JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ReportMissing(f"{folder / JSON}: {error}: `loadtest run --out {folder}`") from error
    if "time_line" not in report:
        raise ReportMissing(f"{folder / JSON} is of something else than `loadtest run`")
    return report


def render(report: Mapping[str, Any]) -> str:
    # Imported here: a gateway's image, where `run` may run without --out, has no matplotlib.
    from loadtest.page import render as rendered
    from loadtest.run import plots

    slices, marks = report["time_line"], report["marks"]
    drawn = {
        "latency": plots.latency(slices, marks),
        "answers": plots.answers(slices, marks),
        "shares": plots.shares(slices, marks),
        "stages": plots.stages(report["stages_ms"]) if report["stages_ms"] else "",
    }
    if report.get("slopes"):
        drawn["resident"] = plots.resident(report["slopes"])
    return rendered(TEMPLATE, report=report, plots=drawn, outcome=outcome(report), words=words)

"""chaos.json and chaos.html."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from loadtest.chaos.table import HEAD, row, verdict
from loadtest.json_file import finite, write_json

JSON: Final = "chaos.json"
HTML: Final = "chaos.html"
TEMPLATE: Final = Path(__file__).with_name("report.html.j2")


def write(out: Path, told: Mapping[str, Any]) -> None:
    """`told` has the `scenarios` and the facts of the run."""
    write_json(out / JSON, told)
    (out / HTML).write_text(_render(finite(told)), encoding="utf-8")


def _render(told: Mapping[str, Any]) -> str:
    # Imported here: a gateway's image, which has no matplotlib, runs without --out.
    from loadtest.page import render

    scenarios: Sequence[Mapping[str, Any]] = told["scenarios"]
    rows = [[cell.replace("`", "") for cell in row(each)] for each in scenarios]
    return render(
        TEMPLATE,
        told=told,
        head=HEAD,
        rows=list(zip(rows, map(verdict, scenarios), strict=True)),
        drawn=[_drawn(each) for each in scenarios if not each["skipped"]],
    )


def _drawn(each: Mapping[str, Any]) -> dict[str, Any]:
    """The time line of one scenario."""
    from loadtest.run import plots

    slices, marks = each["time_line"], each["marks"]
    return {
        "name": each["name"],
        "about": each["about"],
        "lines": each["lines"],
        "plots": [draw(slices, marks) for draw in (plots.latency, plots.answers, plots.shares)],
    }

"""Demos of several seeds as one table: mean ± standard deviation.

python -m loadtest.demo.spread build/kuairand-0 build/kuairand-1 build/kuairand-2 \
    --name kuairand --slice auc[tab=1] --write docs/quality.md
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Any, Final, NamedTuple

import typer

from loadtest.errors import LoadTestError
from loadtest.marked import fill

OFFLINE: Final = {
    "auc": "AUC",
    "user_auc": "user AUC",
    "log_loss": "log loss",
    "normalised_entropy": "NE",
    "calibration_error": "calibration error",
    "transfer_ratio": "TR",
}
LIVE: Final = {"auc": "AUC", "log_loss": "log loss"}
SPREAD_NEEDS: Final = 2

Values = Mapping[str, float | None]


class TooFewDemos(LoadTestError):
    pass


class Demo(NamedTuple):
    """What one `understudy demo` left in its folder."""

    metrics: Mapping[str, Any]
    report: Mapping[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Demo":
        return cls(
            json.loads((folder / "run" / "metrics.json").read_text()),
            json.loads((folder / "report.json").read_text()),
        )


def spread(
    folders: Annotated[list[Path], typer.Argument(help="Folders of demos, one a seed.")],
    name: Annotated[str, typer.Option(help="Marks of the page: NAME and NAME-live.")],
    of_slice: Annotated[str | None, typer.Option("--slice", help="One more column.")] = None,
    write: Annotated[Path | None, typer.Option(help="Page whose tables are filled in.")] = None,
) -> None:
    """Print what several demos measured, offline and over HTTP, as mean ± standard deviation."""
    if len(folders) < SPREAD_NEEDS:
        raise TooFewDemos(f"{len(folders)} demo has no spread: name two or more, one a seed")
    demos = [Demo.read(folder) for folder in folders]
    columns = dict(OFFLINE) | ({of_slice: of_slice} if of_slice else {})
    tables = {name: offline(demos, columns), f"{name}-live": live(demos)}
    for mark, table in tables.items():
        typer.echo(table)
        if write is not None:
            fill(write, mark, table)


def offline(demos: Sequence[Demo], columns: Mapping[str, str]) -> str:
    """The test window, every model of every task."""
    tasks = demos[0].metrics["tasks"]
    rows = (
        (task, model, [demo.metrics["tasks"][task][model] for demo in demos])
        for task, models in tasks.items()
        for model in models
    )
    return "\n".join(
        [
            *_head("model", "task", *columns.values()),
            *(_line([model, task], measured, columns) for task, model, measured in rows),
        ]
    )


def live(demos: Sequence[Demo]) -> str:
    """The answers of the live gateways, and what they were asked."""
    scorers = [demo.report["quality"]["scorers"] for demo in demos]
    lines = [_line([scorer], [each[scorer] for each in scorers], LIVE) for scorer in scorers[0]]
    return "\n".join([*_head("scorer", *LIVE.values()), *lines, "", *_facts(demos)])


def _facts(demos: Sequence[Demo]) -> Iterator[str]:
    reports = [demo.report for demo in demos]
    outages = [report["redis_outage"] for report in reports]
    yield (
        f"{_total(reports, 'requests')} requests, {_total(reports, 'failed_requests')} failed. "
        f"Pair coverage of the last fifth {_mean([r['coverage_final']['pair'] for r in reports])}. "
        f"While Redis was stopped: {_total(outages, 'requests')} requests, "
        f"{_total(outages, 'degraded_requests')} degraded, "
        f"{_total(outages, 'failed_requests')} failed."
    )


def _total(reports: Sequence[Mapping[str, Any]], key: str) -> int:
    return sum(report[key] for report in reports)


def _head(*names: str) -> list[str]:
    return [f"| {' | '.join(names)} |", "|---" * len(names) + "|"]


def _line(names: Sequence[str], measured: Sequence[Values], columns: Mapping[str, str]) -> str:
    cells = [_mean([each.get(column) for each in measured]) for column in columns]
    return f"| {' | '.join([*names, *cells])} |"


def _mean(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{fmean(known):.4f} ± {stdev(known):.4f}" if len(known) == len(values) else "–"


if __name__ == "__main__":
    typer.run(spread)

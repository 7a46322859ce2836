"""A run's report on the terminal."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.run.report import outcome
from loadtest.soak.slopes import words


def show(report: Mapping[str, Any], console: Console) -> None:
    console.print(_latency(report))
    for line in _sentences(report):
        console.print(line, highlight=False, soft_wrap=True)


def _latency(report: Mapping[str, Any]) -> Table:
    title = f"{report['scenario']['name']}, ms (95 % interval)"
    table = Table("", *report["latency_ms"], title=title)
    table.add_row("client", *map(_cell, report["latency_ms"].values()))
    for stage, figures in report["stages_ms"].items():
        table.add_row(stage, *map(_cell, figures.values()))
    return table


def _cell(figure: Mapping[str, float]) -> str:
    if "value" not in figure:
        return f"needs {figure['needs']}"
    return f"{figure['value']:.2f}\n[dim]{figure['low']:.2f}–{figure['high']:.2f}[/dim]"


def _sentences(report: Mapping[str, Any]) -> Iterator[str]:
    rate, generator, lag = report["rate"], report["generator"], report["generator"]["lag_ms"]
    yield (
        f"rate       {rate['intended']:.1f}/s intended, {rate['sent']:.1f} sent, "
        f"{rate['answered']:.1f} answered; {report['loop']}"
    )
    yield (
        f"requests   {report['requests']}: {report['answered']} answered, {report['shed']} shed, "
        f"{report['failed']} failed" + _refusals(report["statuses"])
    )
    shares = {name: report["shares"][name] for name in ("degraded", "coverage")}
    yield "shares     " + ", ".join(f"{name} {_share(each)}" for name, each in shares.items())
    yield (
        f"generator  {generator['processes']} × {generator['core_share']:.0%} of a core, "
        f"{generator['cpu_us_a_request']:.0f} µs a request; lag p99 {lag['p99']:.2f} ms, "
        f"max {lag['max']:.2f} ms"
    )
    for mark in report["marks"]:
        until = "" if mark["until_s"] is None else f" to {mark['until_s']:.1f}"
        yield f"mark       {mark['what']} at {mark['from_s']:.1f}{until} s"
    yield from (f"slope      {line}" for line in _slopes(report.get("slopes") or {}))
    yield from (f"note       {note}" for note in report["notes"])
    yield from (f"budget     {line}" for line in _lines(report))
    yield f"outcome    {report['invalid'] or outcome(report)}"


def _refusals(statuses: Mapping[str, int]) -> str:
    told = {status: count for status, count in statuses.items() if status not in ("200", "429")}
    named = [f"{'no answer' if status == '0' else status}: {told[status]}" for status in told]
    return f" ({', '.join(named)})" if named else ""


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    for line in report["budget"]:
        yield ("held    " if line["holds"] else "BROKEN  ") + line["text"]


def _slopes(slopes: Mapping[str, Any]) -> Iterator[str]:
    for name, slope in slopes.get("latency_ms_h", {}).items():
        yield f"{name} {words(slope, 'ms')}"
    for name, slope in slopes.get("rss_mb_h", {}).items():
        yield f"{name} resident {words(slope, 'MB')}"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"

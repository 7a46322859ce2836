"""The report on a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from loadtest.demo.rollout import words


def show(report: Mapping[str, Any], console: Console) -> None:
    console.print(_quality(report["quality"]))
    console.print(_latency(report["latency_ms"]))
    for line in _sentences(report):
        console.print(line, highlight=False)


def _quality(quality: Mapping[str, Any]) -> Table:
    title = f"{quality['task']}: {quality['impressions']} shown impressions over HTTP"
    table = Table("scorer", "AUC", "user AUC", "log loss", "predicted ÷ actual", title=title)
    for name, q in quality["scorers"].items():
        table.add_row(
            name.replace("_", " "),
            f"{q['auc']:.4f}",
            f"{q['user_auc']:.4f}",
            f"{q['log_loss']:.5f}",
            f"{q['calibration']:.3f}",
        )
    return table


def _latency(stages: Mapping[str, Mapping[str, float]]) -> Table:
    table = Table("stage", "p50, ms", "p95, ms", "p99, ms", title="latency")
    for name, spent in stages.items():
        table.add_row(name, *(f"{spent[p]:.2f}" for p in ("p50", "p95", "p99")))
    return table


def _sentences(report: Mapping[str, Any]) -> list[str]:
    final = ", ".join(f"{tier} {share:.0%}" for tier, share in report["coverage_final"].items())
    outage, ratio = report["redis_outage"], report["quality"]["transfer_ratio"]
    rollout = words.lines(report) if "rollout" in report else []
    return [
        f"requests        {report['requests']}, {report['failed_requests']} failed; "
        f"{report['achieved_rate']:.1f}/s of {report['intended_rate']:.1f}/s intended",
        "transfer ratio  " + ("undefined" if ratio is None else f"{ratio:.0%}"),
        f"coverage        {final} (last fifth)",
        f"Redis stopped   {outage['requests']} requests: {outage['degraded_requests']} degraded, "
        f"{outage['failed_requests']} failed",
        *(f"rollout         {line}" for line in rollout),
    ]


def as_markdown(report: Mapping[str, Any]) -> str:
    """The table that the README keeps."""
    quality, outage = report["quality"], report["redis_outage"]
    command = f"understudy demo --data {report['data']} --seed {report['seed']}"
    total, ratio = report["latency_ms"]["total"], quality["transfer_ratio"]
    final = ", ".join(f"{tier} {share:.0%}" for tier, share in report["coverage_final"].items())
    lines = [
        f"`{command}`, {report['date']}, {report['hardware']}: {report['requests']} requests, "
        f"{report['failed_requests']} failed; task {quality['task']}, {quality['impressions']} "
        f"shown impressions of {quality['requests_measured']} requests, the outage included.",
        "",
        "| scorer | AUC | user AUC | log loss | predicted ÷ actual |",
        "|---|---|---|---|---|",
        *(_quality_line(name, scored) for name, scored in quality["scorers"].items()),
        "",
        f"Transfer ratio {'–' if ratio is None else f'{ratio:.0%}'}. Coverage in the last fifth: "
        f"{final}. In the gateway p50 {total['p50']:.1f} ms, p99 {total['p99']:.1f} ms. "
        f"While Redis was stopped: {outage['requests']} requests, "
        f"{outage['degraded_requests']} degraded, {outage['failed_requests']} failed.",
    ]
    return "\n".join(lines)


def _quality_line(name: str, q: Mapping[str, float]) -> str:
    figures = f"{q['auc']:.4f} | {q['user_auc']:.4f} | {q['log_loss']:.5f}"
    return f"| {name.replace('_', ' ')} | {figures} | {q['calibration']:.3f} |"

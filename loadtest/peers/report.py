"""Every peer's newest figures as JSON, and the tables of them that docs/performance.md keeps."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from loadtest.peers.measure import Measured
from loadtest.peers.table import PEERS

Entry = Mapping[str, Any]  # `sizes` by candidates, and the `reason` where some are missing
Report = Mapping[str, Entry]  # by peer

OWN: Final = {
    "understudy": ("Understudy, whole pipeline", "ids, JSON"),
    "understudy-dpp": ("Understudy, whole pipeline and DPP", "ids, JSON"),
}
TITLES: Final = OWN | {peer.name: (peer.title, peer.wire.title) for peer in PEERS}
LIMITED: Final = 0.45
"""At half of the rate: above it, at the whole rate the load generator's own core was full."""


def size_as_json(measured: Measured) -> dict[str, Any]:
    best = measured.found.best
    return {
        "raw_loop": measured.raw._asdict(),
        "request_bytes": measured.request_bytes,
        "coverage_pair": measured.coverage,
        "capacity": measured.capacity,
        "in_time": best._asdict() if best else None,
        "share": measured.share,
        "light": measured.light.outcome._asdict(),
        "cpu_ms": measured.light.cpu_ms,
        "load_share": measured.light.load_share,
        "trials": [trial._asdict() for trial in measured.found.trials],
    }


def read_report(path: Path, hardware: str) -> dict[str, Any]:
    """What was measured here before; figures of another machine are not laid beside these."""
    if not path.exists():
        return {}
    told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told["peers"] if told["hardware"] == hardware else {}


def as_markdown(report: Report, hardware: str) -> str:
    measured = {name: report[name] for name in TITLES if report.get(name, {}).get("sizes")}
    sizes = sorted({int(size) for entry in measured.values() for size in entry["sizes"]})
    dates = sorted({entry["date"] for entry in measured.values()})
    parts = [f"{' to '.join(dict.fromkeys((dates[0], dates[-1])))}, {hardware}." if dates else ""]
    if measured:
        parts += [_rates(measured, sizes), _latencies(measured, sizes), _costs(measured, sizes)]
    parts += [_coverages(measured, sizes), _absent(report)]
    return "\n\n".join(part for part in parts if part)


def _rates(measured: Report, sizes: Sequence[int]) -> str:
    raw = [f"{_raw(measured, size, 'per_second'):.0f}" for size in sizes]
    head = "Requests/s at p99 ≤ 25 ms, and their share of the raw loop's:"
    return _table(head, measured, sizes, raw, _rate)


def _latencies(measured: Report, sizes: Sequence[int]) -> str:
    head = "p50 / p99 in ms at half of that rate:"
    return _table(head, measured, sizes, _raw_p50(measured, sizes), _latency)


def _costs(measured: Report, sizes: Sequence[int]) -> str:
    head = (
        "CPU time of the server a request, in ms, at that same half, or at a quarter of its "
        "capacity where no rate was held:"
    )
    return _table(
        head, measured, sizes, _raw_p50(measured, sizes), lambda at: f"{at['cpu_ms']:.2f}"
    )


def _table(
    head: str,
    measured: Report,
    sizes: Sequence[int],
    raw: Sequence[str],
    cell: Callable[[Mapping[str, Any]], str],
) -> str:
    lines = [
        _row("server", "request", *(f"N = {size}" for size in sizes)),
        "|---" * (len(sizes) + 2) + "|",
        _row("ONNX Runtime in a loop", "none", *raw),
    ]
    for name, entry in measured.items():
        at = [entry["sizes"].get(str(size)) for size in sizes]
        lines.append(
            _row(TITLES[name][0], _request(name, entry), *(cell(a) if a else "–" for a in at))
        )
    return "\n".join([head, "", *lines])


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _request(name: str, entry: Entry) -> str:
    """Its form, with its size at 200 candidates or the nearest that was measured."""
    size = min(entry["sizes"], key=lambda size: abs(int(size) - 200))
    kilobytes = entry["sizes"][size]["request_bytes"] / 1000
    return f"{TITLES[name][1]}, {kilobytes:.0f} kB at {size}"


def _rate(at: Mapping[str, Any]) -> str:
    if not at["in_time"]:
        return "none held"
    mark = "*" if at["load_share"] > LIMITED else ""
    return f"{at['in_time']['achieved_rate']:.0f}{mark} ({at['share']:.2f})"


def _latency(at: Mapping[str, Any]) -> str:
    light = at["light"]
    return f"{light['p50_ms']:.2f} / {light['p99_ms']:.2f}" if at["in_time"] else "–"


def _raw(measured: Report, size: int, field: str) -> float:
    """The middle one of all that ran, each before its peer."""
    entries = [entry["sizes"].get(str(size)) for entry in measured.values()]
    return statistics.median(float(entry["raw_loop"][field]) for entry in entries if entry)


def _raw_p50(measured: Report, sizes: Sequence[int]) -> list[str]:
    return [f"{_raw(measured, size, 'p50_ms'):.2f}" for size in sizes]


def _coverages(measured: Report, sizes: Sequence[int]) -> str:
    if "understudy" not in measured:
        return ""
    held = measured["understudy"]["sizes"]
    shares = [f"{held[str(n)]['coverage_pair']:.0%} at {n}" for n in sizes if str(n) in held]
    return f"Understudy's candidates covered by pair entries: {', '.join(shares)}."


def _absent(report: Report) -> str:
    lines = [f"- {name}: {entry['reason']}" for name, entry in report.items() if "reason" in entry]
    return "\n".join(["Not measured, or not at every size:", "", *lines]) if lines else ""

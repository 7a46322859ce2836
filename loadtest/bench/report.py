"""The bench's figures as JSON and as the table that docs/performance.md keeps."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from loadtest.bench.sizes import Raw
from loadtest.open_loop import Outcome
from loadtest.search import Found


class Measured(NamedTuple):
    candidates: int
    coverage: float
    raw: Raw
    overloaded: Outcome
    found: Found

    @property
    def throughput_ratio(self) -> float:
        return self.overloaded.achieved_rate / self.raw.per_second

    @property
    def in_time_ratio(self) -> float:
        best = self.found.best
        return best.achieved_rate / self.raw.per_second if best else 0.0


def as_json(rows: Sequence[Measured], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**facts, "sizes": {str(row.candidates): _size(row) for row in rows}}


def _size(row: Measured) -> dict[str, Any]:
    best = row.found.best
    return {
        "coverage_pair": row.coverage,
        "raw_loop": row.raw._asdict(),
        "gateway_overloaded": row.overloaded._asdict(),
        "gateway_in_time": best._asdict() if best else None,
        "throughput_ratio": row.throughput_ratio,
        "in_time_ratio": row.in_time_ratio,
        "trials": [trial._asdict() for trial in row.found.trials],
    }


def as_markdown(rows: Sequence[Measured], hardware: str, date: str) -> str:
    lines = [
        f"{date}, {hardware}.",
        "",
        "| candidates | covered by pairs | raw loop, requests/s | raw p50, ms "
        "| overloaded, requests/s | ratio "
        "| p99 ≤ 25 ms, requests/s | p50, ms | p99, ms | ratio |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in rows),
    ]
    return "\n".join(lines)


def _line(row: Measured) -> str:
    best = row.found.best
    rate = f"{best.achieved_rate:.0f}" if best else "none held"
    p50, p99 = (f"{best.p50_ms:.2f}", f"{best.p99_ms:.2f}") if best else ("–", "–")
    cells = [str(row.candidates), f"{row.coverage:.0%}"]
    cells += [f"{row.raw.per_second:.0f}", f"{row.raw.p50_ms:.2f}"]
    cells += [f"{row.overloaded.achieved_rate:.0f}", f"{row.throughput_ratio:.2f}"]
    cells += [rate, p50, p99, f"{row.in_time_ratio:.2f}"]
    return f"| {' | '.join(cells)} |"

"""The bench's figures as JSON and as the table that docs/performance.md keeps."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from loadtest.bench.search import Found
from loadtest.bench.sizes import Raw


class Measured(NamedTuple):
    candidates: int
    coverage: float
    raw: Raw
    found: Found

    @property
    def ratio(self) -> float:
        best = self.found.best
        return best.achieved_rate / self.raw.per_second if best else 0.0


def as_json(rows: Sequence[Measured], facts: Mapping[str, Any]) -> dict[str, Any]:
    return {**facts, "sizes": {str(row.candidates): _size(row) for row in rows}}


def _size(row: Measured) -> dict[str, Any]:
    best = row.found.best
    return {
        "coverage_pair": row.coverage,
        "raw_loop": row.raw._asdict(),
        "gateway": best._asdict() if best else None,
        "ratio": row.ratio,
        "trials": [trial._asdict() for trial in row.found.trials],
    }


def as_markdown(rows: Sequence[Measured], hardware: str, date: str) -> str:
    lines = [
        f"{date}, {hardware}.",
        "",
        "| candidates | covered by pairs | raw loop, requests/s | raw p50, ms "
        "| gateway, requests/s (intended) | gateway p50, ms | gateway p99, ms | ratio |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in rows),
    ]
    return "\n".join(lines)


def _line(row: Measured) -> str:
    best = row.found.best
    rates = f"{best.achieved_rate:.0f} ({best.intended_rate:.0f})" if best else "none held"
    p50, p99 = (f"{best.p50_ms:.2f}", f"{best.p99_ms:.2f}") if best else ("–", "–")
    cells = [str(row.candidates), f"{row.coverage:.0%}"]
    cells += [f"{row.raw.per_second:.0f}", f"{row.raw.p50_ms:.2f}", rates, p50, p99]
    return f"| {' | '.join(cells)} | {row.ratio:.2f} |"

"""Samples as figures: rates, percentiles with their intervals, shares, stages, a time line."""

from collections import Counter
from typing import Any, Final, NamedTuple

import numpy as np

from loadtest.run.percentile import as_json, claims
from loadtest.run.samples import Mask, Samples

SLICES: Final = 120
LAGS: Final = {"p50": 50, "p99": 99, "max": 100}


class Cost(NamedTuple):
    """Of the generator itself, all its processes together."""

    cpu_s: float
    processes: int


def describe(samples: Samples, elapsed_s: float, cost: Cost) -> dict[str, Any]:
    """As report.json has it. `elapsed_s` is from the start to the last answer."""
    answered = samples.is_answered
    return {
        "requests": len(samples),
        "answered": int(answered.sum()),
        "shed": int(samples.is_shed.sum()),
        "failed": int(samples.is_failed.sum()),
        "statuses": {str(status): n for status, n in Counter(samples.status.tolist()).items()},
        "rate": rates(samples, elapsed_s),
        "generator": _generator(samples, elapsed_s, cost),
        "latency_ms": as_json(claims(samples.latency_ms[answered])),
        "stages_ms": {name: as_json(claims(s)) for name, s in _stages(samples).items()},
        "shares": shares(samples),
        "reasons": dict(samples.reasons.most_common()),
        "versions": {
            name: int((samples.version == index).sum())
            for index, name in enumerate(samples.versions)
        },
        "time_line": time_line(samples),
    }


def rates(samples: Samples, elapsed_s: float) -> dict[str, float]:
    """A second. *sent* is the generator's part, *answered* (whatever the answer) the server's.

    The last answer is given the time that an answer takes.
    """
    last_s = float(samples.due_s[-1])
    sent_s = float((samples.due_s + samples.lag_ms / 1000.0).max())
    heard = samples.status > 0
    takes_s = float(np.median(samples.latency_ms[heard])) / 1000.0 if heard.any() else 0.0
    return {
        "intended": len(samples) / last_s,
        "sent": len(samples) / max(sent_s, last_s),
        "answered": int(heard.sum()) / max(elapsed_s - takes_s, last_s),
    }


def _generator(samples: Samples, elapsed_s: float, cost: Cost) -> dict[str, Any]:
    lags = np.percentile(samples.lag_ms, list(LAGS.values())).tolist()
    return {
        "processes": cost.processes,
        "lag_ms": dict(zip(LAGS, lags, strict=True)),
        "cpu_us_a_request": cost.cpu_s * 1e6 / len(samples),
        "core_share": cost.cpu_s / elapsed_s / cost.processes,
    }


def _stages(samples: Samples) -> dict[str, Any]:
    told = {name: spent[samples.is_answered] for name, spent in samples.stages_ms.items()}
    return {name: spent[~np.isnan(spent)] for name, spent in told.items()}


def shares(samples: Samples) -> dict[str, float | None]:
    """Errors and shed of all requests; degraded and coverage of the answers."""
    answered = samples.is_answered
    return {
        "errors": float(samples.is_failed.mean()),
        "shed": float(samples.is_shed.mean()),
        "degraded": float(samples.is_degraded[answered].mean()) if answered.any() else None,
        "coverage": _mean(samples.covered[answered]),
    }


def _mean(values: Any) -> float | None:
    told = values[~np.isnan(values)]
    return float(told.mean()) if len(told) else None


def time_line(samples: Samples) -> list[dict[str, Any]]:
    """SLICES of equal length, fewer in a short run; times are the intended ones."""
    until_s = float(samples.due_s[-1])
    count = max(min(SLICES, int(until_s)), 1)
    edges = np.linspace(0.0, until_s, count + 1)
    places = np.clip(np.searchsorted(edges, samples.due_s, side="left") - 1, 0, count - 1)
    return [
        {"from_s": float(edges[n]), "until_s": float(edges[n + 1]), **_slice(samples, places == n)}
        for n in range(count)
    ]


def _slice(samples: Samples, chosen: Mask) -> dict[str, Any]:
    spent = samples.latency_ms[chosen & samples.is_answered]
    p50, p99 = np.percentile(spent, [50, 99]).tolist() if len(spent) else (None, None)
    return {
        "requests": int(chosen.sum()),
        "failed": int((chosen & samples.is_failed).sum()),
        "shed": int((chosen & samples.is_shed).sum()),
        "degraded": int((chosen & samples.is_degraded).sum()),
        "covered": _mean(samples.covered[chosen & samples.is_answered]),
        "p50_ms": p50,
        "p99_ms": p99,
    }

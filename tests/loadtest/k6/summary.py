"""A block of k6's, as its `handleSummary` tells it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

REQUEST: Final = "http_req_duration"  # sending, waiting, receiving
ITERATION: Final = "iteration_duration"  # all that the script does for one
STEADY: Final = "{scenario:steady}"


class SummaryUnread(Exception):
    """The summary has not what the script asks k6 for."""


class Timed(NamedTuple):
    p50_ms: float
    p99_ms: float


class Block(NamedTuple):
    """Of one generator; `timed` by from where it counts."""

    timed: Mapping[str, Timed]
    requests: int
    failed: int
    dropped: int  # due, and never begun
    cpu_us: float  # of the generator, a request


def block_of(summary: Mapping[str, Any], cpu_s: float) -> Block:
    """`cpu_s` is of the whole process, its warm-up too. Raises SummaryUnread."""
    metrics = summary["metrics"]
    timed = {name: _timed(metrics, name + STEADY) for name in (REQUEST, ITERATION)}
    every = _values(metrics, REQUEST)["count"]
    failed = _values(metrics, "http_req_failed" + STEADY)
    requests = int(_values(metrics, REQUEST + STEADY)["count"])
    dropped = metrics.get("dropped_iterations", {"values": {"count": 0}})["values"]["count"]
    return Block(
        timed=timed,
        requests=requests,
        failed=round(failed["rate"] * requests),
        dropped=int(dropped),
        cpu_us=cpu_s * 1e6 / every,
    )


def _timed(metrics: Mapping[str, Any], name: str) -> Timed:
    values = _values(metrics, name)
    return Timed(float(values["med"]), float(values["p(99)"]))


def _values(metrics: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    try:
        values: Mapping[str, Any] = metrics[name]["values"]
    except KeyError as error:
        raise SummaryUnread(
            f"k6's summary has no {name}, it has {', '.join(metrics)}: `make k6` installs the "
            "version that the script was written for"
        ) from error
    return values

"""Whether a run counts, and whether it held its budget."""

import math
from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

from loadtest.run.budget import Budget, Line, judge

MOST_APART: Final = 0.02
BUSY: Final = 0.7
"""Share of its core above which a generator's own queue shows in what it measures."""
LAG_SHARE: Final = 0.1
DEVIATIONS: Final = 4.0
"""Of a Poisson count, beyond which it is no chance."""


class Exit(IntEnum):
    HELD = 0
    BROKEN = 1
    INVALID = 3  # 2 is a wrong command line


def settle(report: Mapping[str, Any], budget: Budget | None) -> dict[str, Any]:
    """The parts of report.json that say what the figures mean."""
    lines = [] if budget is None else judge(budget, report)
    invalid = why_invalid(report)
    return {
        "budget": [line._asdict() for line in lines],
        "broken": [line.text for line in lines if not line.holds],
        "invalid": invalid,
        "notes": notes(report),
        "exit_code": int(exit_of(invalid, lines)),
    }


def exit_of(invalid: str | None, lines: Sequence[Line]) -> Exit:
    if invalid is not None:
        return Exit.INVALID
    return Exit.HELD if all(line.holds for line in lines) else Exit.BROKEN


def why_invalid(report: Mapping[str, Any]) -> str | None:
    """Where the generator did not send what was asked for, nothing was measured at that rate."""
    rate, lag = report["rate"], report["generator"]["lag_ms"]
    due = report.get("expected_requests")  # where workers draw their own arrivals
    if due is not None and abs(report["requests"] - due) > DEVIATIONS * math.sqrt(due):
        return (
            f"{report['requests']} requests came back of {due:.0f} that workers were to send, "
            "more apart than chance: one of them died, or could not report"
        )
    apart = 1.0 - rate["sent"] / rate["intended"]
    if apart <= MOST_APART:
        return None
    return (
        f"the generator sent {rate['sent']:.1f} requests/s where {rate['intended']:.1f} were "
        f"intended, {apart:.1%} less; it lagged by {lag['p99']:.1f} ms (p99), {lag['max']:.1f} ms "
        "at most: give it a core of its own, or --processes"
    )


def notes(report: Mapping[str, Any]) -> list[str]:
    generator = report["generator"]
    lag, p99 = generator["lag_ms"]["p99"], report["latency_ms"]["p99"].get("value")
    told = {
        f"the generator used {generator['core_share']:.0%} of its core: above {BUSY:.0%} give it "
        "more --processes": generator["core_share"] > BUSY,
        f"the generator's own lag, {lag:.1f} ms (p99), is part of every latency and more than "
        f"{LAG_SHARE:.0%} of p99": p99 is not None and lag > LAG_SHARE * p99,
    }
    return [note for note, is_so in told.items() if is_so]

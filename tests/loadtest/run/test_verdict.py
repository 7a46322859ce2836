from typing import Any

from loadtest.run.budget import Budget
from loadtest.run.verdict import Exit, settle
from tests.loadtest.run.reports import figures

BUDGET = Budget.model_validate({"p99_ms": 10})


def _late(report: dict[str, Any], sent: float) -> dict[str, Any]:
    return {**report, "rate": {**report["rate"], "sent": sent}}


def test_a_generator_that_fell_behind_measured_nothing() -> None:
    report = figures()
    held = settle(_late(report, 98.5), BUDGET)
    assert (held["exit_code"], held["invalid"]) == (Exit.HELD, None)
    invalid = settle(_late(report, 97.0), BUDGET)
    assert invalid["exit_code"] == Exit.INVALID
    assert "97.0 requests/s where 100.0 were intended" in invalid["invalid"]


def test_invalid_goes_before_broken() -> None:
    report = _late(figures(latency_ms=99.0), 50.0)
    told = settle(report, BUDGET)
    assert told["broken"]
    assert told["exit_code"] == Exit.INVALID


def test_a_broken_line_ends_with_one() -> None:
    assert settle(figures(latency_ms=99.0), BUDGET)["exit_code"] == Exit.BROKEN


def test_samples_that_a_worker_lost_are_missed() -> None:
    report = {**figures(count=1000), "expected_requests": 1200.0}
    assert "one of them died" in settle(report, None)["invalid"]
    assert settle({**report, "expected_requests": 1050.0}, None)["invalid"] is None


def test_a_busy_or_lagging_generator_is_noted() -> None:
    report = figures()
    assert settle(report, None)["notes"] == []
    busy = {**report["generator"], "core_share": 0.9, "lag_ms": {"p99": 3.0, "max": 4.0}}
    assert len(settle({**report, "generator": busy}, None)["notes"]) == 2

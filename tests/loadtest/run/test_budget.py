from pathlib import Path
from typing import Any

import pytest

from loadtest.errors import BudgetInvalid
from loadtest.run.budget import Budget, judge, read_budget
from tests.loadtest.run.reports import figures


def _broken(report: dict[str, Any], **limits: Any) -> list[str]:
    budget = Budget.model_validate(limits)
    return [line.text for line in judge(budget, report) if not line.holds]


@pytest.mark.parametrize(
    ("limits", "change", "line"),
    [
        ({"p99_ms": 20}, {"latency_ms": 50.0}, "p99 50.0 ms (50.0 to 50.0) is above 20 ms"),
        ({"p50_ms": 4}, {}, "p50 5.0 ms (5.0 to 5.0) is above 4 ms"),
        ({"stages": {"inference": {"p99_ms": 2}}}, {"stages_ms": {"inference": 9.0}},
         "inference p99 9.0 ms (9.0 to 9.0) is above 2 ms"),
        ({"errors": 0.01}, {"status": 500}, "errors 5.00%, at most 1.00%"),
        ({"shed": 0.0}, {"status": 429}, "shed 5.00%, at most 0.00%"),
        ({"degraded": 0.04}, {"degraded": ["cache:timeout"]}, "degraded 5.00%, at most 4.00%"),
        ({"coverage": 0.74}, {"covered": 0.0}, "coverage 71.25%, at least 74.00%"),
    ],
)  # fmt: skip
def test_the_line_that_broke_is_named(
    limits: dict[str, Any], change: dict[str, Any], line: str
) -> None:
    assert _broken(figures(), **limits) == [] or not change
    assert _broken(figures(**change), **limits) == [line]


def test_answers_that_never_came_break_the_rate() -> None:
    report = figures(status=0, latency_ms=2000.0)
    assert _broken(report) == ["answered 95.00% of the intended rate, at least 98.00%"]


def test_too_few_answers_for_a_percentile_do_not_hold_it() -> None:
    assert _broken(figures(count=100), p99_ms=1e6) == ["p99 cannot be told: it takes 368 answers"]


def test_a_stage_that_nobody_tells_does_not_hold() -> None:
    told = _broken(figures(), stages={"rerank": {"p50_ms": 1}})
    assert told == ["rerank p50 cannot be told: nobody tells it"]


def test_limits_of_the_command_line_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "budget.toml"
    path.write_text("p99_ms = 50\nerrors = 0.1\n[stages.cache]\np99_ms = 4\n")
    budget = read_budget(path, ["p99_ms=20", "stages.cache.p99_ms=2"])
    assert budget is not None
    assert (budget.p99_ms, budget.errors, budget.stages["cache"].p99_ms) == (20.0, 0.1, 2.0)
    assert read_budget(None, []) is None


@pytest.mark.parametrize(
    ("limit", "named"),
    [("p98_ms=3", "p98_ms"), ("p99_ms", "NAME=NUMBER"), ("errors=2", "errors"),
     ("stages.cache.mean=1", "stages.cache.mean"), ("p99_ms=fast", "NAME=NUMBER")],
)  # fmt: skip
def test_a_limit_that_means_nothing_is_refused(limit: str, named: str) -> None:
    with pytest.raises(BudgetInvalid, match=named):
        read_budget(None, [limit])


def test_a_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "budget.toml"
    path.write_text("p99_ms: 50")
    with pytest.raises(BudgetInvalid, match=r"budget\.toml"):
        read_budget(path)
    with pytest.raises(BudgetInvalid, match=r"missing\.toml"):
        read_budget(tmp_path / "missing.toml")


FLAT = {"value": 0.4, "low": -1.0, "high": 1.8, "is_flat": True}
GROWS = {"value": 700.0, "low": 650.0, "high": 750.0, "is_flat": False}


def _soaked(**resident: Any) -> dict[str, Any]:
    slopes = {"latency_ms_h": {"p50": FLAT, "p99": FLAT}, "rss_mb_h": resident}
    return {**figures(), "slopes": slopes}


def test_a_process_that_grows_breaks_the_slope_of_memory() -> None:
    held = _soaked(valkey=FLAT, gateway=FLAT)
    assert _broken(held, rss_slope_mb_h=2, p99_slope_ms_h=2) == []
    [line] = _broken(_soaked(valkey=FLAT, gateway=GROWS), rss_slope_mb_h=30)
    assert line == "gateway slope +700.00 MB/h (650.00 to 750.00), is not within 30 MB/h"


def test_a_slope_that_the_run_cannot_rule_out_breaks_the_line() -> None:
    [line] = _broken(_soaked(gateway=FLAT), p99_slope_ms_h=1.0)
    assert "indistinguishable from zero, is not within 1 ms/h" in line


def test_a_run_without_slopes_does_not_hold_them() -> None:
    told = _broken(figures(), rss_slope_mb_h=30, p99_slope_ms_h=20)
    assert [line.split(" cannot")[0] for line in told] == ["p99 slope", "rss slope"]
    short = _soaked(gateway={"needs": 12})
    assert "it takes 12 windows" in _broken(short, rss_slope_mb_h=30)[0]

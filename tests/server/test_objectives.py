"""Error budgets and the alerts over two windows."""

import numpy as np
import pytest

from models.features.records import I64
from models.schema import TIERS
from server.objectives import ALERTS, Objective, firing, objectives_of
from server.settings import Settings

BOUNDS_S = [60.0, 600.0, 3600.0]


def objectives(**given: float) -> dict[str, Objective]:
    return {each.name: each for each in objectives_of(Settings(**given), BOUNDS_S)}  # type: ignore[arg-type]


def counts(by_tier: dict[str, int], by_age: list[int]) -> I64:
    return np.array([by_tier.get(tier, 0) for tier in TIERS] + by_age, np.int64)


SERVED = counts({"pair": 60, "user": 30, "none": 10}, [50, 20, 15, 5])


def test_nothing_set_is_no_objective() -> None:
    assert objectives() == {}


def test_burn_is_the_shortfall_over_the_budget() -> None:
    named = objectives(
        coverage_objective=0.95, pair_coverage_objective=0.5, teacher_age_objective_s=600.0
    )
    assert named["coverage"].burn(SERVED) == pytest.approx(0.10 / 0.05)
    assert named["pair_coverage"].burn(SERVED) == pytest.approx(0.40 / 0.50)
    assert named["teacher_age"].burn(SERVED) == pytest.approx((20 / 90) / 0.05)
    assert named["teacher_age"].limit_s == 600.0


def test_percentile_of_the_age_is_a_setting() -> None:
    named = objectives(teacher_age_objective_s=3600.0, teacher_age_percentile=0.5)
    assert named["teacher_age"].burn(SERVED) == pytest.approx((5 / 90) / 0.5)


def test_no_traffic_burns_nothing_and_is_not_called_good() -> None:
    named = objectives(coverage_objective=0.9, teacher_age_objective_s=60.0)
    assert named["coverage"].burn(counts({}, [0, 0, 0, 0])) is None
    unhinted = counts({"none": 5}, [0, 0, 0, 0])
    assert named["teacher_age"].burn(unhinted) is None
    assert named["coverage"].burn(unhinted) == pytest.approx(10.0)


def test_alert_needs_both_of_its_windows() -> None:
    objective = objectives(coverage_objective=0.99)["coverage"]
    quiet: dict[str, float | None] = {"5m": 0.0, "30m": 0.0, "1h": 0.0, "6h": 0.0}
    assert firing(objective, quiet) is None
    assert firing(objective, quiet | {"1h": 20.0}) is None
    assert firing(objective, quiet | {"1h": 20.0, "5m": 20.0}) == "fast"
    assert firing(objective, quiet | {"6h": 7.0, "30m": 7.0}) == "slow"
    assert firing(objective, quiet | {"6h": 7.0, "30m": None}) is None


def test_objective_that_is_met_never_alerts() -> None:
    for target in (0.05, 0.4, 0.9, 0.999):
        objective = objectives(coverage_objective=target)["coverage"]
        assert firing(objective, dict.fromkeys(["5m", "30m", "1h", "6h"], 1.0)) is None


def test_target_that_can_never_burn_at_the_factor_still_alerts() -> None:
    objective = objectives(coverage_objective=0.8)["coverage"]
    assert objective.worst < min(alert.factor for alert in ALERTS)
    outage: dict[str, float | None] = dict.fromkeys(["5m", "30m", "1h", "6h"], 4.9)
    assert firing(objective, outage) == "fast"
    assert firing(objective, dict.fromkeys(outage, 2.9)) is None

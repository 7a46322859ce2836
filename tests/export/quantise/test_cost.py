"""What smaller numbers may cost is a bound, and it names what broke it."""

import pytest

from export.errors import QuantisingCosts
from export.quantise.cost import Cost, check_cost, manifest_metrics

COST = Cost(
    before={"click": {"auc": 0.8, "log_loss": 0.2}},
    after={"click": {"auc": 0.798, "log_loss": 0.2001}},
)


def test_cost_is_the_auc_lost_and_the_share_of_log_loss_added() -> None:
    assert COST.of("click") == pytest.approx({"auc": 0.002, "log_loss": 0.0005})


def test_cost_above_the_bound_is_refused_by_measure_and_task() -> None:
    check_cost("student", COST, 0.0021)
    with pytest.raises(QuantisingCosts, match=r"student: auc of click is 0.00200 worse"):
        check_cost("student", COST, 0.0019)


def test_gain_is_no_cost() -> None:
    check_cost("student", Cost(before=COST.after, after=COST.before), 0.0)


def test_cost_that_is_no_number_is_refused() -> None:
    broken = {"click": {"auc": float("nan"), "log_loss": 0.2}}
    with pytest.raises(QuantisingCosts, match="nan worse"):
        check_cost("student", Cost(before=COST.before, after=broken), 1.0)


def test_task_of_one_class_says_nothing() -> None:
    check_cost("student", Cost(before={"click": {}}, after={"click": {}}), 0.0)


def test_manifest_names_both_sides() -> None:
    assert set(manifest_metrics(COST)) == {"click/quantised", "click/not_quantised"}

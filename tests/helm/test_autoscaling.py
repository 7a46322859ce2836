"""What scales, by which series, and what a drained node may take."""

from typing import Any

import pytest

from tests.helm.charts import SERVING, objects_of, over, rendered

VALUES: dict[str, Any] = {**SERVING, "valkey": {"enabled": True}}


@pytest.mark.parametrize("role", ["gateway", "refresher"])
@pytest.mark.parametrize("kind", ["", "hpa", "keda"])
def test_replicas_are_left_to_whoever_owns_them(role: str, kind: str) -> None:
    objects = rendered(over(VALUES, {role: {"autoscaling": {"kind": kind}}}))
    assert ("replicas" in objects.one("Deployment", role)["spec"]) is (kind == "")
    assert (role in objects.of("HorizontalPodAutoscaler")) is (kind == "hpa")
    assert (role in objects.of("ScaledObject")) is (kind == "keda")


def test_gateways_scale_by_candidates_in_work_and_by_how_long_they_wait() -> None:
    metrics = objects_of("prod").one("HorizontalPodAutoscaler", "gateway")["spec"]["metrics"]
    told = {each["pods"]["metric"]["name"]: each["pods"]["target"] for each in metrics}
    assert told == {
        "understudy_inflight_candidates": {"type": "AverageValue", "averageValue": "4000"},
        "understudy_queue_p99_ms": {"type": "AverageValue", "averageValue": "10"},
    }


@pytest.mark.parametrize("kind", ["hpa", "keda"])
def test_waiting_may_be_no_matter(kind: str) -> None:
    scaling = {"gateway": {"autoscaling": {"kind": kind, "queueMs": None}}}
    objects = rendered(over(VALUES, scaling))
    scaler = {**objects.of("HorizontalPodAutoscaler"), **objects.of("ScaledObject")}["gateway"]
    assert len(scaler["spec"]["metrics" if kind == "hpa" else "triggers"]) == 1


def test_refreshers_scale_by_the_demand_of_the_space() -> None:
    """Each tells that of all, so that an average over pods would run away."""
    [metric] = objects_of("prod").one("HorizontalPodAutoscaler", "refresher")["spec"]["metrics"]
    assert metric["type"] == "External"
    assert metric["external"]["metric"]["name"] == "understudy_refresh_backlog"
    assert metric["external"]["target"]["averageValue"] == "500"
    [trigger] = objects_of("gpu").one("ScaledObject", "refresher")["spec"]["triggers"]
    assert trigger["metadata"]["query"] == (
        'max(understudy_refresh_backlog{understudy="ads-understudy"})'
    )


def test_keda_asks_for_candidates_and_for_the_queue() -> None:
    triggers = objects_of("gpu").one("ScaledObject", "gateway")["spec"]["triggers"]
    first, second = (each["metadata"]["query"] for each in triggers)
    assert first == 'sum(understudy_inflight_candidates{understudy="ads-understudy"})'
    assert 'stage="queue"' in second


def test_scaling_back_takes_its_time() -> None:
    behavior = objects_of("prod").one("HorizontalPodAutoscaler", "gateway")["spec"]["behavior"]
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 300


def test_disruption_budgets_are_asked_for_and_select_their_role() -> None:
    assert objects_of("minimal").of("PodDisruptionBudget") == {}
    budgets = objects_of("prod").of("PodDisruptionBudget")
    assert budgets.keys() == {"gateway", "refresher"}
    for role, budget in budgets.items():
        chosen = budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/component"]
        assert chosen == role
        assert budget["spec"]["maxUnavailable"] == 1
    assert "valkey" in objects_of("cluster").of("PodDisruptionBudget")

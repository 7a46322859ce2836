"""Several models in one release, and several releases on one cache."""

from typing import Any, Final

import pytest

from cache.address import Kind, parse
from tests.helm.charts import (
    SERVING,
    container,
    containers,
    env_of,
    objects_of,
    over,
    pod_of,
    rendered,
)

REFRESHERS: Final = {"refresher-feed", "refresher-video", "refresher-feed-next"}
MODELS: Final[dict[str, Any]] = {
    "models": [{"name": "feed", "path": "a/feed"}, {"name": "video", "path": "b"}],
    "valkey": {"enabled": True},
}


def args(mode: str, role: str, name: str = "") -> list[str]:
    told = container(pod_of(objects_of(mode), "Deployment", name or role), role)["args"]
    return list(told)


def test_one_gateway_serves_all_but_those_to_come() -> None:
    assert args("models", "gateway") == ["serve", "--from=/serving/feed", "--from=/serving/video"]
    assert args("minimal", "gateway") == ["serve", "--from=/serving"]


def test_each_model_has_a_teacher_of_its_own() -> None:
    found = objects_of("models").of("Deployment").keys()
    assert {name for name in found if name.startswith("refresher")} == REFRESHERS
    for name in REFRESHERS:
        folder = f"--from=/serving/{name.removeprefix('refresher-')}"
        assert folder in args("models", "refresher", name)


def test_a_models_values_stand_over_those_of_all() -> None:
    assert args("models", "refresher", "refresher-video")[2:] == [
        "--batch-ms=20",
        "--precision=int4",
    ]
    assert args("models", "refresher", "refresher-feed")[2:] == ["--batch-ms=20"]
    scaled = objects_of("models").of("HorizontalPodAutoscaler")
    assert {name: each["spec"]["maxReplicas"] for name, each in scaled.items()} == {
        "refresher-feed": 8, "refresher-video": 4,
    }  # fmt: skip


def test_one_model_runs_on_gpus_and_the_others_do_not() -> None:
    objects = objects_of("models")
    told = {
        name: container(pod_of(objects, "Deployment", name), "refresher") for name in REFRESHERS
    }
    assert told["refresher-feed-next"]["resources"] == {"limits": {"nvidia.com/gpu": 1}}
    assert "resources" not in told["refresher-feed"]
    spec = objects.one("Deployment", "refresher-feed-next")["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    assert spec["replicas"] == 1


def test_deployments_of_one_role_never_share_a_pod() -> None:
    objects = objects_of("models")
    labels = {
        name: objects.one("Deployment", name)["spec"]["template"]["metadata"]["labels"]
        for name in REFRESHERS
    }
    for name in REFRESHERS:
        wanted = objects.one("Deployment", name)["spec"]["selector"]["matchLabels"].items()
        assert [each for each, own in labels.items() if wanted <= own.items()] == [name]
        budget = objects.one("PodDisruptionBudget", name)["spec"]["selector"]["matchLabels"]
        assert budget.items() == wanted


def test_account_and_policy_are_those_of_the_role() -> None:
    objects = objects_of("models")
    accounts = {pod_of(objects, "Deployment", name)["serviceAccountName"] for name in REFRESHERS}
    assert accounts == {"ads-understudy-refresher"}
    policy = objects.one("NetworkPolicy", "refresher")["spec"]["podSelector"]["matchLabels"]
    assert "understudy/model" not in policy


def test_each_teacher_scales_by_its_own_backlog() -> None:
    objects = objects_of("models")
    for name in ("feed", "video"):
        [metric] = objects.one("HorizontalPodAutoscaler", f"refresher-{name}")["spec"]["metrics"]
        chosen = metric["external"]["metric"]["selector"]["matchLabels"]
        assert chosen == {"understudy": "ads-understudy", "refresher_model": name}
    [endpoint] = objects.one("PodMonitor", "backstage")["spec"]["podMetricsEndpoints"]
    assert {
        "sourceLabels": ["__meta_kubernetes_pod_label_understudy_model"],
        "targetLabel": "refresher_model",
    } in endpoint["relabelings"]


def test_keda_tells_the_backlogs_apart_too() -> None:
    keda = {"refresher": {"autoscaling": {"kind": "keda"}}}
    scaled = rendered(over(over(SERVING, MODELS), keda)).of("ScaledObject")
    queries = [each["spec"]["triggers"][0]["metadata"]["query"] for each in scaled.values()]
    assert queries == [
        f'max(understudy_refresh_backlog{{understudy="ads-understudy",refresher_model="{name}"}})'
        for name in ("feed", "video")
    ]


def test_users_and_requests_of_a_load_are_those_of_the_first_model() -> None:
    assert args("models", "ingest") == ["ingest", "--load=/serving/feed"]
    assert args("models", "worth") == ["worth", "--from=/serving/feed"]
    job = objects_of("models").one("Job", "test-load")["spec"]["template"]["spec"]
    assert "--requests=/serving/feed/replay.jsonl" in container(job, "load")["args"]


def test_an_erased_user_stays_erased_once_nothing_is_loaded() -> None:
    values = over(over(SERVING, MODELS), {"artifact": {"load": False}})
    [told] = containers(rendered(values), "ingest")
    assert told["args"] == ["ingest", "--from=/serving/a/feed"]


def test_a_release_may_be_refreshers_alone() -> None:
    objects = objects_of("refreshers")
    assert objects.of("Deployment").keys() == {"refresher"}
    kinds = {each["kind"] for each in objects.all}
    assert not kinds & {"Service", "ServiceMonitor", "Pod", "Job", "ConfigMap"}
    env = env_of(container(pod_of(objects, "Deployment", "refresher"), "refresher"))
    assert parse(env["UNDERSTUDY_REDIS_URL"]).kind is Kind.CLUSTER


def test_a_release_may_be_a_cache_alone() -> None:
    off = {role: {"enabled": False} for role in ("gateway", "refresher", "ingest")}
    objects = rendered({**off, "valkey": {"enabled": True}})
    assert objects.of("Deployment") == {}
    assert objects.of("StatefulSet").keys() == {"valkey"}
    assert objects.of("ServiceAccount").keys() == {"valkey"}


@pytest.mark.parametrize("mode", ["models", "triton"])
def test_another_release_reaches_this_ones_cache_where_it_is_let(mode: str) -> None:
    rules = objects_of(mode).one("NetworkPolicy", "valkey")["spec"]["ingress"]
    peers = [
        peer["podSelector"]["matchLabels"]["app.kubernetes.io/instance"]
        for peer in rules[0]["from"]
    ]
    assert peers == {"models": ["ads", "ads-teachers"], "triton": ["ads"]}[mode]

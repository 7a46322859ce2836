import pytest

from cache.refresh.process import DRAIN_S
from tests.helm.charts import (
    SERVING,
    Objects,
    container,
    env_of,
    objects_of,
    over,
    pod_of,
    rendered,
    values_of,
)

ROLES = ("refresher", "ingest", "archive", "worth", "neighbours")
ALL = {
    **SERVING,
    "valkey": {"enabled": True},
    "archive": {"enabled": True, "claim": "served"},
    "worth": {"enabled": True},
    "neighbours": {"enabled": True, "bundle": "student-1"},
}


@pytest.fixture(scope="module")
def everything() -> Objects:
    return rendered(ALL)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_reaches_the_cache_and_tells_its_metrics(everything: Objects, role: str) -> None:
    told = container(pod_of(everything, "Deployment", role), role)
    assert env_of(told)["UNDERSTUDY_REDIS_URL"] == "redis://ads-understudy-valkey:6379"
    assert told["ports"] == [{"name": "metrics", "containerPort": 9100}]
    assert told["readinessProbe"]["httpGet"] == {"path": "/metrics", "port": "metrics"}


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_time_to_finish_its_batch(everything: Objects, role: str) -> None:
    assert pod_of(everything, "Deployment", role)["terminationGracePeriodSeconds"] > DRAIN_S


@pytest.mark.parametrize("role", ROLES)
def test_each_role_can_be_left_out(role: str) -> None:
    off = rendered(over(ALL, {role: {"enabled": False}}))
    assert role not in off.of("Deployment")
    assert role not in off.of("ServiceAccount")


def test_each_role_runs_its_command(everything: Objects) -> None:
    told = {role: container(pod_of(everything, "Deployment", role), role)["args"] for role in ROLES}
    assert told == {
        "refresher": ["refresh", "--from=/serving"],
        "ingest": ["ingest", "--load=/serving"],
        "archive": ["archive", "--to=/archive"],
        "worth": ["worth", "--from=/serving"],
        "neighbours": ["neighbours", "--bundle=/serving/student-1"],
    }


def test_options_become_arguments() -> None:
    told = container(pod_of(objects_of("gpu"), "Deployment", "refresher"), "refresher")
    assert told["args"] == [
        "refresh", "--from=/serving", "--batch-ms=20", "--candidate-limit=65536", "--no-item-tier",
        "--precision=int4",
    ]  # fmt: skip


def test_a_teacher_takes_a_slice_of_a_gpu() -> None:
    pod = pod_of(objects_of("gpu"), "Deployment", "refresher")
    told = container(pod, "refresher")
    assert told["resources"] == {"limits": {"nvidia.com/mig-1g.10gb": 1}}
    assert told["image"] == "understudy-refresher-gpu:0.1.0"
    assert env_of(told)["UNDERSTUDY_PROVIDER"] == "cuda"
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert "nvidia.com/gpu.product" in pod["nodeSelector"]


def test_an_archive_goes_to_a_url_or_a_claim() -> None:
    prod = container(pod_of(objects_of("prod"), "Deployment", "archive"), "archive")
    assert "--to=s3://ads-served/understudy" in prod["args"]
    pod = pod_of(objects_of("cluster"), "Deployment", "archive")
    assert {"name": "archive", "persistentVolumeClaim": {"claimName": "understudy-archive"}} in (
        pod["volumes"]
    )
    account = objects_of("prod").one("ServiceAccount", "archive")
    assert "eks.amazonaws.com/role-arn" in account["metadata"]["annotations"]
    assert "annotations" not in objects_of("prod").one("ServiceAccount", "gateway")["metadata"]


def test_roles_may_be_different_users_of_the_cache() -> None:
    keys = {
        role: env_of(container(pod_of(objects_of("prod"), "Deployment", role), role))[
            "UNDERSTUDY_REDIS_URL"
        ]["secretKeyRef"]
        for role in ("gateway", "refresher", "ingest", "archive")
    }
    assert {each["name"] for each in keys.values()} == {"understudy-redis"}
    assert len({each["key"] for each in keys.values()}) == len(keys)


def test_a_teacher_at_triton_is_asked_there() -> None:
    told = container(pod_of(objects_of("cluster"), "Deployment", "refresher"), "refresher")
    assert "--triton-url=triton://ads-understudy-triton:8001" in told["args"]
    assert not [each for each in _args("triton") if each.startswith("--triton-url")]


def _args(mode: str) -> list[str]:
    return list(container(pod_of(rendered(values_of(mode)), "Deployment", "refresher"),
                          "refresher")["args"])  # fmt: skip

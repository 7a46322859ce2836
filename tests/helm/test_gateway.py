from typing import Any

import pytest

from tests.helm.charts import (
    ALONE,
    NAME,
    Object,
    container,
    env_of,
    objects_of,
    over,
    pod_of,
    rendered,
)


def gateway(values: dict[str, Any]) -> tuple[Object, Object]:
    """Its deployment's spec and its container."""
    objects = rendered(over(ALONE, values))
    pod = pod_of(objects, "Deployment", "gateway")
    return objects.one("Deployment", "gateway")["spec"], container(pod, "gateway")


def test_a_new_pod_answers_before_an_old_one_leaves() -> None:
    spec, _ = gateway({})
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}


@pytest.mark.parametrize(("kind", "mode"), [("gateway", "gpu"), ("refresher", "refreshers")])
def test_an_old_pod_leaves_first_where_a_new_one_would_find_no_gpu(kind: str, mode: str) -> None:
    spec = objects_of(mode).one("Deployment", kind)["spec"]
    assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}


def test_a_slow_start_is_no_failed_rollout() -> None:
    spec, told = gateway({"gateway": {"startupS": 1200}})
    probe = told["startupProbe"]
    assert spec["progressDeadlineSeconds"] > probe["periodSeconds"] * probe["failureThreshold"]


def test_selectors_never_carry_a_version() -> None:
    spec, _ = gateway({})
    kept = {"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/component"}
    assert spec["selector"]["matchLabels"].keys() == kept
    labels = spec["template"]["metadata"]["labels"]
    assert {name: labels[name] for name in kept} == spec["selector"]["matchLabels"]
    assert labels["app.kubernetes.io/version"] == "0.1.0"


def test_changed_settings_roll_the_pods() -> None:
    before, _ = gateway({})
    after, _ = gateway({"gateway": {"settings": {"deadline_ms": 50}}})
    key = "checksum/config"
    annotations = [each["template"]["metadata"]["annotations"][key] for each in (before, after)]
    assert annotations[0] != annotations[1]


def test_startup_waits_as_long_as_it_is_told() -> None:
    _, told = gateway({"gateway": {"startupS": 601}})
    probe = told["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 601


def test_secrets_are_named_and_never_written() -> None:
    _, told = gateway(
        {"gateway": {"adminToken": {"secretName": "admin"}, "keys": {"secretName": "keys"},
                     "trustedKeys": {"configMapName": "trusted"}}}
    )  # fmt: skip
    token = env_of(told)["UNDERSTUDY_ADMIN_TOKEN"]
    assert token == {"secretKeyRef": {"name": "admin", "key": "token"}}
    mounted = {each["mountPath"]: each.get("readOnly") for each in told["volumeMounts"]}
    assert mounted["/etc/understudy/keys"] is mounted["/etc/understudy/trusted-keys"] is True
    # A subPath would keep the file of the start: a changed key must arrive.
    assert all("subPath" not in each for each in told["volumeMounts"])


def test_tls_is_probed_over_tls() -> None:
    objects = objects_of("external-redis-tls")
    told = container(pod_of(objects, "Deployment", "gateway"), "gateway")
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert told[probe]["httpGet"]["scheme"] == "HTTPS"
    config = objects.one("ConfigMap", "gateway")["data"]
    assert config["UNDERSTUDY_TLS_CERTIFICATE"] == "/etc/understudy/tls/tls.crt"
    assert objects.one("Service", "gateway")["spec"]["ports"][0]["appProtocol"] == "https"


def test_probes_without_a_certificate_see_the_port_alone() -> None:
    _, told = gateway({"gateway": {"tls": {"secretName": "tls", "clientCA": True}}})
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert told[probe]["tcpSocket"] == {"port": "http"}


@pytest.mark.parametrize("is_enabled", [True, False])
def test_grpc_has_a_port_when_it_is_spoken(is_enabled: bool) -> None:
    objects = rendered(over(ALONE, {"gateway": {"grpc": {"enabled": is_enabled}}}))
    names = {port["name"] for port in objects.one("Service", "gateway")["spec"]["ports"]}
    assert ("grpc" in names) is is_enabled
    assert ("UNDERSTUDY_GRPC_PORT" in objects.one("ConfigMap", "gateway")["data"]) is is_enabled


def test_gpu_brings_its_image_resource_runtime_and_tolerations() -> None:
    pod = pod_of(objects_of("gpu"), "Deployment", "gateway")
    told = container(pod, "gateway")
    assert told["image"] == "understudy-gateway-gpu:0.1.0"
    assert told["resources"] == {"requests": {"cpu": "2"}, "limits": {"nvidia.com/gpu": 1}}
    assert pod["runtimeClassName"] == "nvidia"
    assert {each["key"] for each in pod["tolerations"]} == {"nvidia.com/gpu"}
    assert objects_of("gpu").one("ConfigMap", "gateway")["data"]["UNDERSTUDY_PROVIDER"] == "cuda"


def test_without_a_gpu_none_is_asked_for() -> None:
    pod = pod_of(objects_of("minimal"), "Deployment", "gateway")
    assert "runtimeClassName" not in pod
    assert "tolerations" not in pod
    assert "resources" not in container(pod, "gateway")


def test_an_artifact_is_copied_out_of_its_image() -> None:
    pod = pod_of(objects_of("prod"), "Deployment", "gateway")
    copy = container(pod, "artifact")
    assert copy["command"] == ["cp", "-R", "/serving/.", "/artifact"]
    assert {"name": "artifact", "emptyDir": {}} in pod["volumes"]


def test_an_artifact_of_a_claim_is_mounted_where_it_lies() -> None:
    pod = pod_of(objects_of("gpu"), "Deployment", "gateway")
    mount = next(m for m in container(pod, "gateway")["volumeMounts"] if m["name"] == "artifact")
    assert mount == {
        "name": "artifact", "mountPath": "/serving", "readOnly": True, "subPath": "serving"
    }  # fmt: skip
    assert "initContainers" not in pod


def test_pods_are_spread_over_nodes_and_zones() -> None:
    spread = pod_of(objects_of("minimal"), "Deployment", "gateway")["topologySpreadConstraints"]
    keys = {each["topologyKey"] for each in spread}
    assert keys == {"kubernetes.io/hostname", "topology.kubernetes.io/zone"}
    for each in spread:
        assert each["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == "gateway"


def test_images_come_from_the_registry_that_is_given() -> None:
    for name, pod in objects_of("prod").pods():
        for each in pod["containers"]:
            assert each["image"].startswith("registry.example.com/ads/understudy-"), name
            assert each["image"].endswith(":0.1.0")


def test_a_release_is_named_once() -> None:
    names = {
        each["metadata"]["name"] for each in rendered(over(ALONE, {"fullnameOverride": "rank"})).all
    }
    assert {"rank-gateway", "rank-test-ready"} <= names
    assert all(name.startswith("rank-") for name in names)
    _, told = gateway({})
    assert told["envFrom"] == [{"configMapRef": {"name": f"{NAME}-gateway"}}]


def test_bundles_of_a_rollout_have_a_place_to_go() -> None:
    _, told = gateway({"gateway": {"settings": {"registry": "s3://bundles"}}})
    assert env_of(told)["XDG_CACHE_HOME"] == "/var/cache"
    assert {"name": "cache", "mountPath": "/var/cache"} in told["volumeMounts"]


def test_an_image_may_be_pinned_by_its_digest() -> None:
    pinned = "understudy-gateway@sha256:" + "0" * 64
    values = {"image": {"registry": "registry.example.com/ads/"}, "gateway": {"repository": pinned}}
    _, told = gateway(values)
    assert told["image"] == f"registry.example.com/ads/{pinned}"

import pytest

from models.triton.address import Address
from tests.helm.charts import Object, container, objects_of, over, pod_of, rendered, values_of


def _url(mode: str) -> str:
    return str(objects_of(mode).one("ConfigMap", "gateway")["data"]["UNDERSTUDY_TRITON_URL"])


def test_a_sidecar_is_there_before_the_gateway_and_outlives_its_drain() -> None:
    pod = pod_of(objects_of("triton"), "Deployment", "gateway")
    [sidecar] = [each for each in pod["initContainers"] if each["name"] == "triton"]
    assert sidecar["restartPolicy"] == "Always"
    assert sidecar["startupProbe"]["httpGet"]["path"] == "/v2/health/ready"
    assert sidecar["resources"] == {"limits": {"nvidia.com/gpu": 1}}


def test_shared_memory_is_one_for_both() -> None:
    address = Address.parse(_url("triton"))
    assert address.shared_memory
    pod = pod_of(objects_of("triton"), "Deployment", "gateway")
    for name in ("gateway", "triton"):
        assert "/dev/shm" in {each["mountPath"] for each in container(pod, name)["volumeMounts"]}


def test_a_service_is_asked_by_name() -> None:
    objects = objects_of("cluster")
    address = Address.parse(_url("cluster"))
    assert address.host_port == "ads-understudy-triton:8001"
    ports = objects.one("Service", "triton")["spec"]["ports"]
    assert [each["port"] for each in ports] == [8001]
    told = container(pod_of(objects, "Deployment", "triton"), "triton")
    models = next(each for each in told["volumeMounts"] if each["name"] == "models")
    assert models["subPath"] == "models"


@pytest.mark.parametrize("mode", ["minimal", "prod"])
def test_without_triton_there_is_none(mode: str) -> None:
    objects = objects_of(mode)
    assert "UNDERSTUDY_TRITON_URL" not in objects.one("ConfigMap", "gateway")["data"]
    assert "triton" not in objects.of("Deployment")


def test_a_sidecar_on_a_gpu_brings_the_pod_to_its_node() -> None:
    pod = pod_of(objects_of("triton"), "Deployment", "gateway")
    assert pod["runtimeClassName"] == "nvidia"
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    bare: Object = rendered(over(values_of("triton"), {"triton": {"gpu": {"enabled": False}}})).one(
        "Deployment", "gateway"
    )["spec"]["template"]["spec"]
    assert "runtimeClassName" not in bare

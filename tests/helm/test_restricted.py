"""Every pod is one that a namespace with the restricted profile admits, and a little stricter."""

from copy import deepcopy
from typing import Any

import pytest

from tests.helm.charts import Objects, objects_of, pod_of
from tests.helm.restricted import breaches


def test_no_pod_breaks_the_restricted_profile(objects: Objects) -> None:
    pods = list(objects.pods())
    assert pods
    assert {name: broken for name, pod in pods if (broken := breaches(pod))} == {}


def test_no_container_may_write_to_its_root(objects: Objects) -> None:
    for name, pod in objects.pods():
        for each in [*pod.get("initContainers", []), *pod["containers"]]:
            assert each["securityContext"]["readOnlyRootFilesystem"] is True, name


def test_no_pod_has_a_token_or_is_told_of_services(objects: Objects) -> None:
    """Links of a Service named understudy would set UNDERSTUDY_PORT, which a gateway refuses."""
    for name, pod in objects.pods():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name


def test_each_role_has_an_account_of_its_own(objects: Objects) -> None:
    accounts = {each["metadata"]["name"]: each for each in objects.of("ServiceAccount").values()}
    used = {pod["serviceAccountName"] for _, pod in objects.pods()}
    assert used == accounts.keys()
    assert {each["automountServiceAccountToken"] for each in accounts.values()} == {False}


def test_mounts_have_volumes(objects: Objects) -> None:
    for each in objects.all:
        spec = each.get("spec", {}).get("template", {}).get("spec")
        if spec is not None:
            held = {volume["name"] for volume in spec.get("volumes", [])}
            claims = each["spec"].get("volumeClaimTemplates", [])
            held |= {claim["metadata"]["name"] for claim in claims}
            every = [*spec.get("initContainers", []), *spec["containers"]]
            used = {m["name"] for one in every for m in one.get("volumeMounts", [])}
            assert used <= held, each["metadata"]["name"]


WEAKER = [
    ({"hostNetwork": True}, {}),
    ({"securityContext": {}}, {}),
    ({"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}, {}),
    ({}, {"privileged": True}),
    ({}, {"allowPrivilegeEscalation": True}),
    ({}, {"capabilities": {"drop": ["NET_RAW"]}}),
    ({}, {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}}),
    ({}, {"runAsUser": 0}),
    ({}, {"seccompProfile": {"type": "Unconfined"}}),
]


@pytest.mark.parametrize(("of_pod", "of_container"), WEAKER)
def test_a_weaker_pod_would_be_found(of_pod: dict[str, Any], of_container: dict[str, Any]) -> None:
    pod = deepcopy(pod_of(objects_of("minimal"), "Deployment", "gateway"))
    assert breaches(pod) == []
    pod.update(of_pod)
    pod["containers"][0]["securityContext"].update(of_container)
    assert breaches(pod) != []


def test_what_draws_or_caches_has_somewhere_to_write(objects: Objects) -> None:
    """The root is read-only, and without /tmp Python's own tempfile finds no folder."""
    for name, pod in objects.pods():
        writable = {each["name"] for each in pod.get("volumes", []) if "emptyDir" in each}
        for each in pod["containers"]:
            mounts = {mount["mountPath"]: mount["name"] for mount in each.get("volumeMounts", [])}
            if "understudy" in each.get("command", ["understudy"]):
                assert mounts.get("/tmp") in writable, (name, each["name"])

"""Kubernetes' Pod Security Standard "restricted": what of a pod breaks it."""

from collections.abc import Iterator
from typing import Any, Final

VOLUMES: Final = {
    "configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim",
    "projected", "secret",
}  # fmt: skip
SYSCTLS: Final = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies", "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}  # fmt: skip
SECCOMP: Final = {"RuntimeDefault", "Localhost"}


def breaches(pod: dict[str, Any]) -> list[str]:
    """Of a pod's spec; none of one that a restricted namespace admits."""
    return [*_of_pod(pod), *(each for one in _containers(pod) for each in _of_container(pod, one))]


def _containers(pod: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in ("initContainers", "containers", "ephemeralContainers"):
        yield from pod.get(key, [])


def _of_pod(pod: dict[str, Any]) -> Iterator[str]:
    for key in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(key):
            yield key
    for volume in pod.get("volumes", []):
        for kind in volume.keys() - {"name"} - VOLUMES:
            yield f"volume {volume['name']}: {kind}"
    security = pod.get("securityContext", {})
    for sysctl in security.get("sysctls", []):
        if sysctl["name"] not in SYSCTLS:
            yield f"sysctl {sysctl['name']}"
    if security.get("windowsOptions", {}).get("hostProcess"):
        yield "hostProcess"
    if security.get("runAsUser") == 0:
        yield "runs as root"


def _of_container(pod: dict[str, Any], container: dict[str, Any]) -> Iterator[str]:
    own = container.get("securityContext", {})
    both = {**pod.get("securityContext", {}), **own}
    dropped = own.get("capabilities", {}).get("drop", [])
    added = set(own.get("capabilities", {}).get("add", []))
    wrong = {
        "privileged": bool(own.get("privileged")),
        "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is not False,
        "runAsNonRoot": both.get("runAsNonRoot") is not True,
        "runs as root": own.get("runAsUser") == 0,
        "seccompProfile": both.get("seccompProfile", {}).get("type") not in SECCOMP,
        "capabilities are not dropped": "ALL" not in dropped,
        "capabilities are added": not added <= {"NET_BIND_SERVICE"},
        "procMount": own.get("procMount", "Default") != "Default",
        "hostProcess": bool(own.get("windowsOptions", {}).get("hostProcess")),
        "hostPort": any(port.get("hostPort") for port in container.get("ports", [])),
    }
    yield from (f"{container['name']}: {name}" for name, is_wrong in wrong.items() if is_wrong)

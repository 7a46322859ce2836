"""Values that contradict each other end the rendering, and say what to do."""

from typing import Any, Final

import helm_python
import pytest

from tests.helm.charts import ALONE, SERVING, over, render

VALKEY: Final = {"valkey": {"enabled": True}}
CONTRADICTIONS: Final[list[tuple[dict[str, Any], str]]] = [
    ({}, "give one of artifact.claim and artifact.image"),
    ({"artifact": {"claim": "a", "image": "b"}}, "give one of artifact.claim and artifact.image"),
    (SERVING, "refresher.enabled needs a cache"),
    ({**ALONE, "worth": {"enabled": True}}, "worth.enabled needs a cache"),
    ({**SERVING, **VALKEY, "cache": {"urlSecret": {"name": "a"}}}, "valkey.enabled and cache.url"),
    ({**ALONE, "gateway": {"preStopS": 2, "settings": {"deadline_ms": 2000}}}, "gateway.preStopS"),
    (
        {
            **SERVING,
            "valkey": {"enabled": True, "mode": "cluster", "persistence": {"enabled": False}},
        },
        "valkey.persistence.enabled",
    ),
    ({**ALONE, "gateway": {"settings": {"drain_s": None}}}, "gateway.settings.drain_s: give"),
    ({**SERVING, **VALKEY, "archive": {"enabled": True}}, "archive.url and archive.claim"),
    ({**SERVING, **VALKEY, "neighbours": {"enabled": True}}, "neighbours.bundle"),
    ({**ALONE, "triton": {"mode": "sidecar"}}, "triton.repository.claim"),
    ({**ALONE, "triton": {"sharedMemory": True}}, "triton.sharedMemory needs"),
    ({**ALONE, "triton": {"teacher": True}}, "triton.teacher needs"),
    (
        {**ALONE, "loadTest": {"enabled": True}, "gateway": {"tls": {"secretName": "a"}}},
        "loadTest.enabled",
    ),
]


@pytest.mark.parametrize(
    ("values", "said"), CONTRADICTIONS, ids=[said for _, said in CONTRADICTIONS]
)
def test_contradictions_are_named(values: dict[str, Any], said: str) -> None:
    with pytest.raises(helm_python.HelmRenderError, match=said):
        render(values)


def test_the_least_that_renders() -> None:
    assert "gateway/deployment.yaml" in render(ALONE)
    assert "refresher/deployment.yaml" in render(over(SERVING, VALKEY))

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
    ({**ALONE, "gateway": {"tracing": {"ratio": 0.1}}}, "gateway.tracing.ratio 0.1 needs"),
    ({**ALONE, "triton": {"mode": "sidecar"}}, "triton.repository.claim"),
    ({**ALONE, "triton": {"sharedMemory": True}}, "triton.sharedMemory needs"),
    ({**ALONE, "triton": {"teacher": True}}, "triton.teacher needs"),
    (
        over(ALONE, {"models": [{"name": "a", "path": "b"}, {"name": "a", "path": "c"}]}),
        "named alike",
    ),
    (
        over(ALONE, {"models": [{"name": "a", "path": "b", "serve": False}]}),
        "models: none is served",
    ),
    (over(ALONE, {"gateway": {"strategy": {"maxSurge": 0}}}), "gateway.strategy: maxSurge"),
    (over(ALONE, {"triton": {"strategy": {"maxSurge": "0%"}}}), "triton.strategy: maxSurge"),
    (
        over(ALONE, {"gateway": {"autoscaling": {"kind": "hpa", "minReplicas": 30}}}),
        "gateway.autoscaling: minReplicas 30 is above maxReplicas 20",
    ),
    (over(ALONE, {"gateway": {"enabled": False}, "loadTest": {"enabled": True}}), "needs gateway"),
    (
        {
            "gateway": {"enabled": False},
            "triton": {"mode": "sidecar", "repository": {"claim": "a"}},
            **{name: {"enabled": False} for name in ("refresher", "ingest")},
        },
        "triton.mode sidecar needs gateway.enabled",
    ),
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

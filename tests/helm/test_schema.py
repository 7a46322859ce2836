"""The schema of the values refuses what nobody reads."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import helm_python
import pytest

from tests.helm.charts import CHART, chart, over, read_values, values_of
from tests.helm.golden_files import schema_file

FREE: Final = {
    "affinity", "annotations", "labels", "nodeSelector", "podAnnotations", "podSecurityContext",
    "securityContext", "serviceAccountAnnotations",
}  # fmt: skip
"""Kubernetes' own, or the deployment's."""


def blocks(values: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield above
    for key, value in values.items():
        if isinstance(value, dict) and key not in FREE:
            yield from blocks(value, (*above, key))


def nested(path: tuple[str, ...], leaf: Any) -> Any:
    return nested(path[:-1], {path[-1]: leaf}) if path else leaf


BLOCKS: Final = sorted(blocks(read_values("values.yaml")))


@pytest.mark.parametrize("path", BLOCKS, ids=lambda path: ".".join(path) or "top")
def test_a_slip_of_the_pen_is_refused(path: tuple[str, ...]) -> None:
    values = over(values_of("minimal"), nested(path, {"typpo": 1}))
    with pytest.raises(helm_python.HelmError, match="typpo"):
        chart().validate_schema(values)


def test_every_value_is_described() -> None:
    """A key of values.yaml that the schema did not know would be refused."""
    chart().validate_schema(read_values("values.yaml"))
    chart().validate_schema(over(read_values("values-prod.yaml"), values_of("prod")))


def test_every_object_of_the_schema_is_closed_or_says_what_is_free() -> None:
    def objects(schema: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(schema, dict):
            if schema.get("type") == "object":
                yield path, schema
            for key, value in schema.items():
                yield from objects(value, f"{path}/{key}")

    with schema_file(False) as schema:
        found = dict(objects(schema))
    is_open = [
        path for path, each in found.items() if each.get("additionalProperties", True) is True
    ]
    allowed = ("/podSecurityContext", "/securityContext", "/affinity", "/global", "/items")
    assert len(found) > 50
    assert [path for path in is_open if not path.endswith(allowed)] == []


WRONG: Final = [
    {"gateway": {"settings": {"deadline_ms": 0}}},
    {"gateway": {"settings": {"deadline_ms": "fast"}}},
    {"gateway": {"settings": {"log_level": "loud"}}},
    {"gateway": {"settings": {"port": 80}}},
    {"gateway": {"settings": {"tiers": "pairs"}}},
    {"gateway": {"replicas": -1}},
    {"gateway": {"service": {"port": 70_000}}},
    {"gateway": {"autoscaling": {"kind": "vpa"}}},
    {"refresher": {"options": {"precision": "int2"}}},
    {"refresher": {"options": {"redis_url": "redis://elsewhere"}}},
    {"refresher": {"gpu": {"resource": "gpu"}}},
    {"cache": {"external": {"scheme": "redis", "hosts": ["a"], "tls": {"secretName": "b"}}}},
    {"cache": {"external": {"hosts": ["user:password@host"]}}},
    {"valkey": {"mode": "sentinel"}},
    {"triton": {"mode": "remote"}},
    {"monitoring": {"rules": {"shedShare": 2}}},
    {"models": [{"name": "Feed", "path": "feed"}]},
    {"models": [{"name": "feed", "path": "/feed"}]},
    {"models": [{"name": "feed", "path": "feed", "server": True}]},
    {"models": [{"name": "feed", "path": "feed", "refresher": {"replica": 2}}]},
    {"gateway": {"strategy": {"maxSurge": "much"}}},
    {"networkPolicy": {"extraEgress": {"gatway": []}}},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_wrong_value_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(helm_python.HelmError):
        chart().validate_schema(over(deepcopy(values_of("minimal")), wrong))


def test_schema_is_named_for_editors() -> None:
    first = (CHART / "values.yaml").read_text(encoding="utf-8").splitlines()[0]
    assert "$schema=values.schema.json" in first

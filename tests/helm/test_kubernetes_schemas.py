"""Every object against Kubernetes' own schemas of the three newest minor versions known."""

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import kubernetes_validate
import kubernetes_validate.utils
import pytest

from tests.helm.charts import MODES, Object, objects_of

EXTENSIONS: Final = {"ServiceMonitor", "PodMonitor", "PrometheusRule", "ScaledObject"}
"""Of operators: Kubernetes has no schema of them."""


def newest_versions(count: int) -> list[str]:
    latest = kubernetes_validate.latest_version()
    major, minor = (int(part) for part in latest.split(".")[:2])
    return [f"{major}.{minor - back}" for back in range(count)]


def distinct_objects() -> Iterator[Object]:
    """Of all modes; most are alike."""
    seen: set[str] = set()
    for mode in MODES:
        for each in objects_of(mode).all:
            text = json.dumps(each, sort_keys=True)
            if text not in seen and each["kind"] not in EXTENSIONS:
                seen.add(text)
                yield each


@pytest.fixture(autouse=True)
def files_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not again for each object: all definitions of a version are one large file."""
    utils = kubernetes_validate.utils
    monkeypatch.setattr(utils, "schema_contents", lru_cache(utils.schema_contents))


@pytest.mark.parametrize("version", newest_versions(3))
def test_objects_are_what_kubernetes_takes(version: str) -> None:
    checked = 0
    for each in distinct_objects():
        kubernetes_validate.validate(each, version, strict=True)
        checked += 1
    assert checked > 60


def test_a_field_that_does_not_exist_would_be_found() -> None:
    service = objects_of("minimal").one("Service", "gateway")
    wrong = {**service, "spec": {**service["spec"], "selecter": {}}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, newest_versions(1)[0], strict=True)


def test_only_operators_objects_have_no_schema() -> None:
    kinds = {each["kind"] for mode in MODES for each in objects_of(mode).all}
    assert kinds >= EXTENSIONS
    for kind in EXTENSIONS:
        api = {e["apiVersion"] for m in MODES for e in objects_of(m).all if e["kind"] == kind}
        assert len(api) == 1
        assert api.pop().startswith(("monitoring.coreos.com/", "keda.sh/"))

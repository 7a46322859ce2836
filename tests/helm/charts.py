"""The chart, rendered by Helm's own library."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import helm_python
import yaml

CHART: Final = Path(__file__).resolve().parents[2] / "helm" / "understudy"
MODES: Final = (
    "minimal", "prod", "gpu", "triton", "cluster", "external-redis-tls", "models", "refreshers",
)  # fmt: skip
WITH_GATEWAYS: Final = tuple(mode for mode in MODES if mode != "refreshers")
RELEASE: Final = "ads"
NAME: Final = "ads-understudy"
NAMESPACE: Final = "ranking"
SERVING: Final = {"artifact": {"claim": "understudy-serving"}}
"""The least that the chart can be rendered with, when nothing behind the cache is on."""
ALONE: Final = {**SERVING, "refresher": {"enabled": False}, "ingest": {"enabled": False}}

Object = dict[str, Any]


class Objects(NamedTuple):
    all: tuple[Object, ...]

    def of(self, kind: str) -> dict[str, Object]:
        """By name without the release's."""
        return {
            each["metadata"]["name"].removeprefix(f"{NAME}-"): each
            for each in self.all
            if each["kind"] == kind
        }

    def one(self, kind: str, name: str) -> Object:
        return self.of(kind)[name]

    def pods(self) -> Iterator[tuple[str, Object]]:
        """Name of what makes them, and the pod's spec."""
        for each in self.all:
            if each["kind"] == "Pod":
                yield each["metadata"]["name"], each["spec"]
            elif "template" in each.get("spec", {}) and "spec" in each["spec"]["template"]:
                yield each["metadata"]["name"], each["spec"]["template"]["spec"]


@lru_cache(maxsize=1)
def chart() -> helm_python.Chart:
    return helm_python.Chart.load(CHART)


def read_values(name: str) -> Object:
    return dict(yaml.load((CHART / name).read_text(encoding="utf-8"), yaml.CSafeLoader))


def values_of(mode: str) -> Object:
    own = read_values(f"ci/{mode}.yaml")
    return over(read_values("values-prod.yaml"), own) if mode == "prod" else own


def over(below: Mapping[str, Any], above: Mapping[str, Any]) -> Object:
    """Values of a later file over those of an earlier one, as `--values` takes them."""
    merged = deepcopy(dict(below))
    for key, value in above.items():
        is_deep = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = over(merged[key], value) if is_deep else deepcopy(value)
    return merged


@lru_cache(maxsize=len(MODES))
def _rendered(mode: str) -> dict[str, str]:
    return render(values_of(mode))


def render(values: Mapping[str, Any]) -> dict[str, str]:
    """Text by template. Raises helm_python's errors."""
    chart().validate_schema(dict(values))
    told = chart().render(dict(values), name=RELEASE, namespace=NAMESPACE)
    return {
        name.removeprefix("understudy/templates/"): text
        for name, text in sorted(told.items())
        if text.strip() and not name.endswith(".tpl")
    }


def text_of(mode: str) -> dict[str, str]:
    return dict(_rendered(mode))


@lru_cache(maxsize=len(MODES))
def objects_of(mode: str) -> Objects:
    """Shared by all tests: whoever changes one takes a copy."""
    return parse(_rendered(mode))


def rendered(values: Mapping[str, Any]) -> Objects:
    return parse(render(values))


def parse(texts: Mapping[str, str]) -> Objects:
    documents = [
        document
        for name, text in texts.items()
        if name != "NOTES.txt"
        for document in yaml.load_all(text, yaml.CSafeLoader)
    ]
    return Objects(tuple(each for each in documents if each is not None))


def container(pod: Object, name: str) -> Object:
    every = [*pod.get("initContainers", []), *pod["containers"]]
    return next(each for each in every if each["name"] == name)


def env_of(container: Object) -> dict[str, Any]:
    """Value, or where it comes from."""
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def pod_of(objects: Objects, kind: str, name: str) -> Object:
    spec: Object = objects.one(kind, name)["spec"]["template"]["spec"]
    return spec


def containers(objects: Objects, role: str) -> list[Object]:
    """Of each of its deployments: none, one, or one for each model."""
    return [
        container(each["spec"]["template"]["spec"], role)
        for name, each in objects.of("Deployment").items()
        if name == role or name.startswith(f"{role}-")
    ]

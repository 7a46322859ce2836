"""Two bundles side by side, from their manifests and graphs."""

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import onnx

from models.manifest import MODEL, Bundle, Manifest, Period
from models.schema import Column, TensorSpec

Value = str | int | float | None
Facts = dict[str, Value]
SIDES: Final = ("user", "item", "context")


class Row(NamedTuple):
    group: str
    field: str
    a: Value  # None where that bundle has no such field
    b: Value

    @property
    def is_alike(self) -> bool:
        return self.a == self.b


def compare(a: Bundle, b: Bundle) -> list[Row]:
    """Every field that either has, in the order of the groups."""
    facts_a, facts_b = _facts(a), _facts(b)
    return [
        Row(group, field, facts_a[group].get(field), facts_b[group].get(field))
        for group in facts_a
        for field in facts_a[group] | facts_b[group]
    ]


def _facts(bundle: Bundle) -> dict[str, Facts]:
    manifest = bundle.manifest
    return {
        "bundle": _bundle(manifest, bundle.version),
        "space": {"reads": manifest.reads_space, "produces": manifest.produces_space},
        "schema": _schema(manifest),
        "calibration": dict(_calibration(manifest)),
        "quality": dict(_flat(manifest.metrics)),
        "parity": _parity(manifest),
        "costs": _costs(bundle.folder / MODEL),
        "bytes": {name: entry.size_bytes for name, entry in manifest.files.items()},
    }


def _bundle(manifest: Manifest, version: str) -> Facts:
    covered = manifest.coverage_trained
    powers = manifest.value.powers if manifest.value else {}
    return {
        "name": manifest.name,
        "version": version,
        "role": manifest.role,
        "tasks": ", ".join(manifest.tasks),
        "coverage trained": None if covered is None else f"{covered[0]:g} to {covered[1]:g}",
        "trained on": period(manifest.trained_on),
        "opset": manifest.opset,
        **{f"value power {task}": power for task, power in powers.items()},
    }


def period(of: Period) -> str:
    return f"{utc(of.from_ms)} to {utc(of.until_ms)}"


def utc(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def _schema(manifest: Manifest) -> Facts:
    features = manifest.features
    facts: Facts = {
        "history length": features.history_length,
        "teacher dim": features.teacher_dim,
        "teacher tiers": ", ".join(features.teacher_tiers),
        "reads sequence": str(features.reads_sequence).lower(),
        "counter half-life, h": features.log.counter_half_life_hours,
    }
    for side in SIDES:
        columns: tuple[Column, ...] = getattr(features.log, side)
        facts |= {f"{side}.{column.name}": _column(column) for column in columns}
    facts |= {f"input {spec.name}": _tensor(spec) for spec in manifest.inputs}
    return facts | {f"output {spec.name}": _tensor(spec) for spec in manifest.outputs}


def _column(column: Column) -> str:
    if column.kind == "categorical":
        return f"categorical, {column.buckets} buckets"
    return f"number, mean {column.mean:g}, scale {column.scale:g}"


def _tensor(spec: TensorSpec) -> str:
    return f"{spec.dtype} [{', '.join(map(str, spec.shape))}]"


def _calibration(manifest: Manifest) -> Iterator[tuple[str, Value]]:
    for task, fitted in manifest.calibration.items():
        yield f"{task} scale", fitted.scale
        yield f"{task} offset", fitted.offset


def _flat(metrics: Mapping[str, Mapping[str, float]]) -> Iterator[tuple[str, Value]]:
    for measured, values in metrics.items():
        for name, value in values.items():
            yield f"{measured} {name}", value


def _parity(manifest: Manifest) -> Facts:
    errors: Facts = {
        f"N = {candidates}": error for candidates, error in manifest.parity.max_abs_error.items()
    }
    return errors | {"tolerance": manifest.parity.tolerance}


def _costs(path: Path) -> Facts:
    """Of a graph that is verified: what it holds does not depend on the machine."""
    graph = onnx.load(path, load_external_data=False).graph
    weights = sum(math.prod(tensor.dims) for tensor in graph.initializer)
    return {"weights": weights, "nodes": len(graph.node)}

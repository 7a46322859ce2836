"""One trained model as a bundle: graph, parity, golden batch, warm-up requests, manifest."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from export.bundle import write_bundle
from export.golden import golden_bytes
from export.parity import ROWS, answers, measure
from export.samples import arrays_of
from export.to_onnx import OPSET, graph_of, outputs_of, to_onnx
from models.examples import Examples
from models.manifest import GOLDEN, MODEL, WARMUP, Calibration, Period, ValueFormula
from models.student import Student
from models.teacher import Teacher

GOLDEN_ROWS: Final = 64
COVERAGE_TRAINED: Final = (0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A model and what its manifest says of it beyond what can be measured here."""

    name: str
    model: Student | Teacher
    examples: Examples
    space: str
    calibration: Mapping[str, Calibration]
    trained_on: Period
    metrics: Mapping[str, Mapping[str, float]]
    value: ValueFormula | None = None


def write_model(parent: Path, source: Source, warmup: Sequence[Mapping[str, Any]]) -> Path:
    """Raises ParityFailed, and then writes nothing."""
    schema = source.examples.schema
    graph = graph_of(source.model, schema)
    golden = arrays_of(source.examples, requests=4, rows=GOLDEN_ROWS)
    model_bytes = to_onnx(graph, golden)
    samples = {rows: arrays_of(source.examples, 1, rows, seed=rows) for rows in ROWS}
    answered = answers(graph, golden)
    is_teacher = isinstance(source.model, Teacher)
    reads_space = source.space if schema.teacher_dim else None
    fields: dict[str, Any] = {
        "name": source.name,
        "role": "teacher" if is_teacher else "student",
        "tasks": schema.log.tasks,
        "features": schema,
        "reads_space": reads_space,
        "produces_space": source.space if is_teacher else None,
        "coverage_trained": COVERAGE_TRAINED if reads_space else None,
        "opset": OPSET,
        "inputs": schema.inputs(),
        "outputs": outputs_of(graph, answered),
        "parity": measure(graph, model_bytes, samples),
        "calibration": source.calibration,
        "value": source.value,
        "trained_on": source.trained_on,
        "metrics": source.metrics,
    }
    files = {
        MODEL: model_bytes,
        GOLDEN: golden_bytes(golden, answered),
        WARMUP: json.dumps(list(warmup), indent=1).encode(),
    }
    return write_bundle(parent, fields, files)

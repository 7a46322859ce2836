"""A bundle of smaller numbers beside the one that it was made of."""

from pathlib import Path
from typing import Any

import onnxruntime as ort
from safetensors.numpy import load_file

from export.bundle import write_bundle
from export.golden import golden_bytes
from export.model_bundle import Source
from export.parity import ROWS, measure
from export.quantise.cost import check_cost, cost_of, manifest_metrics
from export.quantise.precision import TOLERANCES, Precision, quantised
from export.samples import arrays_of
from export.to_onnx import graph_of
from models.examples import CacheSource
from models.features.records import F32
from models.manifest import GOLDEN, MODEL, WARMUP, Quantisation, read_manifest
from models.providers.sessions import session_options


def write_quantised(
    whole: Path, source: Source, precision: Precision, cache: CacheSource | None, most: float
) -> Path:
    """`whole` is the bundle of `source`; the new one stands beside it, with its calibration.
    Raises ParityFailed, QuantisingCosts, and then writes nothing."""
    manifest, version = read_manifest(whole)
    before = (whole / MODEL).read_bytes()
    after = quantised(before, precision)
    schema, tolerance = source.examples.schema, TOLERANCES[precision]
    samples = {rows: arrays_of(source.examples, 1, rows, seed=rows) for rows in ROWS}
    graph = graph_of(source.model, schema)
    parity = measure(graph, after, samples, tolerance.parity)
    cost = cost_of((before, after), source.examples, cache, manifest.calibration)
    check_cost(manifest.name, cost, most)
    fields: dict[str, Any] = {name: getattr(manifest, name) for name in type(manifest).model_fields}
    fields |= {
        "parity": parity,
        "metrics": manifest_metrics(cost),
        "golden_tolerance": tolerance.golden,
        "quantisation": Quantisation(
            precision=precision,
            of_version=version,
            cost={task: cost.of(task) for task in cost.before},
        ),
    }
    del fields["files"]
    files = {
        MODEL: after,
        GOLDEN: _golden(whole, after),
        WARMUP: (whole / WARMUP).read_bytes(),
    }
    return write_bundle(whole.parent, fields, files)


def _golden(whole: Path, model_bytes: bytes) -> bytes:
    """The same inputs, with the answers of the smaller graph."""
    held = load_file(whole / GOLDEN)
    inputs = {
        name.removeprefix("input."): array
        for name, array in held.items()
        if name.startswith("input.")
    }
    session = ort.InferenceSession(model_bytes, session_options(1))
    names = [output.name for output in session.get_outputs()]
    answered: dict[str, F32] = dict(zip(names, session.run(names, inputs), strict=True))
    return golden_bytes(inputs, answered)

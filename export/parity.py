"""Torch and ONNX Runtime on the same inputs, at one, a typical and the largest number of rows."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import onnxruntime as ort
import torch

from export.errors import ParityFailed
from export.to_onnx import Graph
from models.features.records import F32, Arrays
from models.manifest import Parity

TOLERANCE: Final = 1e-4
ROWS: Final = (1, 200, 1000)


def measure(
    graph: Graph, model_bytes: bytes, samples: Mapping[int, Arrays], tolerance: float = TOLERANCE
) -> Parity:
    """`samples`: number of candidates → inputs. Raises ParityFailed with the worst row."""
    session = ort.InferenceSession(model_bytes, providers=["CPUExecutionProvider"])
    errors = {
        rows: _worst(graph, session, arrays, rows, tolerance) for rows, arrays in samples.items()
    }
    return Parity(max_abs_error=errors, tolerance=tolerance)


def answers(graph: Graph, arrays: Arrays) -> dict[str, F32]:
    """The torch model's outputs by name."""
    tensors = [torch.from_numpy(arrays[spec.name]) for spec in graph.schema.inputs()]
    with torch.no_grad():
        found = graph.eval()(*tensors)
    found = found if isinstance(found, tuple) else (found,)
    return {name: value.numpy() for name, value in zip(graph.outputs, found, strict=True)}


def _worst(
    graph: Graph, session: ort.InferenceSession, arrays: Arrays, rows: int, tolerance: float
) -> float:
    expected = answers(graph, arrays)
    got = dict(zip(graph.outputs, session.run(list(graph.outputs), arrays), strict=True))
    worst = 0.0
    for name, value in expected.items():
        error = np.abs(value - got[name])
        worst = max(worst, float(error.max()))
        if not error.max() <= tolerance:
            row = int(error.max(axis=1).argmax())
            raise ParityFailed(
                f"{name} at {rows} candidates: row {row} is {value[row]} in torch and "
                f"{got[name][row]} in ONNX Runtime, more than {tolerance} apart"
            )
    return worst

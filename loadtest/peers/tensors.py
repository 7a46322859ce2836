"""The student's input tensors for one request of N candidates, from the rows of its golden batch.

The same arrays as `python -m server.raw_loop` runs, so that the ceiling is that of the same work.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from safetensors.numpy import load_file

Arrays = Mapping[str, NDArray[Any]]

GOLDEN: Final = "golden.safetensors"
MANIFEST: Final = "manifest.json"
MODEL: Final = "model.onnx"
PREFIX: Final = "input."


class Case(NamedTuple):
    """A request, and what the model alone answers to it."""

    candidates: int
    arrays: Arrays
    scores: NDArray[np.float32]  # [N, T] logits


def cases(bundle: Path, sizes: Sequence[int]) -> list[Case]:
    golden = load_file(bundle / GOLDEN)
    manifest = json.loads((bundle / MANIFEST).read_text(encoding="utf-8"))
    shapes = {declared["name"]: declared["shape"] for declared in manifest["inputs"]}
    session = _session(bundle / MODEL)
    made = []
    for size in sizes:
        arrays = arrays_of(golden, shapes, size)
        made.append(Case(size, arrays, session.run(None, arrays)[0]))
    return made


def arrays_of(golden: Arrays, shapes: Mapping[str, Sequence[Any]], candidates: int) -> Arrays:
    """One request: R = 1, and all N candidates are its own."""
    counts = {"R": 1, "N": candidates}
    place = np.arange(candidates)
    own = {"request_index": np.zeros_like(place), "group_place": place, "group_rows": place[None]}
    return {
        name: own[name] if name in own else _rows(golden[PREFIX + name], counts[shape[0]])
        for name, shape in shapes.items()
    }


def _rows(array: NDArray[Any], count: int) -> NDArray[Any]:
    return np.ascontiguousarray(np.resize(array, (count, *array.shape[1:])))


def _session(path: Path) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

"""Students whose answer is known: a linear bundle with some of its weights replaced."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import numpy_helper

from export.bundle import write_bundle
from models.manifest import GOLDEN, MODEL, WARMUP, read_manifest
from tests.bundles import golden

Weights = NDArray[np.float32]
TEACHERS = ("teacher_", "history_z", "history_said")


def copying(parent: Path, bundle: Path) -> Path:
    """The logit is the hint's, and 0 without one."""

    def copied(name: str, weights: Weights) -> Weights:
        return weights if name == "teacher_logit" else np.zeros_like(weights)

    return _reweighted(parent, bundle, copied)


def deaf(parent: Path, bundle: Path) -> Path:
    """Nothing of the teacher's changes the logit."""

    def unheard(name: str, weights: Weights) -> Weights:
        return np.zeros_like(weights) if name.startswith(TEACHERS) else weights

    return _reweighted(parent, bundle, unheard)


def _reweighted(parent: Path, bundle: Path, change: Callable[[str, Weights], Weights]) -> Path:
    manifest, _ = read_manifest(bundle)
    graph = onnx.load(str(bundle / MODEL))
    for weight in graph.graph.initializer:
        output, _, name = weight.name.partition(".")
        name, _, kind = name.partition(".")
        if kind == "weight" and output == "logit":
            changed = change(name, numpy_helper.to_array(weight))
            weight.CopyFrom(numpy_helper.from_array(changed, weight.name))
    data = graph.SerializeToString(deterministic=True)
    files = {
        MODEL: data,
        GOLDEN: golden(data, manifest.features, list(manifest.outputs)),
        WARMUP: (bundle / WARMUP).read_bytes(),
    }
    return write_bundle(parent, manifest.model_dump(exclude={"files"}), files)

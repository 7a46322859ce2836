"""A verified bundle as an ONNX Runtime session. The only importer of onnxruntime."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnxruntime as ort
from safetensors.numpy import load_file

from models.features.records import F32, F64, Arrays
from models.manifest import (
    GOLDEN,
    MODEL,
    Calibration,
    GoldenMismatch,
    GraphRefused,
    Manifest,
    read_manifest,
    verify_files,
)


class Outputs(NamedTuple):
    logit: F32  # [N, T]
    z: F32 | None  # [N, d], teachers only


@dataclass(frozen=True, slots=True)
class Model:
    """A model that may answer: its files verified, its golden batch reproduced."""

    manifest: Manifest
    version: str
    session: Any  # onnxruntime ships no types
    calibration: tuple[Calibration, ...]  # by task

    def run(self, arrays: Arrays) -> Outputs:
        """Blocking; safe to call from several threads."""
        outputs = self.session.run(None, arrays)
        return Outputs(outputs[0], outputs[1] if len(outputs) > 1 else None)

    def probabilities(self, logit: F32, task: int) -> F64:
        """Calibrated `[N]` of the task at this position, from `[N, T]`."""
        return self.calibration[task].probabilities(logit[:, task])


def load(folder: Path, threads: int = 1) -> Model:
    """Verify, open and prove a bundle. Raises BundleError before or after, never serves a doubt."""
    manifest, version = read_manifest(folder)
    verify_files(folder, manifest)
    calibration = tuple(manifest.calibration[task] for task in manifest.tasks)
    model = Model(manifest, version, _session(folder / MODEL, threads), calibration)
    _check_signature(model, folder)
    _check_golden(model, folder)
    return model


def _session(path: Path, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # NOTE: spinning workers burn the core that the event loop needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        # NOTE: a path, not bytes: given bytes, ONNX Runtime reads external data relative to the
        # working directory, `..` included; given a path it refuses to leave the bundle's folder.
        return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise GraphRefused(f"{path} does not load in ONNX Runtime: {error}") from error


def _check_signature(model: Model, folder: Path) -> None:
    named = [spec.name for spec in model.manifest.inputs]
    held = [node.name for node in model.session.get_inputs()]
    if sorted(named) != sorted(held):
        raise GraphRefused(f"{folder}: graph reads {held}, the manifest says {named}")


def _check_golden(model: Model, folder: Path) -> None:
    golden = load_file(folder / GOLDEN)
    inputs = {spec.name: golden[f"input.{spec.name}"] for spec in model.manifest.inputs}
    outputs = model.run(inputs)
    for name, got in outputs._asdict().items():
        if got is None:
            continue
        error = float(np.abs(got - golden[f"output.{name}"]).max())
        if not error <= model.manifest.golden_tolerance:
            raise GoldenMismatch(
                f"{folder}: {name} differs from its golden answer by {error:.2g}, "
                f"more than {model.manifest.golden_tolerance:.2g}: export again for this runtime"
            )

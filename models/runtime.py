"""A verified bundle as an ONNX Runtime session. The only importer of onnxruntime."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

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


class Inference(Protocol):
    """A bundle that can be run, wherever it is run: `Model` in this process, and in Triton
    `models.triton.model.TritonModel`."""

    @property
    def manifest(self) -> Manifest: ...

    @property
    def version(self) -> str: ...

    def run(self, arrays: Arrays) -> Outputs:
        """Blocking; safe to call from several threads."""


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
    check_golden(manifest, folder, model.run, "ONNX Runtime")
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


def check_golden(
    manifest: Manifest, folder: Path, run: Callable[[Arrays], Outputs], where: str
) -> None:
    """Raises GoldenMismatch, and what `run` raises."""
    golden = load_file(folder / GOLDEN)
    outputs = run({spec.name: golden[f"input.{spec.name}"] for spec in manifest.inputs})
    for name, got in outputs._asdict().items():
        if got is None:
            continue
        error = float(np.abs(got - golden[f"output.{name}"]).max())
        if not error <= manifest.golden_tolerance:
            raise GoldenMismatch(
                f"{folder}: {name} of {where} differs from its golden answer by {error:.2g}, "
                f"more than {manifest.golden_tolerance:.2g}: export again for this runtime"
            )

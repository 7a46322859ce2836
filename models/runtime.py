"""A verified bundle as an ONNX Runtime session (models.providers)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from safetensors.numpy import load_file

from models.features.records import F32, F64, Arrays
from models.manifest import (
    GOLDEN,
    Calibration,
    GoldenMismatch,
    GraphRefused,
    Manifest,
    read_manifest,
    verify_files,
)
from models.providers.bound import Session
from models.providers.execution import CPU, Execution, Provider
from models.providers.opening import open_graph, provider_of


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
    session: Session
    calibration: tuple[Calibration, ...]  # by task

    @property
    def provider(self) -> Provider:
        """Which runs it, whatever was asked for."""
        return provider_of(self.session)

    def run(self, arrays: Arrays) -> Outputs:
        """Blocking; safe to call from several threads."""
        outputs = self.session.run(None, arrays)
        return Outputs(outputs[0], outputs[1] if len(outputs) > 1 else None)

    def probabilities(self, logit: F32, task: int) -> F64:
        """Calibrated `[N]` of the task at this position, from `[N, T]`."""
        return self.calibration[task].probabilities(logit[:, task])


def load(folder: Path, threads: int = 1, execution: Execution = CPU) -> Model:
    """Verify, open and prove a bundle. Raises BundleError before or after, never serves a doubt."""
    manifest, version = read_manifest(folder)
    verify_files(folder, manifest)
    calibration = tuple(manifest.calibration[task] for task in manifest.tasks)
    session = open_graph(folder, manifest, threads, execution)
    model = Model(manifest, version, session, calibration)
    _check_signature(model, folder)
    check_golden(manifest, folder, model.run, f"ONNX Runtime ({model.provider})")
    return model


def _check_signature(model: Model, folder: Path) -> None:
    named = [spec.name for spec in model.manifest.inputs]
    held = [node.name for node in model.session.get_inputs()]
    if sorted(named) != sorted(held):
        raise GraphRefused(f"{folder}: graph reads {held}, the manifest says {named}")


def golden_inputs(golden: Mapping[str, Any], manifest: Manifest) -> Arrays:
    """Of what GOLDEN holds."""
    return {spec.name: golden[f"input.{spec.name}"] for spec in manifest.inputs}


def check_golden(
    manifest: Manifest, folder: Path, run: Callable[[Arrays], Outputs], where: str
) -> None:
    """Raises GoldenMismatch, and what `run` raises."""
    golden = load_file(folder / GOLDEN)
    outputs = run(golden_inputs(golden, manifest))
    for name, got in outputs._asdict().items():
        if got is None:
            continue
        error = float(np.abs(got - golden[f"output.{name}"]).max())
        if not error <= manifest.golden_tolerance:
            raise GoldenMismatch(
                f"{folder}: {name} of {where} differs from its golden answer by {error:.2g}, "
                f"more than {manifest.golden_tolerance:.2g}: export again for this runtime"
            )

"""ONNX Runtime sessions with nothing left to chance: threads, memory, and who runs them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort

from models.manifest import GraphRefused
from models.providers.errors import ProviderUnavailable
from models.providers.execution import Provider

ORT_NAMES: Final[Mapping[Provider, str]] = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
Wanted = tuple[str, dict[str, str]]
"""A provider by ONNX Runtime's name, and its options."""


# NOTE: memory patterns, arena and packed weights stay on, as ONNX Runtime has them. The student of
# the demo at N = 50 / 200 / 1000, in turns on one thread of an idle Xeon, took 1.08 / 1.05 / 1.01
# times as long without patterns, 1.00 at all sizes without the arena, 1.07 / 1.10 / 1.03 without
# both, 1.11 / 1.03 / 1.02 without packed weights; with optimisations `extended` in place of `all`
# 1.01 / 1.00 / 1.00. Its session holds 21 MB; 17 without patterns, arena or both.
def session_options(threads: int, sizes: Mapping[str, int] | None = None) -> Any:
    """Blocking runs on `threads` threads, the caller's among them. `sizes` of the graph's named
    axes make it a graph of that one shape."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    # NOTE: spinning workers burn the core that the event loop needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    for axis, size in (sizes or {}).items():
        options.add_free_dimension_override_by_name(axis, size)
    return options


def open_session(path: Path, options: Any, wanted: Sequence[Wanted]) -> Any:
    """Raises GraphRefused."""
    try:
        # NOTE: a path, not bytes: given bytes, ONNX Runtime reads external data relative to the
        # working directory, `..` included; given a path it refuses to leave the bundle's folder.
        return ort.InferenceSession(str(path), options, providers=list(wanted), enable_fallback=0)
    except Exception as error:
        raise GraphRefused(f"{path} does not load in ONNX Runtime: {error}") from error


def input_shapes(session: Any) -> dict[str, list[int | str | None]]:
    """A dynamic axis is the name that it has in the graph, or None."""
    return {node.name: node.shape for node in session.get_inputs()}


def check_built_in(provider: Provider) -> None:
    """ONNX Runtime by itself would take the CPU without a word. Raises ProviderUnavailable."""
    built = ort.get_available_providers()
    if ORT_NAMES[provider] not in built:
        raise ProviderUnavailable(
            f"provider {provider}: ONNX Runtime {ort.__version__} here is built with "
            f"{', '.join(built)}: install the extra gpu in place of serve, or choose cpu"
        )


def check_granted(provider: Provider, granted: Sequence[str], path: Path) -> None:
    """Raises ProviderUnavailable."""
    if ORT_NAMES[provider] not in granted:
        raise ProviderUnavailable(
            f"provider {provider}: {path} was given {', '.join(granted)}: check driver, CUDA, "
            "cuDNN and TensorRT of the image, or choose cpu"
        )

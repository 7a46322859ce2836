"""A bundle's graph as a session of the provider that was asked for."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import onnxruntime as ort

from models.manifest import MODEL, Manifest
from models.providers.bound import BoundSession, Session
from models.providers.buckets import axis_sizes, buckets_of
from models.providers.errors import ProviderUnavailable
from models.providers.execution import Execution, Provider
from models.providers.sessions import (
    ORT_NAMES,
    Wanted,
    check_built_in,
    check_granted,
    input_shapes,
    open_session,
    session_options,
)
from models.providers.tensorrt import EngineSessions, forgo_tf32, provider_options

log = logging.getLogger(__name__)
REMEDY: Final[Mapping[Provider, str]] = {
    "cuda": "choose cpu, or turn UNDERSTUDY_CUDA_GRAPHS off if it is on",
    "tensorrt": "choose cuda or cpu, turn UNDERSTUDY_CUDA_GRAPHS off if it is on, or see that the "
    "TensorRT that this ONNX Runtime is linked with is on LD_LIBRARY_PATH (docs/performance.md)",
}


def open_graph(folder: Path, manifest: Manifest, threads: int, execution: Execution) -> Session:
    """Of a verified bundle. Raises GraphRefused, ProviderUnavailable."""
    provider = execution.provider
    try:
        with _preparing(folder, provider):
            session = _OPENERS[provider](folder, manifest, threads, execution)
    except ProviderUnavailable as error:
        if not execution.has_fallback:
            raise
        log.warning("the CPU runs %s instead: %s", folder.name, error)
        session, provider = _on_cpu(folder, manifest, threads, execution), "cpu"
    log.info("%s runs on %s", folder.name, provider)
    return session


def provider_of(session: Session) -> Provider:
    """Which one was granted."""
    first = session.get_providers()[0]
    return next(provider for provider, name in ORT_NAMES.items() if name == first)


@contextmanager
def _preparing(folder: Path, provider: Provider) -> Iterator[None]:
    """On a GPU also what is no fault of the graph keeps it from being opened: memory that is out,
    an operator without a kernel."""
    if provider == "cpu":
        yield
        return
    check_built_in(provider)
    ort.preload_dlls()
    try:
        yield
    except ProviderUnavailable:
        raise
    except Exception as error:
        said = " ".join(str(error).split())
        raise ProviderUnavailable(
            f"provider {provider} cannot prepare {folder}: {said}: {REMEDY[provider]}"
        ) from error


def _on_cpu(folder: Path, manifest: Manifest, threads: int, execution: Execution) -> Session:
    session: Session = open_session(folder / MODEL, session_options(threads), [_wanted("cpu")])
    return session


def _on_cuda(folder: Path, manifest: Manifest, threads: int, execution: Execution) -> Session:
    session = _granted(folder, threads, "cuda", _cuda(has_graphs=execution.has_graphs))
    if not execution.has_graphs:
        # NOTE: without a graph, buffers kept on the device are no gain: a run in them took 0.90 to
        # 1.09 times as long as a plain one (student and teacher of the demo, H100), and is padded.
        plain: Session = session
        return plain
    buckets = buckets_of(execution.max_candidates)
    return BoundSession(session, manifest.inputs, manifest.outputs, buckets, has_graphs=True)


def _on_tensorrt(folder: Path, manifest: Manifest, threads: int, execution: Execution) -> Session:
    engines = execution.engines_of(folder)
    engines.mkdir(parents=True, exist_ok=True)
    forgo_tf32()
    inputs, outputs, has_graphs = manifest.inputs, manifest.outputs, execution.has_graphs
    held = input_shapes(_on_cpu(folder, manifest, threads, execution))
    by_bucket: dict[int, Session] = {}
    for bucket in buckets_of(execution.max_candidates):
        wanted = _wanted("tensorrt", provider_options(bucket, engines, has_graph=has_graphs))
        sizes = axis_sizes(held, inputs, bucket)
        session = _granted(folder, threads, "tensorrt", wanted, _cuda(), sizes=sizes)
        by_bucket[bucket] = BoundSession(session, inputs, outputs, [bucket], has_graphs=has_graphs)
        log.info("TensorRT is ready for %d candidates of %s", bucket, folder.name)
    return EngineSessions(by_bucket, inputs)


_OPENERS: Final[Mapping[Provider, Callable[[Path, Manifest, int, Execution], Session]]] = {
    "cpu": _on_cpu,
    "cuda": _on_cuda,
    "tensorrt": _on_tensorrt,
}


def _granted(
    folder: Path,
    threads: int,
    provider: Provider,
    *wanted: Wanted,
    sizes: Mapping[str, int] | None = None,
) -> Any:
    options = session_options(threads, sizes)
    session = open_session(folder / MODEL, options, [*wanted, _wanted("cpu")])
    check_granted(provider, session.get_providers(), folder / MODEL)
    return session


def _cuda(*, has_graphs: bool = False) -> Wanted:
    # NOTE: TF32 rounds products to ten bits, ten times more than a golden answer may be off.
    return _wanted("cuda", {"use_tf32": "0", "enable_cuda_graph": str(int(has_graphs))})


def _wanted(provider: Provider, options: dict[str, str] | None = None) -> Wanted:
    return ORT_NAMES[provider], options or {}

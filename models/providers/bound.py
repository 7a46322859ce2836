"""Runs of one request in buffers that lie on the device from the start, a set for each bucket."""

from collections.abc import Sequence
from threading import Lock
from typing import Any, Final, Protocol

import numpy as np
import onnxruntime as ort
from numpy.typing import DTypeLike, NDArray

from models.features.records import Arrays
from models.providers.buckets import Shape, bucket_for, shape_in
from models.providers.padding import PaddedInputs
from models.schema import TensorSpec

GRAPH_ID: Final = "gpu_graph_id"
NO_GRAPH: Final = "-1"


class Session(Protocol):
    """What is used of onnxruntime.InferenceSession, which has no types."""

    def run(self, names: None, arrays: Arrays) -> list[NDArray[Any]]:
        """Every output, in order. Blocking; safe to call from several threads."""

    def get_inputs(self) -> Sequence[Any]: ...

    def get_providers(self) -> list[str]: ...


class _Slot:
    """One bucket's buffers. With a graph, the first run captures it, a later one replays it."""

    def __init__(
        self,
        session: Any,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        bucket: int,
        device: str,
        graph: str,
    ) -> None:
        self._session, self._options = session, ort.RunOptions()
        self._options.add_run_config_entry(GRAPH_ID, graph)
        self._padded = PaddedInputs(inputs, bucket)
        self._inputs = _on_device(self._padded.memory.shape, np.uint8, device)
        self._outputs = {
            spec.name: _on_device(shape_in(spec, bucket), spec.dtype, device) for spec in outputs
        }
        self._binding = session.io_binding()
        for name, array in self._padded.arrays.items():
            place = self._inputs.data_ptr() + self._padded.starts[name]
            self._binding.bind_input(name, device, 0, array.dtype, array.shape, place)
        for name, value in self._outputs.items():
            self._binding.bind_ortvalue_output(name, value)
        self._run_padded()

    def run(self, arrays: Arrays, candidates: int) -> list[NDArray[Any]]:
        self._padded.write(arrays)
        self._run_padded()
        # A copy: the next run writes to the same buffers.
        return [np.array(value.numpy()[:candidates]) for value in self._outputs.values()]

    def _run_padded(self) -> None:
        # NOTE: one copy. A student's eighteen inputs, each by itself, cost as much as its run.
        self._inputs.update_inplace(self._padded.memory)
        self._session.run_with_iobinding(self._binding, self._options)


def _on_device(shape: Shape, dtype: DTypeLike, device: str) -> Any:
    return ort.OrtValue.ortvalue_from_shape_and_type(shape, np.dtype(dtype), device, 0)


class BoundSession:
    """A batch of several requests, or one larger than every bucket, is run in its own shape."""

    def __init__(
        self,
        session: Any,
        inputs: Sequence[TensorSpec],
        outputs: Sequence[TensorSpec],
        buckets: Sequence[int],
        *,
        device: str = "cuda",
        has_graphs: bool = False,
    ) -> None:
        """Runs each bucket once: what is compiled or captured is so before the first request."""
        self._session, self._buckets, self._lock = session, tuple(buckets), Lock()
        self._ungraphed = ort.RunOptions()
        self._ungraphed.add_run_config_entry(GRAPH_ID, NO_GRAPH)
        graphs = {
            bucket: str(at + 1) if has_graphs else NO_GRAPH for at, bucket in enumerate(buckets)
        }
        self._slots = {
            bucket: _Slot(session, inputs, outputs, bucket, device, graphs[bucket])
            for bucket in self._buckets
        }

    def run(self, names: None, arrays: Arrays) -> list[NDArray[Any]]:
        candidates = len(arrays["request_index"])
        bucket = bucket_for(candidates, self._buckets)
        if bucket is None or len(arrays["group_rows"]) != 1:
            answers: list[NDArray[Any]] = self._session.run(None, arrays, self._ungraphed)
            return answers
        with self._lock:
            return self._slots[bucket].run(arrays, candidates)

    def get_inputs(self) -> Sequence[Any]:
        inputs: Sequence[Any] = self._session.get_inputs()
        return inputs

    def get_providers(self) -> list[str]:
        names: list[str] = self._session.get_providers()
        return names

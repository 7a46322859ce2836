"""A gRPC server that speaks Triton's protocol for one bundle, and errs as it is told."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc import service_pb2_grpc as services

from models.features.records import Arrays
from models.runtime import Model, load
from models.schema import TensorSpec
from models.triton.tensors import DATATYPES, dims

DTYPES = {"FP32": np.float32, "INT64": np.int64}
NAMES = {np.dtype(dtype): name for name, dtype in DTYPES.items()}


class FakeTriton(services.GRPCInferenceServiceServicer):  # type: ignore[misc]
    def __init__(self, model: Model) -> None:
        self.distort: Callable[[Arrays], Arrays] = lambda outputs: outputs
        """What is answered in place of the model's outputs."""
        self.before: Callable[[], object] = lambda: None
        """What happens before a run."""
        self.refusal: grpc.StatusCode | None = None
        self.inputs: tuple[TensorSpec, ...] = model.manifest.inputs
        self.runs = 0
        self.metadata: dict[str, str] = {}
        """Of the last run."""
        self._model = model

    def ModelMetadata(self, request: Any, context: Any) -> Any:  # noqa: N802
        tensors = (self.inputs, self._model.manifest.outputs)
        inputs, outputs = ([_metadata(spec) for spec in specs] for specs in tensors)
        return pb.ModelMetadataResponse(name=request.name, inputs=inputs, outputs=outputs)

    def ModelInfer(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.runs += 1
        self.metadata = dict(context.invocation_metadata())
        self.before()
        if self.refusal is not None:
            context.abort(self.refusal, "as told")
        answer = self.distort(self._answer(request))
        response = pb.ModelInferResponse(model_name=request.model_name)
        for name, array in answer.items():
            response.outputs.add(name=name, datatype=NAMES[array.dtype], shape=array.shape)
            response.raw_output_contents.append(array.tobytes())
        return response

    def _answer(self, request: Any) -> Arrays:
        pairs = zip(request.inputs, request.raw_input_contents, strict=True)
        arrays = {
            tensor.name: np.frombuffer(raw, DTYPES[tensor.datatype]).reshape(tuple(tensor.shape))
            for tensor, raw in pairs
        }
        answers = self._model.session.run(None, arrays)
        outputs = self._model.manifest.outputs
        return {spec.name: answer for spec, answer in zip(outputs, answers, strict=True)}


def _metadata(spec: TensorSpec) -> Any:
    return pb.ModelMetadataResponse.TensorMetadata(
        name=spec.name, datatype=DATATYPES[spec.dtype], shape=dims(spec)
    )


@contextmanager
def fake_triton(folder: Path, port: int = 0) -> Iterator[tuple[FakeTriton, int]]:
    """The server and its port."""
    fake, server = FakeTriton(load(folder)), grpc.server(ThreadPoolExecutor(4))
    services.add_GRPCInferenceServiceServicer_to_server(fake, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    server.start()
    try:
        yield fake, port
    finally:
        server.stop(None).wait()

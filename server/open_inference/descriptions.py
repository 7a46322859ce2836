"""What the gateway says of itself and of its model."""

from collections.abc import Iterable
from typing import Final

from server.lane import Lane
from server.open_inference.signature import Declared, Signature
from server.open_inference.tensors import BYTES
from server.open_inference.wire import (
    ConfigInput,
    ConfigOutput,
    ModelConfig,
    ModelIndex,
    ModelMetadata,
    ServerMetadata,
    TensorMetadata,
)

NAME: Final = "understudy"
EXTENSIONS: Final = ("binary_tensor_data", "model_configuration", "parameters", "statistics")


def server_metadata(version: str) -> ServerMetadata:
    return ServerMetadata(NAME, version, list(EXTENSIONS))


def model_metadata(lane: Lane, signature: Signature) -> ModelMetadata:
    model = lane.model
    inputs, outputs = _tensors(signature.inputs.values()), _tensors(signature.outputs.values())
    return ModelMetadata(model.manifest.name, [model.version], NAME, inputs, outputs)


def model_config(lane: Lane, signature: Signature) -> ModelConfig:
    """No batch dimension: the gateway's own batcher puts requests together, whatever their size."""
    inputs = [
        ConfigInput(each.name, _type(each), [each.size], each.is_optional)
        for each in signature.inputs.values()
    ]
    outputs = [
        ConfigOutput(each.name, _type(each), [each.size]) for each in signature.outputs.values()
    ]
    return ModelConfig(lane.model.manifest.name, NAME, NAME, 0, inputs, outputs)


def index(lane: Lane) -> list[ModelIndex]:
    return [ModelIndex(lane.model.manifest.name, lane.model.version, "READY", "")]


def _tensors(declared: Iterable[Declared]) -> list[TensorMetadata]:
    return [TensorMetadata(each.name, each.datatype, [each.size]) for each in declared]


def _type(declared: Declared) -> str:
    return "TYPE_STRING" if declared.datatype == BYTES else f"TYPE_{declared.datatype}"

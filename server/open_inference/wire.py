"""The protocol's JSON, after the KServe and Triton documents. The gRPC messages have the same
fields, and are made from these."""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType, field

from server.open_inference.call import Parameters
from server.open_inference.tensors import MAX_SIZES, MAX_TENSORS, Scalar

Size = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Shape = Annotated[list[Size], Meta(max_length=MAX_SIZES)]


class InputParameters(Struct, frozen=True):
    """Others are ignored."""

    binary_data_size: Size | None = None
    shared_memory_region: str | None = None


class InferInput(Struct):
    name: str
    datatype: str
    shape: Shape
    parameters: InputParameters = InputParameters()
    data: list[Scalar] | None = None


class OutputParameters(Struct, frozen=True):
    """Others are ignored."""

    binary_data: bool | None = None
    classification: int | None = None
    shared_memory_region: str | None = None


class RequestedOutput(Struct):
    name: str
    parameters: OutputParameters = OutputParameters()


class InferRequest(Struct):
    """A rank request in columns."""

    inputs: Annotated[list[InferInput], Meta(max_length=MAX_TENSORS)]
    id: str = ""
    parameters: Parameters = Parameters()
    outputs: Annotated[list[RequestedOutput], Meta(max_length=MAX_TENSORS)] = []


class InferOutput(Struct):
    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int] | UnsetType = UNSET
    data: list[Scalar] | UnsetType = UNSET


class InferAnswer(Struct):
    model_name: str
    model_version: str
    id: str
    parameters: dict[str, str | float]
    outputs: list[InferOutput]


class ServerMetadata(Struct):
    name: str
    version: str
    extensions: list[str]


class TensorMetadata(Struct):
    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Struct):
    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ConfigInput(Struct):
    name: str
    data_type: str
    dims: list[int]
    optional: bool


class ConfigOutput(Struct):
    name: str
    data_type: str
    dims: list[int]


class ModelConfig(Struct):
    name: str
    platform: str
    backend: str
    max_batch_size: int
    input: list[ConfigInput]
    output: list[ConfigOutput]


class Duration(Struct, frozen=True):
    count: int
    ns: int


NEVER: Final = Duration(0, 0)


class InferStatistics(Struct, kw_only=True):
    success: Duration
    fail: Duration
    queue: Duration
    compute_input: Duration
    compute_infer: Duration
    compute_output: Duration
    cache_hit: Duration = NEVER
    cache_miss: Duration = NEVER


class ModelStatistics(Struct):
    name: str
    version: str
    last_inference: int
    inference_count: int
    execution_count: int
    inference_stats: InferStatistics
    batch_stats: list[Any] = field(default_factory=list)


class AllStatistics(Struct):
    model_stats: list[ModelStatistics]


class ModelIndex(Struct):
    name: str
    version: str
    state: str
    reason: str


class Live(Struct):
    live: bool


class IsReady(Struct):
    ready: bool


class ModelIsReady(Struct):
    name: str
    ready: bool


class Refused(Struct):
    error: str

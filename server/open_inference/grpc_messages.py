"""The protocol's gRPC messages ↔ calls and answers."""

from typing import Any, Final

import msgspec
from tritonclient.grpc import service_pb2 as pb

from server.body import invalid
from server.errors import InvalidRequest
from server.open_inference.call import Call, Parameters
from server.open_inference.service import Inferred
from server.open_inference.tensors import (
    BOOL,
    BYTES,
    MAX_TENSORS,
    Tensor,
    from_raw,
    from_values,
    to_raw,
    utf8,
)

CONTENTS: Final = {
    BOOL: "bool_contents", BYTES: "bytes_contents",
    "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents",
    "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents", "FP64": "fp64_contents",
}  # fmt: skip
MEMORY: Final = "shared_memory_region"


def call_of(request: Any, left_ms: float | None) -> Call:
    """Of a ModelInferRequest. Raises InvalidRequest."""
    parameters = _parameters(request.parameters)
    names = []
    for output in request.outputs:
        _check_extensions(output)
        names.append(output.name)
    return Call(request.id, _inputs(request), parameters, names, left_ms)


def answer_of(inferred: Inferred) -> Any:
    """A ModelInferResponse, its tensors raw, as Triton's are."""
    answer = inferred.answer
    response = pb.ModelInferResponse(
        model_name=answer.model, model_version=answer.version, id=answer.request_id
    )
    for name, value in inferred.parameters.items():
        kind = "string_param" if isinstance(value, str) else "double_param"
        setattr(response.parameters[name], kind, value)
    for tensor in inferred.outputs:
        response.outputs.add(name=tensor.name, datatype=tensor.datatype, shape=tensor.shape)
        response.raw_output_contents.append(to_raw(tensor))
    return response


def _parameters(given: Any) -> Parameters:
    """Numbers may come as text: not every client can send a fraction."""
    values = {}
    for name, parameter in given.items():
        kind = parameter.WhichOneof("parameter_choice")
        values[name] = None if kind is None else getattr(parameter, kind)
    fields = {"parameters": values}
    try:
        return msgspec.convert(values, Parameters, strict=False)
    except msgspec.ValidationError as error:
        message = str(error).replace("`$.", "`$.parameters.")
        raise invalid(message, fields) from None


def _inputs(request: Any) -> list[Tensor]:
    inputs, raw = request.inputs, request.raw_input_contents
    if len(inputs) > MAX_TENSORS:
        raise _refused(f"more than {MAX_TENSORS} inputs", "inputs", len(inputs))
    if raw and len(raw) != len(inputs):
        rule = f"there are {len(inputs)} inputs, each of which has its raw contents or none has"
        raise _refused(rule, "raw_input_contents", len(raw))
    for tensor in inputs:
        _check_extensions(tensor)
        if raw and tensor.HasField("contents"):
            raise _refused("contents are sent twice", tensor.name, "contents")
    if raw:
        pairs = zip(inputs, raw, strict=True)
        return [from_raw(each.name, each.datatype, each.shape, data) for each, data in pairs]
    return [_from_contents(each) for each in inputs]


def _from_contents(tensor: Any) -> Tensor:
    field = CONTENTS.get(tensor.datatype)
    values = [] if field is None else list(getattr(tensor.contents, field))
    if tensor.datatype == BYTES:
        values = [utf8(tensor.name, value) for value in values]
    return from_values(tensor.name, tensor.datatype, tensor.shape, values)


def _check_extensions(tensor: Any) -> None:
    for name in (MEMORY, "classification"):
        if name in tensor.parameters:
            raise _refused(f"{name} is not served here", tensor.name, name)


def _refused(rule: str, field: str, value: object) -> InvalidRequest:
    return InvalidRequest(rule, field=field, value=value, remedy="send data in the request alone")

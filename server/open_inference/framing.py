"""An HTTP body of the protocol: JSON, and behind it the bytes of binary tensors in their order."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from server.body import json_codec, parse
from server.errors import InvalidRequest, Unreadable
from server.open_inference.call import Call
from server.open_inference.service import Inferred
from server.open_inference.tensors import Tensor, from_raw, from_values, to_raw
from server.open_inference.wire import (
    InferAnswer,
    InferInput,
    InferOutput,
    InferRequest,
    RequestedOutput,
)

HEADER_LENGTH: Final = "Inference-Header-Content-Length"
HEADER_LENGTH_BYTES: Final = HEADER_LENGTH.lower().encode()
JSON: Final = b"application/json"
BINARY: Final = b"application/octet-stream"
_CODEC: Final = json_codec(InferRequest)


class Asked(NamedTuple):
    call: Call
    is_binary: Mapping[str, bool]  # outputs that were named with a wish
    by_default: bool


class Body(NamedTuple):
    content: bytes
    header_length: int | None  # None when all of it is JSON


def unframed(body: bytes, header_length: bytes | None) -> Asked:
    """Raises Unreadable, InvalidRequest."""
    at = len(body) if header_length is None else _header_length(header_length, len(body))
    request = parse(_CODEC, body[:at])
    inputs = _inputs(request.inputs, body[at:])
    for output in request.outputs:
        _check_output(output)
    wishes = {
        output.name: output.parameters.binary_data
        for output in request.outputs
        if output.parameters.binary_data is not None
    }
    names = [output.name for output in request.outputs]
    call = Call(request.id, inputs, request.parameters, names)
    return Asked(call, wishes, request.parameters.binary_data_output)


def framed(inferred: Inferred, asked: Asked) -> Body:
    blobs: list[bytes] = []
    outputs = []
    for tensor in inferred.outputs:
        if asked.is_binary.get(tensor.name, asked.by_default):
            blobs.append(to_raw(tensor))
            outputs.append(_output(tensor, len(blobs[-1])))
        else:
            outputs.append(_output(tensor, None))
    answer = inferred.answer
    head = _CODEC.encode(
        InferAnswer(answer.model, answer.version, answer.request_id, inferred.parameters, outputs)
    )
    return Body(b"".join((head, *blobs)), len(head) if blobs else None)


def _header_length(value: bytes, body_bytes: int) -> int:
    # A body has at most a few megabytes: no number of more digits can be right.
    length = int(value) if value.isdigit() and len(value) < 12 else -1
    if 0 <= length <= body_bytes:
        return length
    raise Unreadable(
        f"the length of the JSON is a number up to that of the body, {body_bytes}",
        field=HEADER_LENGTH,
        value=value.decode("latin-1"),
        remedy="send the number of bytes before the first binary tensor",
    )


def _inputs(inputs: list[InferInput], tail: bytes) -> list[Tensor]:
    tensors, at = [], 0
    for each in inputs:
        _check_memory(each.name, each.parameters.shared_memory_region)
        size = each.parameters.binary_data_size
        if (size is None) == (each.data is None):
            raise InvalidRequest(
                "an input has either data or a binary_data_size",
                field=each.name,
                value="neither" if size is None else "both",
                remedy="send one of them",
            )
        if size is None:
            tensors.append(from_values(each.name, each.datatype, each.shape, each.data or []))
            continue
        if at + size > len(tail):
            raise _wrong_tail(each.name, at + size, len(tail))
        tensors.append(from_raw(each.name, each.datatype, each.shape, tail[at : at + size]))
        at += size
    if at != len(tail):
        raise _wrong_tail(None, at, len(tail))
    return tensors


def _check_output(output: RequestedOutput) -> None:
    parameters = output.parameters
    _check_memory(output.name, parameters.shared_memory_region)
    if parameters.classification:
        raise InvalidRequest(
            "the classification extension is not served here",
            field=output.name,
            value=parameters.classification,
            remedy="send the parameters top_k and order=slate for the best candidates",
        )


def _check_memory(name: str, region: str | None) -> None:
    if region is not None:
        raise InvalidRequest(
            "shared memory is not served here",
            field=name,
            value=region,
            remedy="send the data in the request, and read it from the answer",
        )


def _wrong_tail(name: str | None, needed_bytes: int, sent_bytes: int) -> InvalidRequest:
    return InvalidRequest(
        f"the inputs take {needed_bytes} bytes behind the JSON, and there are {sent_bytes}",
        field=name or HEADER_LENGTH,
        value=sent_bytes,
        remedy="send as many bytes as the binary_data_size of all inputs say",
    )


def _output(tensor: Tensor, binary_bytes: int | None) -> InferOutput:
    output = InferOutput(tensor.name, tensor.datatype, list(tensor.shape))
    if binary_bytes is None:
        output.data = list(tensor.values)
    else:
        output.parameters = {"binary_data_size": binary_bytes}
    return output

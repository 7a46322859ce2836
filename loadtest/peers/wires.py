"""One request's tensors in the form that a caller of each server would choose, and its answer.

Floats in JSON are the shortest that read back as the same float32, as orjson writes numpy arrays.
"""

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from loadtest.connection import Answer, encode
from loadtest.peers.tensors import Arrays

Scores = NDArray[np.float32]  # [N, T]

DATATYPES: Final = {"int64": "INT64", "float32": "FP32"}
HEADER_LENGTH: Final = "inference-header-content-length"
OUTPUT: Final = "logit"


class Wire(NamedTuple):
    title: str
    encode: Callable[[str, Arrays], bytes]  # path, tensors → a whole HTTP request
    decode: Callable[[Answer], Scores]


def lists(array: NDArray[Any]) -> list[Any]:
    shortest = array.astype(str).astype(np.float64) if array.dtype == np.float32 else array
    nested: list[Any] = shortest.tolist()
    return nested


def encode_json(path: str, arrays: Arrays) -> bytes:
    return _post(path, {name: lists(array) for name, array in arrays.items()})


def decode_json(answer: Answer) -> Scores:
    return np.array(json.loads(answer.body)["scores"], np.float32)


def encode_msgpack(path: str, arrays: Arrays) -> bytes:
    body = {name: {"shape": a.shape, "data": a.tobytes()} for name, a in arrays.items()}
    head = {"content-type": "application/msgpack"}
    return encode("POST", path, msgspec.msgpack.encode(body), head)


def decode_msgpack(answer: Answer) -> Scores:
    told = msgspec.msgpack.decode(answer.body)["scores"]
    return np.frombuffer(told["data"], np.float32).reshape(told["shape"])


def encode_open_inference(path: str, arrays: Arrays) -> bytes:
    """Open Inference Protocol v2 in JSON, the tensors flat."""
    tensors = [declared(name, a) | {"data": lists(a.reshape(-1))} for name, a in arrays.items()]
    return _post(path, {"inputs": tensors})


def decode_open_inference(answer: Answer) -> Scores:
    [output] = json.loads(answer.body)["outputs"]
    return np.array(output["data"], np.float32).reshape(output["shape"])


def encode_open_inference_binary(path: str, arrays: Arrays) -> bytes:
    """The same with the protocol's binary extension: what Triton's own client sends."""
    blobs = {name: array.tobytes() for name, array in arrays.items()}
    tensors = [
        declared(name, a) | {"parameters": {"binary_data_size": len(blobs[name])}}
        for name, a in arrays.items()
    ]
    wanted = [{"name": OUTPUT, "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": tensors, "outputs": wanted}).encode()
    headers = {"content-type": "application/octet-stream", HEADER_LENGTH: str(len(head))}
    return encode("POST", path, b"".join((head, *blobs.values())), headers)


def decode_open_inference_binary(answer: Answer) -> Scores:
    length = int(answer.headers[HEADER_LENGTH])
    [output] = json.loads(answer.body[:length])["outputs"]
    return np.frombuffer(answer.body[length:], np.float32).reshape(output["shape"])


def declared(name: str, array: NDArray[Any]) -> dict[str, Any]:
    return {"name": name, "shape": array.shape, "datatype": DATATYPES[array.dtype.name]}


def _post(path: str, body: Any) -> bytes:
    return encode("POST", path, json.dumps(body, separators=(",", ":")).encode())


JSON: Final = Wire("JSON", encode_json, decode_json)
MSGPACK: Final = Wire("MessagePack, tensors as bytes", encode_msgpack, decode_msgpack)
OPEN_INFERENCE: Final = Wire("JSON, v2", encode_open_inference, decode_open_inference)
OPEN_INFERENCE_BINARY: Final = Wire(
    "binary, v2", encode_open_inference_binary, decode_open_inference_binary
)

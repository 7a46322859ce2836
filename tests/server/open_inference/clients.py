"""tritonclient and its inputs, which its HTTP and its gRPC module make alike."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np
import tritonclient.http
from tritonclient.grpc import service_pb2 as pb

from tests.server.open_inference.conftest import BODY, ITEMS

PARAMETERS = {"timestamp_ms": BODY["timestamp_ms"]}
_DATATYPES = {"float32": "FP32", "float64": "FP64", "int64": "INT64", "bool": "BOOL"}
INPUTS: dict[str, Any] = {
    "user_id": np.array(["user-1"], np.object_),
    "item_ids": np.array(ITEMS, np.object_),
    "placement": np.array(["feed"], np.object_),
    "slot_width": np.array([320.0], np.float32),
}


@contextmanager
def http_client(address: str) -> Iterator[Any]:
    client = tritonclient.http.InferenceServerClient(address, concurrency=8)
    try:
        yield client
    finally:
        client.close()
        # Its finaliser closes again, and waits there for greenlets of the thread that made it,
        # whichever thread collects it.
        client.close = lambda: None


def inputs_of(client: ModuleType, arrays: Mapping[str, Any], **how: Any) -> list[Any]:
    """`how`: `binary_data` of the HTTP client."""
    inputs = []
    for name, array in arrays.items():
        datatype = "BYTES" if array.dtype == np.object_ else _DATATYPES[array.dtype.name]
        tensor = client.InferInput(name, list(array.shape), datatype)
        tensor.set_data_from_numpy(array, **how)
        inputs.append(tensor)
    return inputs


def texts(array: Any) -> list[str]:
    return [value if isinstance(value, str) else value.decode() for value in array.tolist()]


def typed_request() -> Any:
    """INPUTS as a message of typed contents, which tritonclient itself never sends."""
    request = pb.ModelInferRequest(model_name="student")
    request.parameters["timestamp_ms"].int64_param = PARAMETERS["timestamp_ms"]
    for name, array in INPUTS.items():
        is_text = array.dtype == np.object_
        tensor = request.inputs.add(
            name=name, datatype="BYTES" if is_text else "FP32", shape=array.shape
        )
        if is_text:
            tensor.contents.bytes_contents.extend(text.encode() for text in array)
        else:
            tensor.contents.fp32_contents.extend(array.tolist())
    return request

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from tritonclient.grpc import service_pb2 as pb

from loadtest.connection import Answer, parse_head
from loadtest.peers import wires
from loadtest.peers.grpc_calls import decode_grpc, encode_grpc
from loadtest.peers.tensors import Arrays

SCORES = np.array([[0.1, -2.5], [1e-7, 3.0], [0.3, 7.25]], np.float32)
FLOATS = arrays(
    np.float32,
    array_shapes(min_dims=1, max_dims=3, max_side=4),
    elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
)
INTEGERS = arrays(np.int64, array_shapes(min_dims=1, max_dims=2, max_side=4))
TENSORS = st.fixed_dictionaries({"z": FLOATS, "index": INTEGERS})


def _body(request: bytes) -> bytes:
    raw, _, body = request.partition(b"\r\n\r\n")
    assert f"content-length: {len(body)}".encode() in raw
    return body


def _headers(request: bytes) -> dict[str, str]:
    raw, _, _ = request.partition(b"\r\n\r\n")
    return parse_head(b"HTTP/1.1 200 OK\r\n" + raw.partition(b"\r\n")[2] + b"\r\n\r\n").headers


def _assert_same(got: np.ndarray, wanted: np.ndarray) -> None:
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    assert got.tobytes() == wanted.tobytes()


@given(TENSORS)
def test_json_reads_back_as_the_same_tensors(tensors: Arrays) -> None:
    told = json.loads(_body(wires.encode_json("/score", tensors)))
    for name, array in tensors.items():
        _assert_same(np.array(told[name], array.dtype).reshape(array.shape), array)


@given(TENSORS)
def test_open_inference_json_reads_back_as_the_same_tensors(tensors: Arrays) -> None:
    told = json.loads(_body(wires.encode_open_inference("/infer", tensors)))["inputs"]
    for declared, (name, array) in zip(told, tensors.items(), strict=True):
        assert declared["name"] == name
        _assert_same(np.array(declared["data"], array.dtype).reshape(declared["shape"]), array)


@given(TENSORS)
def test_binary_tensors_lie_one_after_another_behind_the_header(tensors: Arrays) -> None:
    request = wires.encode_open_inference_binary("/infer", tensors)
    length, body = int(_headers(request)[wires.HEADER_LENGTH]), _body(request)
    at = length
    for declared in json.loads(body[:length])["inputs"]:
        end = at + declared["parameters"]["binary_data_size"]
        array = tensors[declared["name"]]
        _assert_same(np.frombuffer(body[at:end], array.dtype).reshape(declared["shape"]), array)
        at = end
    assert at == len(body)


@given(TENSORS)
def test_grpc_message_holds_the_same_tensors(tensors: Arrays) -> None:
    request = pb.ModelInferRequest.FromString(encode_grpc("student", tensors))
    assert request.model_name == "student"
    for declared, raw in zip(request.inputs, request.raw_input_contents, strict=True):
        array = tensors[declared.name]
        _assert_same(np.frombuffer(raw, array.dtype).reshape(tuple(declared.shape)), array)


def test_float_in_json_is_as_short_as_float32_allows() -> None:
    body = _body(wires.encode_json("/score", {"z": np.array([0.1], np.float32)}))
    assert body == b'{"z":[0.1]}'


def test_scores_read_back_from_every_form() -> None:
    output = {"name": "logit", "datatype": "FP32", "shape": [3, 2]}
    blob = SCORES.tobytes()
    head = json.dumps({"outputs": [output]}).encode()
    message = pb.ModelInferResponse(raw_output_contents=[blob])
    message.outputs.add(**output)
    told = {
        wires.decode_json: Answer(200, {}, json.dumps({"scores": SCORES.tolist()}).encode()),
        wires.decode_open_inference: Answer(
            200, {}, json.dumps({"outputs": [output | {"data": SCORES.ravel().tolist()}]}).encode()
        ),
        wires.decode_open_inference_binary: Answer(
            200, {wires.HEADER_LENGTH: str(len(head))}, head + blob
        ),
        decode_grpc: Answer(200, {}, message.SerializeToString()),
    }
    for decode, answer in told.items():
        _assert_same(decode(answer), SCORES)


def test_message_pack_round_trips_tensors_as_bytes() -> None:
    request = wires.encode_msgpack("/msgpack", {"scores": SCORES})
    sent = _body(request)
    assert _headers(request)["content-type"] == "application/msgpack"
    nested = msgspec.msgpack.decode(sent)
    answer = Answer(200, {}, msgspec.msgpack.encode({"scores": nested["scores"]}))
    _assert_same(wires.decode_msgpack(answer), SCORES)


@pytest.mark.parametrize(("dtype", "datatype"), [("int64", "INT64"), ("float32", "FP32")])
def test_datatype_is_named_as_the_protocol_does(dtype: str, datatype: str) -> None:
    declared = wires.declared("z", np.zeros((2, 3), dtype))
    assert declared["datatype"] == datatype
    assert declared["shape"] == (2, 3)

import gzip
import json
import zlib
from typing import Any

import pytest

from server.errors import BodyTooLarge, InvalidRequest, ServingError, Unreadable, UnsupportedMedia
from server.open_inference.content_coding import decoded
from server.open_inference.framing import unframed
from server.open_inference.tensors import column, to_raw

USER = column("user_id", "BYTES", ["u"])
ITEMS = column("item_ids", "BYTES", ["a", "b"])


def body(*sizes: int, **more: Any) -> bytes:
    inputs = [
        {
            "name": tensor.name,
            "datatype": "BYTES",
            "shape": list(tensor.shape),
            "parameters": {"binary_data_size": size},
        }
        for tensor, size in zip((USER, ITEMS), sizes, strict=True)
    ]
    return json.dumps({"inputs": inputs, **more}).encode()


RAW = (to_raw(USER), to_raw(ITEMS))
HEAD = body(*map(len, RAW))


def test_binary_tensors_are_taken_in_their_order() -> None:
    asked = unframed(HEAD + b"".join(RAW), str(len(HEAD)).encode())
    assert list(asked.call.inputs) == [USER, ITEMS]


def test_json_and_binary_inputs_mix() -> None:
    data = {"name": "user_id", "datatype": "BYTES", "shape": [1], "data": ["u"]}
    head = json.dumps({"inputs": [data, json.loads(HEAD)["inputs"][1]]}).encode()
    asked = unframed(head + RAW[1], str(len(head)).encode())
    assert list(asked.call.inputs) == [USER, ITEMS]


def test_wish_of_an_output_goes_before_that_of_the_request() -> None:
    outputs = [{"name": "scores", "parameters": {"binary_data": False}}, {"name": "tier"}]
    head = body(*map(len, RAW), outputs=outputs, parameters={"binary_data_output": True})
    asked = unframed(head + b"".join(RAW), str(len(head)).encode())
    assert (asked.is_binary, asked.by_default) == ({"scores": False}, True)


@pytest.mark.parametrize("length", [b"-1", b"x", b"", b"9" * 5000, str(len(HEAD) + 999).encode()])
def test_header_length_out_of_the_body_is_refused(length: bytes) -> None:
    with pytest.raises(Unreadable) as refused:
        unframed(HEAD + b"".join(RAW), length)
    assert refused.value.field == "Inference-Header-Content-Length"


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        (HEAD, b"".join(RAW)[:-1]),
        (HEAD, b"".join(RAW) + b"\0"),
        (HEAD, b""),
        (body(len(RAW[0]), 1 << 62), b"".join(RAW)),
        (body(len(RAW[0]) - 1, len(RAW[1]) + 1), b"".join(RAW)),
        (body(-1, 3), b"".join(RAW)),
        (HEAD[:-1], b"".join(RAW)),
    ],
)
def test_bytes_that_do_not_add_up_are_refused(head: bytes, tail: bytes) -> None:
    with pytest.raises(ServingError):
        unframed(head + tail, str(len(head)).encode())


@pytest.mark.parametrize(
    "change",
    [
        {"inputs": [{"name": "a", "datatype": "FP32", "shape": [1]}]},
        {"inputs": [{"name": "a", "datatype": "FP32", "shape": [1], "data": [[1.0]]}]},
        {"inputs": [{"name": "a", "datatype": "FP32", "shape": [1], "data": [None]}]},
        {"inputs": [], "parameters": {"topk": 3}},
        {"inputs": [], "parameters": {"order": "random"}},
        {"inputs": [], "parameters": {"timeout": 10**400}},
        {"inputs": [], "outputs": [{"name": "a", "parameters": {"classification": 3}}]},
        {"inputs": [], "outputs": [{"name": "a", "parameters": {"shared_memory_region": "r"}}]},
        {"inputs": [{"name": "a", "datatype": "FP32", "shape": [1] * 9, "data": [1.0]}]},
        {"inputs": [{"name": "a"}] * 1025},
    ],
)
def test_json_that_breaks_a_rule_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest):
        unframed(json.dumps(change).encode(), None)


@pytest.mark.parametrize(
    ("coding", "coded"),
    [(b"gzip", gzip.compress(HEAD)), (b"deflate", zlib.compress(HEAD)), (b"identity", HEAD)],
)
def test_codings_are_undone(coding: bytes, coded: bytes) -> None:
    assert decoded(coded, coding, len(HEAD)) == HEAD


def test_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(b"\0" * (8 << 20))
    assert len(bomb) < 1 << 14
    with pytest.raises(BodyTooLarge):
        decoded(bomb, b"gzip", 1 << 20)


@pytest.mark.parametrize("coded", [b"", b"junk", gzip.compress(HEAD)[:-9]])
def test_broken_coding_is_refused(coded: bytes) -> None:
    with pytest.raises(Unreadable):
        decoded(coded, b"gzip", 1 << 20)


def test_other_codings_are_refused() -> None:
    with pytest.raises(UnsupportedMedia, match="not read"):
        decoded(HEAD, b"br", 1 << 20)

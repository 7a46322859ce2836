"""What is wrong with a request, in the protocol's shape."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
import tritonclient.http as triton
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.open_inference.clients import INPUTS, http_client, inputs_of
from tests.server.open_inference.conftest import ITEMS, Addresses

pytestmark = pytest.mark.redis
INFER = "/v2/models/student/infer"


def tensor(name: str, datatype: str, data: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data)], "data": data}


USER = tensor("user_id", "BYTES", ["user-1"])
IDS = tensor("item_ids", "BYTES", ITEMS)


def assert_refused(answered: httpx.Response, status: int, *words: str) -> None:
    assert answered.status_code == status, answered.text
    assert answered.headers["Content-Type"] == "application/json"
    body = answered.json()
    assert set(body) == {"error"}
    for word in words:
        assert word in body["error"]


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ([IDS], ["user_id", "missing"]),
        ([USER], ["item_ids", "missing"]),
        ([USER, tensor("item_ids", "INT64", [1, 2])], ["item_ids", "BYTES", "INT64"]),
        ([USER, IDS, tensor("bid", "FP32", [1.0])], ["bid", "[20]", "[1]"]),
        ([USER, IDS | {"shape": [4, 5]}], ["item_ids", "[20]"]),
        ([USER, IDS | {"shape": [21]}], ["item_ids", "21 elements", "got 20"]),
        ([USER, tensor("item_ids", "BYTES", ["a", "a"])], ["item_ids[1]", "twice", "got a"]),
        ([tensor("user_id", "BYTES", [""]), IDS], ["user_id", "length"]),
        ([USER, IDS, tensor("price", "FP32", [1e35] * 20)], ["price[0]", "1e+35"]),
        ([USER, tensor("item_ids", "BYTES", [f"i{n}" for n in range(1001)])], ["item_ids", "1000"]),
    ],
)  # fmt: skip
def test_inputs_that_break_a_rule(
    addresses: Addresses, inputs: list[dict[str, Any]], words: list[str]
) -> None:
    assert_refused(addresses.rest.post(INFER, json={"inputs": inputs}), 422, *words)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/student/versions/7", 404),
        ("GET", "/v2/models/other/ready", 404),
        ("POST", "/v2/models/other/infer", 404),
        ("GET", "/v2/nowhere", 404),
        ("GET", INFER, 405),
        ("POST", "/v2", 405),
        ("POST", "/v2/repository/models/student/load", 404),
    ],
)
def test_paths_that_are_not_served(
    addresses: Addresses, method: str, path: str, status: int
) -> None:
    answered = addresses.rest.request(method, path)
    assert_refused(answered, status)
    assert ("Allow" in answered.headers) == (status == 405)


def test_bodies_that_cannot_be_read(addresses: Addresses) -> None:
    post = addresses.rest.post
    assert_refused(post(INFER, content=b"{"), 400)
    assert_refused(post(INFER, content=b""), 400)
    assert_refused(post(INFER, content=b"x" * ((1 << 20) + 1)), 413, "UNDERSTUDY_MAX_BODY_BYTES")
    assert_refused(post(INFER, content=b"x", headers={"Content-Encoding": "br"}), 415, "br")
    header = {"Inference-Header-Content-Length": "9999"}
    assert_refused(post(INFER, content=b"{}", headers=header), 400, "Inference-Header")


def test_numbers_that_are_not_finite(addresses: Addresses) -> None:
    with http_client(addresses.http) as client:
        arrays = INPUTS | {"slot_width": np.array([np.nan], np.float32)}
        with pytest.raises(triton.InferenceServerException, match=r"slot_width.*finite"):
            client.infer("student", inputs_of(triton, arrays))


def test_deadline_that_is_past_is_refused_as_late(served: Served) -> None:
    with live_gateway(settings_for(served.student, max_candidates=300)) as client:
        padding = [tensor(f"padding-{n}", "FP32", [1.0]) for n in range(1000)]
        body = {"inputs": [USER, IDS, *padding], "parameters": {"deadline_ms": 0.01}}
        answered = client.post(INFER, json=body)
        assert answered.status_code in (429, 504)
        assert_refused(answered, answered.status_code)
        assert "understudy_shed_total{" in client.get("/metrics").text


@pytest.fixture(scope="module")
def not_ready() -> Iterator[httpx.Client]:
    with live_gateway(settings_for(None), wait_ready=False) as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/health/ready"),
        ("GET", "/v2/models/student"),
        ("GET", "/v2/models/student/ready"),
        ("GET", "/v2/models/stats"),
        ("POST", "/v2/repository/index"),
        ("POST", INFER),
    ],
)
def test_gateway_that_is_not_ready_says_why(
    not_ready: httpx.Client, method: str, path: str
) -> None:
    answered = not_ready.request(method, path)
    assert_refused(answered, 503, "bundle")
    assert answered.headers["Retry-After"]
    assert not_ready.get("/v2/health/live").status_code == 200
    assert not_ready.get("/v2").json()["name"] == "understudy"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)  # fmt: skip
BREAKS = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from(["user_id", "item_ids", "bid", "price", "placement", ""]) | JSON,
        "datatype": st.sampled_from(["BYTES", "FP32", "FP64", "BOOL", "INT8"]) | JSON,
        "shape": st.lists(st.integers(-1, 3), max_size=3) | JSON,
        "data": st.lists(st.floats(allow_nan=False) | st.text(max_size=4), max_size=4) | JSON,
        "parameters": st.just({"binary_data_size": 4}) | JSON,
    },
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(BREAKS, max_size=3), st.dictionaries(
    st.sampled_from(["order", "top_k", "diversity", "timeout", "priority", "task", "x"]), JSON
), JSON, st.booleans())  # fmt: skip
def test_no_request_is_a_fault_of_the_gateway(
    addresses: Addresses,
    breaks: list[dict[str, Any]],
    parameters: dict[str, Any],
    outputs: Any,
    is_whole: bool,
) -> None:
    inputs = [*([USER, IDS] if is_whole else []), *breaks]
    body = {"inputs": inputs, "parameters": parameters, "outputs": outputs}
    answered = addresses.rest.post(INFER, content=json.dumps(body).encode())
    assert answered.status_code in (200, 400, 422), answered.text

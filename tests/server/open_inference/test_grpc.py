"""tritonclient.grpc, as it is installed, against a gateway on a real socket."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as triton_aio
import tritonclient.http as triton_http
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from server.open_inference.grpc_service import SERVICE, left_of
from tests.server.open_inference.clients import (
    INPUTS,
    PARAMETERS,
    http_client,
    inputs_of,
    texts,
    typed_request,
)
from tests.server.open_inference.conftest import Addresses

pytestmark = pytest.mark.redis


@pytest.fixture(scope="module")
def client(addresses: Addresses) -> Iterator[Any]:
    with triton.InferenceServerClient(addresses.grpc) as client:
        yield client


@pytest.fixture(scope="module")
def stub(addresses: Addresses) -> Iterator[Any]:
    with grpc.insecure_channel(addresses.grpc) as channel:
        yield GRPCInferenceServiceStub(channel)


def infer(client: Any, arrays: dict[str, Any] = INPUTS, **parameters: Any) -> Any:
    inputs = inputs_of(triton, arrays)
    return client.infer("student", inputs, parameters=PARAMETERS | parameters)


def over_http(addresses: Addresses, **parameters: Any) -> Any:
    with http_client(addresses.http) as client:
        inputs = inputs_of(triton_http, INPUTS)
        return client.infer("student", inputs, parameters=PARAMETERS | parameters)


def test_server_and_model_tell_of_themselves(client: Any, addresses: Addresses) -> None:
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("student", addresses.version)
    assert not client.is_model_ready("other")
    assert client.get_server_metadata().name == "understudy"
    [model] = client.get_model_repository_index().models
    assert (model.name, model.version, model.state) == ("student", addresses.version, "READY")


def test_descriptions_are_those_of_http(client: Any, addresses: Addresses) -> None:
    with http_client(addresses.http) as http:
        metadata, config = http.get_model_metadata("student"), http.get_model_config("student")
    told = client.get_model_metadata("student", as_json=True)
    assert [each["name"] for each in told["inputs"]] == [
        each["name"] for each in metadata["inputs"]
    ]
    assert told["versions"] == metadata["versions"]
    own = client.get_model_config("student").config
    assert [each.name for each in own.output] == [each["name"] for each in config["output"]]
    assert {each.name for each in own.input if not each.optional} == {"user_id", "item_ids"}
    assert list(own.input[0].dims) == [1]


def test_answer_is_that_of_http(client: Any, addresses: Addresses) -> None:
    result, other = infer(client), over_http(addresses)
    for name in ("scores", "values", "task_scores.click", "task_scores.conversion", "available"):
        assert result.as_numpy(name).tolist() == other.as_numpy(name).tolist()
    for name in ("item_ids", "tier"):
        assert texts(result.as_numpy(name)) == texts(other.as_numpy(name))
    parameters = result.get_response().parameters
    assert parameters["lane"].string_param == "stable"
    assert parameters["coverage.pair"].double_param == 0.5
    assert result.get_response().model_version == addresses.version


def test_fractions_may_come_as_text(client: Any, addresses: Addresses) -> None:
    """Its client sends no fractions."""
    result = infer(client, order="slate", top_k=7, diversity="0.9")
    other = over_http(addresses, order="slate", top_k=7, diversity=0.9)
    assert texts(result.as_numpy("item_ids")) == texts(other.as_numpy("item_ids"))


def test_typed_contents_say_the_same_as_raw_ones(client: Any, stub: Any) -> None:
    response = triton.InferResult(stub.ModelInfer(typed_request()))
    assert response.as_numpy("scores").tolist() == infer(client).as_numpy("scores").tolist()


def test_named_outputs_come_alone(client: Any) -> None:
    outputs = [triton.InferRequestedOutput("tier"), triton.InferRequestedOutput("scores")]
    result = client.infer("student", inputs_of(triton, INPUTS), outputs=outputs, request_id="r-8")
    response = result.get_response()
    assert [each.name for each in response.outputs] == ["tier", "scores"]
    assert response.id == "r-8"


async def test_aio_client_asks_many_at_once(client: Any, addresses: Addresses) -> None:
    async with triton_aio.InferenceServerClient(addresses.grpc) as own:
        assert await own.is_model_ready("student")
        inputs = inputs_of(triton_aio, INPUTS)
        asked = (own.infer("student", inputs, parameters=PARAMETERS) for _ in range(16))
        results = await asyncio.gather(*asked)
    expected = infer(client).as_numpy("scores").tolist()
    assert all(result.as_numpy("scores").tolist() == expected for result in results)


async def test_callers_that_leave_harm_nobody(addresses: Addresses) -> None:
    async with grpc.aio.insecure_channel(addresses.grpc) as channel:
        infer_ = GRPCInferenceServiceStub(channel).ModelInfer
        calls = [infer_(typed_request()) for _ in range(32)]
        for call in calls[::2]:
            call.cancel()
        stayed = await asyncio.gather(*calls[1::2])
    assert all(len(answer.outputs) == 7 for answer in stayed)


def test_many_threads_at_once_each_get_their_own(client: Any) -> None:
    def one(user: int) -> list[float]:
        arrays = INPUTS | {"user_id": np.array([f"user-{user}"], np.object_)}
        scores: list[float] = infer(client, arrays).as_numpy("scores").tolist()
        return scores

    alone = [one(user) for user in range(8)]
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(one, range(8))) == alone


def test_statistics_are_those_of_both_transports(client: Any, addresses: Addresses) -> None:
    [before] = client.get_inference_statistics("student").model_stats
    infer(client)
    over_http(addresses)
    [after] = client.get_inference_statistics().model_stats
    assert after.inference_count == before.inference_count + 2
    assert after.inference_stats.success.ns > before.inference_stats.success.ns
    assert after.last_inference > 0


def code_of(stub: Any, request: Any, **how: Any) -> Any:
    with pytest.raises(grpc.RpcError) as refused:
        stub.ModelInfer(request, **how)
    return refused.value.code()


def changed(**fields: Any) -> Any:
    request = typed_request()
    request.MergeFrom(pb.ModelInferRequest(**fields))
    return request


CODES = grpc.StatusCode
TENSOR = {"name": "price", "datatype": "FP32", "shape": [20]}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (changed(model_name="other"), CODES.NOT_FOUND),
        (changed(model_version="7"), CODES.NOT_FOUND),
        (changed(raw_input_contents=[b""]), CODES.INVALID_ARGUMENT),
        (changed(raw_input_contents=[b""] * 4), CODES.INVALID_ARGUMENT),
        (changed(inputs=[TENSOR]), CODES.INVALID_ARGUMENT),
        (changed(inputs=[TENSOR | {"datatype": "FP16"}]), CODES.INVALID_ARGUMENT),
        (changed(inputs=[TENSOR | {"contents": {"fp32_contents": [np.nan] * 20}}]),
         CODES.INVALID_ARGUMENT),
        (changed(inputs=[TENSOR | {"shape": [-1]}]), CODES.INVALID_ARGUMENT),
        (changed(inputs=[TENSOR | {"shape": [1 << 62, 1 << 62]}]), CODES.INVALID_ARGUMENT),
        (changed(inputs=[TENSOR | {"shape": [1 << 62] * 1000}]), CODES.INVALID_ARGUMENT),
        (changed(outputs=[{"name": "logits"}]), CODES.INVALID_ARGUMENT),
        (changed(outputs=[{"name": "scores"}] * 2), CODES.INVALID_ARGUMENT),
        (changed(parameters={"top_k": {"string_param": "many"}}), CODES.INVALID_ARGUMENT),
        (changed(parameters={"diversity": {"double_param": np.nan}}), CODES.INVALID_ARGUMENT),
        (changed(parameters={"deadline_ms": {"string_param": "inf"}}), CODES.INVALID_ARGUMENT),
        (changed(parameters={"topk": {"int64_param": 3}}), CODES.INVALID_ARGUMENT),
        (changed(parameters={"top_k": {}}), CODES.OK),
        (changed(inputs=[{"name": "x"}] * 1025), CODES.INVALID_ARGUMENT),
        (changed(id="x" * (2 << 20)), CODES.RESOURCE_EXHAUSTED),
        (pb.ModelInferRequest(model_name="student"), CODES.INVALID_ARGUMENT),
    ],
)  # fmt: skip
def test_refusals_have_their_code(stub: Any, request_: Any, code: Any) -> None:
    if code == CODES.OK:
        assert stub.ModelInfer(request_).outputs
    else:
        assert code_of(stub, request_) == code


def test_refusal_names_input_value_and_remedy(client: Any) -> None:
    with pytest.raises(triton.InferenceServerException) as refused:
        infer(client, INPUTS | {"bid": np.full(20, -1.0, np.float32)})
    assert "bid[0]" in refused.value.message()
    assert "-1.0" in refused.value.message()


def test_methods_that_are_not_served_say_so(client: Any) -> None:
    with pytest.raises(triton.InferenceServerException, match="UNIMPLEMENTED"):
        client.load_model("student")


@pytest.mark.parametrize(("left_s", "left_ms"), [(None, None), (0.25, 250.0), (-1.0, 1e-3)])
def test_deadline_of_the_call_is_that_of_the_request(
    left_s: float | None, left_ms: float | None
) -> None:
    assert left_of(SimpleNamespace(time_remaining=lambda: left_s)) == left_ms


def test_what_cannot_be_in_time_is_refused(stub: Any) -> None:
    assert stub.ModelInfer(typed_request(), timeout=30.0).outputs
    late = changed(parameters={"deadline_ms": {"string_param": "0.001"}})
    assert code_of(stub, late) in (CODES.DEADLINE_EXCEEDED, CODES.RESOURCE_EXHAUSTED)


def test_calls_are_counted_by_code(client: Any, addresses: Addresses) -> None:
    infer(client)
    page = addresses.rest.get("/metrics").text
    assert f'understudy_requests_total{{route="/{SERVICE}/ModelInfer",status="OK"}}' in page


def test_message_is_not_unpacked(addresses: Addresses) -> None:
    """What it takes when it is unpacked would be bounded nowhere."""
    packing = grpc.insecure_channel(addresses.grpc, compression=grpc.Compression.Gzip)
    with packing as channel, pytest.raises(grpc.RpcError) as refused:
        GRPCInferenceServiceStub(channel).ModelInfer(changed(id="x" * 10_000))
    assert refused.value.code() == CODES.UNIMPLEMENTED

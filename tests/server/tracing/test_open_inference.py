"""The Open Inference Protocol's requests are traced as rank requests are."""

from collections.abc import Iterator

import httpx
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from loadtest.stack import free_port
from server.stages import STAGES
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.open_inference.clients import PARAMETERS, typed_request
from tests.server.tracing.collector import Collector, attributes_of

HOST = "127.0.0.1"
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
PARENT = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
METHOD = "inference.GRPCInferenceService/ModelInfer"


@pytest.fixture
def ports(served: Served, collector: Collector) -> Iterator[tuple[httpx.Client, int]]:
    port = free_port(HOST)
    settings = settings_for(
        served.student, trace_ratio=1e-9, trace_endpoint=collector.url, grpc_port=port
    )
    with live_gateway(settings) as client:
        yield client, port


def test_over_http(ports: tuple[httpx.Client, int], collector: Collector) -> None:
    inputs = [
        {"name": "user_id", "datatype": "BYTES", "shape": [1], "data": ["user-1"]},
        {"name": "item_ids", "datatype": "BYTES", "shape": [2], "data": ["item-1", "item-2"]},
    ]
    path = "/v2/models/student/infer"
    answered = ports[0].post(path, json={"inputs": inputs}, headers=PARENT)
    refused = ports[0].post(path, json={}, headers=PARENT)
    one, other = collector.roots(2)
    assert one.name == "POST /v2/models/{model}/infer"
    assert (one.trace_id.hex(), one.parent_span_id.hex()) == (TRACE, SPAN)
    assert answered.headers["traceresponse"].split("-")[2] == one.span_id.hex()
    assert {child.name for child in collector.children(one)} == set(STAGES)
    assert attributes_of(one)["understudy.candidates"] == 2
    assert refused.headers["traceresponse"].split("-")[2] == other.span_id.hex()
    assert attributes_of(other)["http.response.status_code"] == refused.status_code >= 400


def test_over_grpc(ports: tuple[httpx.Client, int], collector: Collector) -> None:
    address = f"{HOST}:{ports[1]}"
    with triton.InferenceServerClient(address) as client:
        metadata = tuple(PARENT.items())
        _, call = client._client_stub.ModelInfer.with_call(typed_request(), metadata=metadata)
        with pytest.raises(InferenceServerException):
            client.infer("nobody", [], parameters=PARAMETERS, headers=PARENT)
    one, other = collector.roots(2)
    assert (one.name, one.trace_id.hex(), one.parent_span_id.hex()) == (METHOD, TRACE, SPAN)
    trailers = dict(call.trailing_metadata())
    assert trailers["traceresponse"] == f"00-{TRACE}-{one.span_id.hex()}-01"
    assert attributes_of(one)["rpc.grpc.status_code"] == 0
    assert attributes_of(other)["rpc.grpc.status_code"] == 5  # NOT_FOUND
    assert attributes_of(other)["error.type"] == "UnknownModel"

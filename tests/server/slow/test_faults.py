"""A request that meets a fault of ours: found by its id in the log and among the slow ones."""

from typing import Any

import grpc
import pytest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from loadtest.stack import free_port
from server.answer import AnswerWriter
from tests.bundles import rank_body
from tests.server.changes import BEARER, TOKEN
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.open_inference.clients import typed_request

INPUTS = [
    {"name": "user_id", "shape": [1], "datatype": "BYTES", "data": ["user-1"]},
    {"name": "item_ids", "shape": [1], "datatype": "BYTES", "data": ["item-1"]},
]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/rank", rank_body("user-1", 3, request_id="r-17")),
        ("/v2/models/student/infer", {"id": "r-17", "inputs": INPUTS}),
    ],
)
def test_fault_is_logged_with_the_requests_id(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    path: str,
    body: dict[str, Any],
) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError("a fault of ours")

    with live_gateway(settings_for(served.student, admin_token=TOKEN)) as client:
        monkeypatch.setattr(AnswerWriter, "write", broken)
        assert client.post(path, json=body).status_code == 500
        requests = client.get("/v1/slow", headers=BEARER).json()["requests"]
    [record] = [each for each in caplog.records if each.exc_info and "failed" in each.message]
    assert vars(record)["request_id"] == "r-17"
    assert vars(record)["trace_id"] is None
    assert [(each["status"], each["request_id"]) for each in requests] == [(500, "r-17")]


def test_fault_in_writing_an_answer_of_grpc_is_found_too(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError("a fault of ours")

    port = free_port("127.0.0.1")
    traced = {"trace_ratio": 1.0, "trace_endpoint": "http://127.0.0.1:1"}  # nobody collects
    settings = settings_for(served.student, admin_token=TOKEN, grpc_port=port, **traced)
    monkeypatch.setattr("server.open_inference.grpc_service.answer_of", broken)
    with live_gateway(settings) as client, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        with pytest.raises(grpc.RpcError) as failed:
            GRPCInferenceServiceStub(channel).ModelInfer(typed_request())
        [request] = client.get("/v1/slow", headers=BEARER).json()["requests"]
    assert failed.value.code() == grpc.StatusCode.INTERNAL
    assert request["status"] == 500
    assert request["trace_id"] is not None


def test_trace_of_a_request_is_named_where_it_was_slow_or_failed(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError("a fault of ours")

    traced = {"trace_ratio": 1.0, "trace_endpoint": "http://127.0.0.1:1"}  # nobody collects
    with live_gateway(settings_for(served.student, admin_token=TOKEN, **traced)) as client:
        answers = [client.post("/v1/rank", json=rank_body("user-1", 3))]
        monkeypatch.setattr(AnswerWriter, "write", broken)
        answers.append(client.post("/v1/rank", json=rank_body("user-1", 3)))
        requests = client.get("/v1/slow", headers=BEARER).json()["requests"]
    traces = {each.status_code: each.headers["traceresponse"].split("-")[1] for each in answers}
    assert {each["status"]: each["trace_id"] for each in requests} == traces
    [record] = [each for each in caplog.records if "/v1/rank failed" in each.message]
    assert vars(record)["trace_id"] == traces[500]

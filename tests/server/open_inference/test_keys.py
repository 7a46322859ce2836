"""Keys of callers hold over both transports as they do for POST /v1/rank."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from loadtest.stack import free_port
from tests.server.access.keys import entry, write_keys
from tests.server.conftest import Served
from tests.server.live import live_gateway, settings_for
from tests.server.open_inference.clients import typed_request
from tests.server.open_inference.conftest import HOST, ITEMS

INFER = "/v2/models/student/infer"
CODES = grpc.StatusCode
BODY = {
    "inputs": [
        {"name": "user_id", "datatype": "BYTES", "shape": [1], "data": ["user-1"]},
        {"name": "item_ids", "datatype": "BYTES", "shape": [20], "data": ITEMS},
    ]
}


def code(infer: Any, secret: str | None) -> Any:
    metadata = [] if secret is None else [("authorization", f"Bearer {secret}")]
    with pytest.raises(grpc.RpcError) as refused:
        infer(typed_request(), metadata=metadata)
    return refused.value.code()


def test_key_is_needed_and_its_quota_counts_both_transports(served: Served, tmp_path: Path) -> None:
    quota = ("candidates_per_s = 0.01", "burst_candidates = 50")
    keys, port = write_keys(tmp_path / "keys.toml", entry("small", *quota)), free_port(HOST)
    settings = settings_for(served.student, keys=keys, grpc_port=port)
    with live_gateway(settings) as client, grpc.insecure_channel(f"{HOST}:{port}") as channel:
        infer = GRPCInferenceServiceStub(channel).ModelInfer
        bearer = {"Authorization": "Bearer small"}
        assert client.post(INFER, json=BODY).status_code == 401
        assert code(infer, None) == code(infer, "wrong") == CODES.UNAUTHENTICATED
        assert client.post(INFER, json=BODY, headers=bearer).status_code == 200
        assert infer(typed_request(), metadata=[("authorization", "Bearer small")]).outputs
        over = client.post(INFER, json=BODY, headers=bearer)
        assert (over.status_code, set(over.json())) == (429, {"error"})
        assert int(over.headers["Retry-After"]) > 0
        assert code(infer, "small") == CODES.RESOURCE_EXHAUSTED

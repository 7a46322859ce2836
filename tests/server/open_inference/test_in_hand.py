"""A lane has a request in hand until its answer is sent and told: it is not closed before."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from tritonclient.grpc import service_pb2 as pb

from server.gateway import Gateway
from server.open_inference.grpc_service import GrpcService
from server.open_inference.infer_route import InferRoute
from server.open_inference.service import OpenInference
from tests.server.conftest import Served
from tests.server.live import settings_for

USER = {"name": "user_id", "datatype": "BYTES", "shape": [1], "data": ["u"]}
ITEMS = {"name": "item_ids", "datatype": "BYTES", "shape": [2], "data": ["item-1", "item-2"]}
SCOPE: dict[str, Any] = {
    "type": "http",
    "headers": [(b"content-type", b"application/json")],
    "path_params": {"name": "student"},
}


@pytest.fixture
async def service(served: Served) -> AsyncIterator[OpenInference]:
    is_ready = asyncio.Event()
    gateway = Gateway(settings_for(served.student), is_ready.set)
    await gateway.start()
    async with asyncio.timeout(60.0):
        await is_ready.wait()
    yield OpenInference(gateway)
    await gateway.stop()


def seen(service: OpenInference, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """In hand, as each answer is told."""
    told: list[int] = []
    monkeypatch.setattr(
        service, "tell", lambda inferred, clock: told.append(inferred.lane.in_hand.requests)
    )
    return told


async def test_http(service: OpenInference, monkeypatch: pytest.MonkeyPatch) -> None:
    in_hand, told = service.serving().lane.in_hand, seen(service, monkeypatch)
    body = json.dumps({"inputs": [USER, ITEMS]}).encode()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        told.append(in_hand.requests)
        assert message.get("status", 200) == 200

    async def broken(message: Any) -> None:
        raise OSError("gone")

    route = InferRoute(service)
    await route({**SCOPE}, receive, send)
    assert told == [1, 1, 1]
    with pytest.raises(OSError, match="gone"):
        await route({**SCOPE}, receive, broken)
    assert in_hand.requests == 0


class Context:
    def invocation_metadata(self) -> tuple[()]:
        return ()

    def cancelled(self) -> bool:
        return False

    def time_remaining(self) -> None:
        return None


async def test_grpc(service: OpenInference, monkeypatch: pytest.MonkeyPatch) -> None:
    in_hand, told = service.serving().lane.in_hand, seen(service, monkeypatch)
    request = pb.ModelInferRequest(model_name="student")
    for each in (USER, ITEMS):
        tensor = request.inputs.add(
            name=each["name"], datatype=each["datatype"], shape=each["shape"]
        )
        tensor.contents.bytes_contents.extend(text.encode() for text in each["data"])  # type: ignore[attr-defined]
    await GrpcService(service, "1")._model_infer(request, Context())
    assert in_hand.requests == 1
    await asyncio.sleep(0)
    assert (told, in_hand.requests) == ([1], 0)

"""The life of the gRPC port: opened, drained and closed with the gateway."""

import asyncio
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest
from tritonclient.grpc import service_pb2 as pb
from tritonclient.grpc.service_pb2_grpc import GRPCInferenceServiceStub

from loadtest.stack import free_port
from server.app import create_app
from server.gateway import Gateway
from server.open_inference.grpc_port import GrpcPort
from server.open_inference.grpc_service import GrpcService
from server.open_inference.listening import GrpcNotInstalled
from server.open_inference.service import OpenInference
from server.settings import Settings
from tests.server.conftest import Served
from tests.server.listening.certificates import made
from tests.server.live import WAIT_S, live_gateway, live_server, settings_for, wait_until
from tests.server.open_inference.clients import typed_request
from tests.server.open_inference.conftest import HOST

CODES = grpc.StatusCode


async def test_call_in_work_is_answered_while_the_port_closes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that was not taken yet may be cancelled, which is what the drain before it is for."""
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def slow(*_: Any) -> Any:
        begun.set()
        await may_end.wait()
        return pb.ServerLiveResponse(live=True)

    monkeypatch.setattr(GrpcService, "_server_live", slow)
    settings = settings_for(None, grpc_port=free_port(HOST))
    port = GrpcPort(OpenInference(Gateway(settings)), "0")
    await port.start()
    async with grpc.aio.insecure_channel(f"{HOST}:{settings.grpc_port}") as channel:
        call = GRPCInferenceServiceStub(channel).ServerLive(pb.ServerLiveRequest())
        await begun.wait()
        closing = asyncio.create_task(port.stop())
        await asyncio.sleep(0.05)
        assert not closing.done()
        may_end.set()
        assert (await call).live
        await closing


def test_port_closes_with_the_gateway(served: Served) -> None:
    port = free_port(HOST)
    with grpc.insecure_channel(f"{HOST}:{port}") as channel:
        live = GRPCInferenceServiceStub(channel).ServerLive
        with live_gateway(settings_for(served.student, grpc_port=port)):
            assert live(pb.ServerLiveRequest()).live
        with pytest.raises(grpc.RpcError) as refused:
            live(pb.ServerLiveRequest())
    assert refused.value.code() == CODES.UNAVAILABLE


async def begin(settings: Settings) -> None:
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        pass


async def test_taken_port_stops_the_start(served: Served) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RuntimeError, match=str(port)):
            await begin(settings_for(served.student, grpc_port=port))


async def test_port_without_the_package_says_what_to_install(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "server.open_inference.grpc_port", raising=False)
    monkeypatch.setitem(sys.modules, "grpc", None)
    with pytest.raises(GrpcNotInstalled, match=r"understudy\[oip\]"):
        await begin(settings_for(served.student, grpc_port=1))


def test_without_a_port_nothing_of_grpc_is_imported() -> None:
    program = "import sys, server.app; sys.exit('grpc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_draining_gateway_answers_and_is_not_ready(served: Served) -> None:
    port = free_port(HOST)
    settings = settings_for(served.student, grpc_port=port, drain_s=60.0)
    with live_server(settings) as server, grpc.insecure_channel(f"{HOST}:{port}") as channel:
        stub = GRPCInferenceServiceStub(channel)

        def ready() -> bool:
            return bool(stub.ServerReady(pb.ServerReadyRequest()).ready)

        wait_until(ready, "the gateway to be ready")
        server.drain.begin()
        assert not ready()
        assert stub.ModelInfer(typed_request()).outputs


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl makes certificates")
def test_port_speaks_tls_where_the_gateway_does(served: Served, tmp_path: Path) -> None:
    own, caller, port = made(tmp_path, "gateway"), made(tmp_path, "caller"), free_port(HOST)
    settings = settings_for(
        served.student, grpc_port=port, tls_certificate=own.certificate, tls_key=own.key,
        tls_client_ca=caller.certificate,
    )  # fmt: skip
    shown = (caller.key.read_bytes(), caller.certificate.read_bytes())
    with live_server(settings):
        for pair, is_let_in in ((shown, True), ((None, None), False)):
            credentials = grpc.ssl_channel_credentials(own.certificate.read_bytes(), *pair)
            with grpc.secure_channel(f"{HOST}:{port}", credentials) as channel:
                live = GRPCInferenceServiceStub(channel).ServerLive
                if is_let_in:
                    assert live(pb.ServerLiveRequest(), timeout=WAIT_S).live
                else:
                    with pytest.raises(grpc.RpcError):
                        live(pb.ServerLiveRequest(), timeout=WAIT_S)

"""Whether the protocol is also spoken over gRPC; without a port nothing of it is imported."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Final

from server.open_inference.service import OpenInference

GRPC_GRACE_S: Final = 10.0
"""For calls in work, when the port takes no more."""


class GrpcNotInstalled(Exception):
    pass


def grpc_listening(service: OpenInference, version: str) -> AbstractAsyncContextManager[None]:
    """Raises GrpcNotInstalled; and, once entered, RuntimeError when the port is taken."""
    port = service.gateway.settings.grpc_port
    if port is None:
        return nullcontext()
    try:
        import server.open_inference.grpc_port  # noqa: F401
    except ModuleNotFoundError as error:
        raise GrpcNotInstalled(
            f"UNDERSTUDY_GRPC_PORT is {port} and {error.name} is not installed: install "
            "understudy[oip], or leave the port out"
        ) from error
    return _listening(service, version)


@asynccontextmanager
async def _listening(service: OpenInference, version: str) -> AsyncIterator[None]:
    from server.open_inference.grpc_port import GrpcPort

    port = GrpcPort(service, version)
    await port.start()
    try:
        yield
    finally:
        await port.stop()

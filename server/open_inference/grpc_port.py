"""The port on which the protocol is spoken over gRPC, on the gateway's event loop."""

import logging
from typing import Any, Final

import grpc

from server.open_inference.grpc_service import GrpcService
from server.open_inference.listening import GRPC_GRACE_S
from server.open_inference.service import OpenInference
from server.settings import Settings

MAX_CALLS: Final = 1024
"""In work at once; above, a call is refused with RESOURCE_EXHAUSTED. Admission refuses earlier
whatever would be late."""
log = logging.getLogger(__name__)


class GrpcPort:
    def __init__(self, service: OpenInference, version: str) -> None:
        self._settings = service.gateway.settings
        self._server = grpc.aio.server(
            options=_options(self._settings), maximum_concurrent_rpcs=MAX_CALLS
        )
        self._server.add_generic_rpc_handlers((GrpcService(service, version).handler(),))

    async def start(self) -> None:
        """Raises RuntimeError when the port is taken."""
        host, port = self._settings.host, self._settings.grpc_port
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        credentials = _credentials(self._settings)
        if credentials is None:
            bound = self._server.add_insecure_port(address)
        else:
            bound = self._server.add_secure_port(address, credentials)
        await self._server.start()
        log.info("gRPC on port %d", bound)

    async def stop(self) -> None:
        """Takes no more calls, and lets those in work finish."""
        await self._server.stop(GRPC_GRACE_S)


def _options(settings: Settings) -> list[tuple[str, Any]]:
    return [
        ("grpc.max_receive_message_length", settings.max_body_bytes),
        # The bound holds for a message as it comes, not for what it would unpack to.
        ("grpc.compression_enabled_algorithms_bitset", 1 << grpc.Compression.NoCompression),
        ("grpc.max_metadata_size", settings.max_head_bytes),
        # Workers of one supervisor share the port; that of a stranger is an error.
        ("grpc.so_reuseport", int(settings.workers > 1)),
    ]


def _credentials(settings: Settings) -> Any:
    """Those of the HTTP port; None without a certificate. They were found to be a pair by then."""
    certificate, key = settings.tls_certificate, settings.tls_key
    if certificate is None or key is None:
        return None
    authorities = settings.tls_client_ca
    return grpc.ssl_server_credentials(
        [(key.read_bytes(), certificate.read_bytes())],
        root_certificates=None if authorities is None else authorities.read_bytes(),
        require_client_auth=authorities is not None,
    )

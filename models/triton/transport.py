"""tritonclient over gRPC or HTTP, behind one call with one kind of time limit and of errors. The
only importer of tritonclient outside export; nothing imports this file before a URL is given."""

from collections.abc import Callable
from http.client import HTTPException
from types import ModuleType
from typing import Any, Final, Protocol, TypeVar

import gevent
import grpc
import tritonclient.grpc
import tritonclient.http
from tritonclient.utils import InferenceServerException

from models.triton.address import Address
from models.triton.errors import (
    TritonError,
    TritonRefused,
    TritonTimeout,
    TritonUnavailable,
)

T = TypeVar("T")
AWAY: Final = ("StatusCode.UNAVAILABLE", "StatusCode.NOT_FOUND", "404", "503")
"""Nothing there, or nothing of that name: what time or an operator mends."""
MAX_ANSWER_BYTES: Final = 64 << 20
CHANNEL: Final = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", MAX_ANSWER_BYTES),
    # A channel's own connection: else a new one waits as long as one that failed before.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class Transport(Protocol):
    """Belongs to one thread."""

    kinds: ModuleType
    """With InferInput and InferRequestedOutput."""

    def call(self, method: str, *values: Any, timeout_s: float, **named: Any) -> Any:
        """Of tritonclient's client. Raises TritonError."""

    def close(self) -> None: ...


class GrpcTransport:
    kinds: ModuleType = tritonclient.grpc

    def __init__(self, address: Address) -> None:
        self._where = address
        self._client = tritonclient.grpc.InferenceServerClient(
            address.host_port, channel_args=CHANNEL
        )

    def call(self, method: str, *values: Any, timeout_s: float, **named: Any) -> Any:
        called = getattr(self._client, method)
        return _translated(self._where, lambda: called(*values, client_timeout=timeout_s, **named))

    def close(self) -> None:
        self._client.close()


class HttpTransport:
    kinds: ModuleType = tritonclient.http

    def __init__(self, address: Address) -> None:
        self._where = address
        self._client = tritonclient.http.InferenceServerClient(address.host_port)

    def call(self, method: str, *values: Any, timeout_s: float, **named: Any) -> Any:
        called = getattr(self._client, method)
        # The client waits in gevent, whose timer ends all that it waits for together.
        limit = gevent.Timeout.start_new(timeout_s)
        try:
            return _translated(self._where, lambda: called(*values, **named))
        except gevent.Timeout as error:
            raise TritonTimeout(f"{self._where} took longer than {timeout_s:.3g} s") from error
        finally:
            limit.close()

    def close(self) -> None:
        self._client.close()
        # Its finaliser closes again, and waits there for greenlets of the thread that made it,
        # whichever thread collects it.
        self._client.close = lambda: None


def open_transport(address: Address) -> Transport:
    """Connects with the first call."""
    return GrpcTransport(address) if address.protocol == "grpc" else HttpTransport(address)


def _translated(where: Address, call: Callable[[], T]) -> T:
    try:
        return call()
    except InferenceServerException as error:
        raise _told(where, error) from error
    except (OSError, HTTPException, grpc.RpcError) as error:
        raise TritonUnavailable(f"{where} does not answer: {error}") from error


def _told(where: Address, error: Any) -> TritonError:
    status, message = error.status() or "", error.message()
    if status == "StatusCode.DEADLINE_EXCEEDED":
        return TritonTimeout(f"{where} did not answer in time")
    if status in AWAY:
        return TritonUnavailable(f"{where} is not there: {message}")
    return TritonRefused(f"{where} refused the run: {status} {message}")

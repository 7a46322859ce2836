"""What stands where Triton should, and is none."""

import socket
import threading
from collections.abc import Iterator

import pytest

from models.triton.address import Address
from models.triton.errors import TritonUnavailable
from models.triton.transport import open_transport

WAIT_S = 10.0


def _serve(listener: socket.socket, reply: bytes) -> None:
    while True:
        try:
            link, _ = listener.accept()
        except OSError:
            return
        with link:
            link.settimeout(WAIT_S)
            link.recv(1 << 16)
            link.sendall(reply)


@pytest.fixture(params=[b"", b"\x00\x00\x06\x04\x00\x00\x00\x00\x00", b"HTTP/1.1 200 OK\r\nConte"])
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """Takes a request, says this and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, request.param))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(WAIT_S)


def test_answer_that_is_not_http_is_an_absence(port: int) -> None:
    transport = open_transport(Address.parse(f"triton+http://127.0.0.1:{port}/student"))
    with pytest.raises(TritonUnavailable):
        transport.call("get_model_metadata", "student", "", timeout_s=WAIT_S)
    transport.close()

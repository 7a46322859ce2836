import resource
import socket
from contextlib import closing

import pytest

from server.listening.port import PortTaken, allow_files, check_free, shared_socket

HOST = "127.0.0.1"


def test_port_is_shared_by_those_who_ask_for_it_and_only_by_them() -> None:
    with closing(shared_socket(HOST, 0)) as first:
        port = first.getsockname()[1]
        check_free(HOST, port)  # bound, but nobody listens
        with closing(shared_socket(HOST, port)) as second:
            second.listen()
            shared_socket(HOST, port).close()
            with pytest.raises(PortTaken, match=rf"127\.0\.0\.1:{port}.*--port"):
                check_free(HOST, port)


def test_socket_that_is_only_held_gets_no_connections() -> None:
    with closing(shared_socket(HOST, 0)) as held, closing(shared_socket(HOST, 0)) as other:
        port = held.getsockname()[1]
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, port))
        other.close()
        with closing(shared_socket(HOST, port)) as listening:
            listening.listen()
            for _ in range(20):
                socket.create_connection((HOST, port)).close()


def test_name_that_does_not_resolve_is_refused_with_the_reason() -> None:
    with pytest.raises(PortTaken, match=r"cannot listen on no-such-host\.invalid:80"):
        check_free("no-such-host.invalid", 80)


def test_soft_limit_of_files_is_raised_as_far_as_the_hard_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = [(100, 500)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: limits.append(pair))
    assert allow_files(50) == 50
    assert limits == [(100, 500)]
    assert allow_files(300) == 300
    assert allow_files(900) == 500
    assert limits[1:] == [(300, 500), (500, 500)]

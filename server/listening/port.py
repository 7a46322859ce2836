"""Ports: who has one, and one for several processes."""

import resource
import socket


class PortTaken(Exception):
    """Something else listens where the gateway would."""


def check_free(host: str, port: int) -> None:
    """Raises PortTaken: a stranger's gateway there would be mistaken for ours."""
    _bound(host, port, socket.SO_REUSEADDR).close()


def shared_socket(host: str, port: int) -> socket.socket:
    """Bound, not listening; others of this user may bind the same (SO_REUSEPORT), and the kernel
    spreads connections over those that listen. Raises PortTaken."""
    return _bound(host, port, socket.SO_REUSEADDR, socket.SO_REUSEPORT)


def _bound(host: str, port: int, *options: int) -> socket.socket:
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _taken(host, port, error) from error
    try:
        for option in options:
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise _taken(host, port, error) from error
    return bound


def _taken(host: str, port: int, error: OSError) -> PortTaken:
    return PortTaken(
        f"cannot listen on {host}:{port}: {error.strerror}: stop what does, "
        "or choose another with --port"
    )


def allow_files(wanted: int) -> int:
    """Raises the soft limit of open files, as far as the hard one lets it; what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    if soft == unlimited or soft >= wanted:
        return wanted
    allowed = wanted if hard == unlimited else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    return allowed

"""The one question asked before there is a client: is a server there?"""

import socket
from pathlib import Path


def answers_ping(path: Path, timeout_s: float = 1.0) -> bool:
    """Whether a Redis server on this unix socket answers PING (not while it loads a snapshot)."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout_s)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False

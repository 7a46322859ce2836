"""What all connections of a process share."""

from collections.abc import Callable
from typing import NamedTuple, Self

from uvicorn.server import ServerState

from server.listening.drain import Drain
from server.settings import Settings

WORST_FRAMING = 8
"""Bytes on the wire for one of a body, at most: chunks of a byte each take six."""


class Limits(NamedTuple):
    """Of a connection and of one request on it."""

    connections: int
    head_bytes: int
    wire_bytes: int
    """Of head and body as they are sent, framing included."""
    arrival_s: float
    """For a whole request to come in, and for an answer to be taken."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(
            connections=settings.max_connections,
            head_bytes=settings.max_head_bytes,
            wire_bytes=settings.max_head_bytes + WORST_FRAMING * settings.max_body_bytes,
            arrival_s=settings.arrival_timeout_s,
        )


class ListenerState(ServerState):
    def __init__(self, limits: Limits, drain: Drain, refused: Callable[[int], None]) -> None:
        """`refused` is told the status of each answer that no route gave."""
        super().__init__()
        self.limits = limits
        self.drain = drain
        self.refused = refused

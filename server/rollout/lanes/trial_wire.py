"""What a gateway and the process that tries a bundle tell each other, as JSON."""

from typing import Any

from msgspec import Struct, field

from server.wire import RankRequest


class Asked(Struct):
    """On stdin, which may be empty."""

    settings: dict[str, Any] = field(default_factory=dict)  # of the gateway
    requests: list[RankRequest] = field(default_factory=list)  # served lately
    room: int = 0  # bytes of memory that it may take; 0 for any


class Verdict(Struct):
    """The last line of stdout."""

    reason: str = ""
    """Why the bundle must not be opened; empty when nothing speaks against it."""
    name: str = ""
    version: str = ""
    space: str | None = None
    requests: int = 0
    """Answered by both."""
    slowdown: float = 1.0
    """Inference time ÷ that of the stable bundle, by the median of each request's rounds."""
    work: float = 1.0
    """The same of a request from its decoding to its answer."""
    bytes: int = 0
    """Resident memory that it took."""

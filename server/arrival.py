"""When a request arrived: stamped as its first bytes are read, not when its turn comes.

Under load a turn comes late, and a deadline that is counted from the turn is no deadline.
"""

from time import perf_counter_ns
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ARRIVED_NS: Final = "understudy.arrived_ns"


class StampedProtocol(HttpToolsProtocol):
    scope: Any

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[ARRIVED_NS] = perf_counter_ns()

"""What the gateway adds to a connection: when a request arrived, and answers in one write."""

from collections.abc import Sequence
from time import perf_counter_ns
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from server.listening.connection import BoundedConnection

ARRIVED_NS: Final = "understudy.arrived_ns"
ANSWER: Final = "understudy.answer"
HUNG_UP: Final = "understudy.hung_up"

Headers = Sequence[tuple[bytes, bytes]]


class StampedProtocol(BoundedConnection):
    scope: Any

    def on_message_begin(self) -> None:
        """Stamped as the first bytes are read, not when the request's turn comes.

        Under load a turn comes late, and a deadline that is counted from the turn is no deadline.
        """
        super().on_message_begin()
        self.scope[ARRIVED_NS] = perf_counter_ns()
        self.scope[ANSWER] = self.answer
        self.scope[HUNG_UP] = self.transport.is_closing

    def answer(self, scope: Any, headers: Headers, body: bytes) -> bool:
        """A 200, head and body in one packet; False when it must go the long way.

        `headers` end in nothing that the protocol would have to look at, and count the body.
        """
        cycle = self.cycle
        if cycle is None or cycle.scope is not scope or self.flow.write_paused:
            return False
        if cycle.response_started or cycle.disconnected or not cycle.keep_alive:
            return False
        parts = [STATUS_LINE[200]]
        for name, value in (*cycle.default_headers, *headers):
            parts += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join((*parts, b"\r\n", body)))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

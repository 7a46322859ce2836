"""What the gateway adds to uvicorn's protocol: when a request arrived, and answers in one write."""

from collections.abc import Sequence
from time import perf_counter_ns
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

ARRIVED_NS: Final = "understudy.arrived_ns"
ANSWER: Final = "understudy.answer"
HUNG_UP: Final = "understudy.hung_up"

Headers = Sequence[tuple[bytes, bytes]]


class StampedProtocol(HttpToolsProtocol):
    scope: Any
    _is_idle = False
    _idle_since_s = 0.0

    def on_message_begin(self) -> None:
        """Stamped as the first bytes are read, not when the request's turn comes.

        Under load a turn comes late, and a deadline that is counted from the turn is no deadline.
        """
        super().on_message_begin()
        self.scope[ARRIVED_NS] = perf_counter_ns()
        self.scope[ANSWER] = self.answer
        self.scope[HUNG_UP] = self.transport.is_closing

    def on_response_complete(self) -> None:
        """A connection keeps one timer, which looks how long nothing came: a new one for every
        answer, cancelled by the next request, would cost more than the look."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._is_idle, self._idle_since_s = True, self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._look_later(self.timeout_keep_alive)

    def _unset_keepalive_if_required(self) -> None:
        """Whatever arrives ends the rest; the timer will see it."""
        self._is_idle = False

    def _look_later(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._close_when_idle)

    def _close_when_idle(self) -> None:
        self.timeout_keep_alive_task = None
        if self.transport.is_closing() or not self._is_idle:
            return
        left_s = self._idle_since_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._look_later(left_s)
        else:
            self.transport.close()

    def answer(self, scope: Any, headers: Headers, body: bytes) -> bool:
        """A 200, head and body in one packet; False when it must go the long way.

        `headers` end in nothing that the protocol would have to look at, and count the body.
        """
        cycle = self.cycle
        is_plain = cycle.scope is scope and cycle.keep_alive and not cycle.response_started
        if not is_plain or cycle.disconnected or self.flow.write_paused:
            return False
        parts = [STATUS_LINE[200]]
        for name, value in (*cycle.default_headers, *headers):
            parts += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join((*parts, b"\r\n", body)))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        cycle.on_response()
        return True

"""One HTTP/1.1 connection on which nothing may take for ever."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.listening.state import ListenerState

TURN_S: Final = 0.05
"""What has come to the machine by then is read before a timer set for then."""


class TimedConnection(HttpToolsProtocol):
    """Bounds how long a request may take to come in, an answer to be taken, and nothing to come.

    A connection keeps one timer, which looks what it is waited for: a new one for every request,
    cancelled by the next, would cost more than the look.
    """

    server_state: ListenerState
    _is_arriving = False
    _has_head = False
    _began_s = 0.0
    _idle_since_s = 0.0
    _stuck_since_s: float | None = None
    _lingers_until_s: float | None = None
    _is_late = False
    _in_work: RequestResponseCycle | None = None
    """The request that is answered, or was last; `cycle` may be one that waits behind it."""
    _is_ending = False
    """Nothing more is read; what is owed is answered."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._idle_since_s = self.loop.time()
        self._step_s = min(self.timeout_keep_alive, self.server_state.limits.arrival_s)
        self._look_in(self._step_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Lets go of what points back here: the collector comes by so rarely that connections which
        it alone could free would look like a leak."""
        super().connection_lost(exc)  # tells the last request alone
        if self._in_work is not None and not self._in_work.response_complete:
            self._in_work.disconnected = True
            self._in_work.message_event.set()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
            self.timeout_keep_alive_task = None
        self.cycle = self.scope = self._in_work = None  # type: ignore[assignment]
        self.pipeline.clear()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._in_work = cycle
        super()._start_asgi_task(cycle, app)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_arriving, self._has_head = True, False
        self._began_s = self.loop.time()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._has_head = True
        if self.server_state.drain.has_begun:
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._is_arriving = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._idle_since_s = self.loop.time()
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        if self._is_ending:
            self._say_why()

    def say_last(self) -> None:
        """The answer in work is the connection's last, and says so. One whose head is out already
        did not: the next one will."""
        if self.cycle is not None and not self.cycle.response_started:
            self.cycle.keep_alive = False

    def shutdown(self) -> None:
        """Of a request that has begun to come, the answer is still given."""
        self.say_last()
        # Two timers, with a look at the socket between them: a request may be on its way.
        self.loop.call_later(TURN_S, self.loop.call_later, TURN_S, self._part)

    def _part(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_idle:
            self.transport.close()
        else:
            self.loop.call_later(TURN_S, self._part)

    def _too_slow(self) -> None:
        """The request that is coming in did not within the limit."""
        self.transport.close()

    def _say_why(self) -> None:
        """Everything is answered, and the connection ends."""
        self.transport.close()

    def _unset_keepalive_if_required(self) -> None:
        """The one timer stays."""

    @property
    def _is_idle(self) -> bool:
        return not self._is_arriving and (self.cycle is None or self.cycle.response_complete)

    def _look_in(self, seconds: float) -> None:
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self._look)

    def _look(self) -> None:
        left_s = self._left_s(self.loop.time())
        if left_s > 0:
            self._is_late = False
            self._look_in(min(left_s, self._step_s))
        elif not self._is_late:
            self._is_late = True  # what is waited for may have come, and wait to be read
            self._look_in(TURN_S)
        else:
            self._look_in(self._step_s)
            self._end()

    def _left_s(self, now_s: float) -> float:
        """Until what is waited for is late."""
        arrival_s = self.server_state.limits.arrival_s
        if self.transport.is_closing() or self.flow.write_paused:
            self._stuck_since_s = self._stuck_since_s or now_s
            return self._stuck_since_s + arrival_s - now_s
        self._stuck_since_s = None
        if self._lingers_until_s is not None:
            return self._lingers_until_s - now_s
        if self._is_arriving and not self.flow.read_paused:
            return self._began_s + arrival_s - now_s
        if self._is_idle:
            return self._idle_since_s + self.timeout_keep_alive - now_s
        return self._step_s

    def _end(self) -> None:
        if self._stuck_since_s is not None:
            self.transport.abort()
        elif self._is_arriving:
            self._too_slow()
        else:
            self.transport.close()

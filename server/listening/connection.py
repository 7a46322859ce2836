"""One HTTP/1.1 connection, bounded in what it holds, that says why it refuses."""

import asyncio
from collections.abc import Iterable
from typing import Final

import httptools

from server.errors import ServingError
from server.listening import refusal
from server.listening.timed import TimedConnection

MAX_WAITING: Final = 64
"""Requests of one connection that wait for the one in work."""
MAX_FIELDS: Final = 1024
"""Headers and trailers of one request that came in more than one piece."""
LINGER_S: Final = 1.0
"""What still comes after a refusal is read and dropped for so long: closing with bytes unread
resets the connection, and the caller would not see why."""


class BoundedConnection(TimedConnection):
    """A refusal is problem+json, comes after the answers that are owed, and ends the connection."""

    _chunk_bytes = 0
    _first_bytes = 0
    """Of the chunk in which the request began: what came before it in there is another's."""
    _wire_bytes = 0
    """Of the chunks since then."""
    _refusal: ServingError | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        most = self.server_state.limits.connections
        if len(self.connections) > 2 * most:  # as many again are just being told
            transport.abort()
        elif len(self.connections) > most:
            self._refuse(refusal.too_many_connections(self.server_state.limits))

    def data_received(self, data: bytes) -> None:
        if self._is_ending:
            return
        scope, self._chunk_bytes = self.scope, len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.say_last()  # the parser reads no further
        except httptools.HttpParserError as error:
            self._refuse(refusal.of_parser(error))
        else:
            if self.scope is not scope:
                self._first_bytes, self._wire_bytes = self._chunk_bytes, 0
            elif self._is_arriving:
                self._count()

    def on_headers_complete(self) -> None:
        if self.pipeline and len(self.pipeline) >= MAX_WAITING:
            raise refusal.too_many_waiting(MAX_WAITING)
        at_most = self._first_bytes + self._wire_bytes + self._chunk_bytes
        if at_most > self.server_state.limits.head_bytes:
            self._check_head()
        if self.parser.should_upgrade() and _names_body(self.headers):
            raise refusal.upgrade_with_body()
        super().on_headers_complete()

    def _count(self) -> None:
        """A header that is not complete: how much of it the parser holds, it does not tell."""
        limits = self.server_state.limits
        self._wire_bytes += self._chunk_bytes
        is_head = not self._has_head and self._wire_bytes > limits.head_bytes
        if is_head or len(self.headers) > MAX_FIELDS:  # trailers are among them
            self._refuse(refusal.head_too_large(limits))
        elif self._wire_bytes > limits.wire_bytes:
            self._refuse(refusal.body_too_large(limits))

    def _check_head(self) -> None:
        limits = self.server_state.limits
        fields = sum(len(name) + len(value) for name, value in self.headers)
        if len(self.url) + fields > limits.head_bytes:
            raise refusal.head_too_large(limits)

    def _too_slow(self) -> None:
        self._refuse(refusal.too_slow(self.server_state.limits))

    def _refuse(self, error: ServingError) -> None:
        self._refusal, self._is_ending = error, True
        is_owed = self.cycle is not None and not self.cycle.response_complete
        if self._is_arriving and self._has_head:
            is_owed = self._withdraw()
        self._is_arriving = False
        if not is_owed:
            self._say_why()

    def _withdraw(self) -> bool:
        """The request that has half come in; whether there is nothing to say yet, or no more."""
        if self.pipeline:
            self.pipeline.popleft()
            return True
        if self.cycle.response_started:
            self.cycle.keep_alive = False
            if self.cycle.response_complete:
                self.transport.close()
            return True
        self.cycle.disconnected = True
        self.cycle.message_event.set()
        return False

    def _say_why(self) -> None:
        error = self._refusal
        if error is None or self.transport.is_closing():
            return
        self.transport.write(refusal.as_bytes(error, self.server_state.default_headers))
        self.server_state.refused(error.status)
        if not self.transport.can_write_eof():  # TLS
            self.transport.close()
            return
        self.transport.write_eof()
        self.flow.resume_reading()
        self._lingers_until_s = self.loop.time() + LINGER_S
        self._look_in(min(LINGER_S, self._step_s))


def _names_body(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in headers)

"""uvicorn's server as the gateway runs it: bounded connections, TLS, and an end without loss."""

import asyncio
import logging
import signal
import socket
from types import FrameType
from typing import Final

import uvicorn

from server.app import GatewayApp
from server.arrival import StampedProtocol
from server.listening.state import Limits, ListenerState
from server.listening.timed import TURN_S
from server.listening.tls import tls_context

KEEP_ALIVE_S: Final = 5
IN_WORK_S: Final = 10
"""How long answers may take that are in work when the port closes."""
log = logging.getLogger(__name__)


class GatewayServer(uvicorn.Server):
    """The first signal begins the drain; once it is over the port closes, what is in work is
    finished, and `run` returns. A second signal ends the process at once."""

    def __init__(self, app: GatewayApp, keep_alive_s: int = KEEP_ALIVE_S) -> None:
        """Raises TlsInvalid."""
        super().__init__(_config(app, keep_alive_s))
        self.drain = app.gateway.drain
        self._has_said = False
        metrics = app.gateway.metrics
        self.server_state: ListenerState = ListenerState(
            Limits.of(app.settings), self.drain, metrics.count_refused
        )
        metrics.connections.set_function(lambda: len(self.server_state.connections))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self.drain.has_begun:
            signal.signal(sig, signal.SIG_DFL)
            signal.raise_signal(sig)
        self.drain.begin()
        self._tell()

    async def on_tick(self, counter: int) -> bool:
        if self.drain.has_begun and not self._has_said:
            self._has_said = True
            log.info("draining for %g s; a second signal ends at once", self.drain.seconds)
            self._tell()
        return await super().on_tick(counter) or self.drain.is_over

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """After one more turn of the loop: a busy one looks at its timers before it accepts the
        connections that callers believe to have, and closing the port would reset them."""
        await asyncio.sleep(TURN_S)
        await super().shutdown(sockets)

    def _tell(self) -> None:
        """Requests that came before the drain; later ones are told as they come."""
        for connection in list(self.server_state.connections):
            assert isinstance(connection, StampedProtocol)
            connection.say_last()


def _config(app: GatewayApp, keep_alive_s: int) -> uvicorn.Config:
    settings, tls = app.settings, tls_context(app.settings)
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=StampedProtocol,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        ws="none",
        log_config=None,
        ssl_context_factory=None if tls is None else lambda *_: tls,
        timeout_keep_alive=keep_alive_s,
        timeout_graceful_shutdown=IN_WORK_S,
    )

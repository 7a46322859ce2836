"""GET /console, the page, and GET /console/live, what it shows: server-sent events."""

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Final

from pydantic import SecretStr
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from server.admin import AdminToken
from server.console.hub import Hub
from server.wire import encode_json

PATH: Final = "/console/live"
HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class ConsoleRoute:
    """Read by fetch rather than by EventSource, which cannot send the token."""

    def __init__(self, hub: Hub, token: SecretStr, is_ending: Callable[[], bool]) -> None:
        self._hub = hub
        self._token = AdminToken(token)
        self._is_ending = is_ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises Unauthorized, TooManyConnections."""
        self._token.check(scope)
        with self._hub.seat():
            response = StreamingResponse(
                self._events(), headers=HEADERS, media_type="text/event-stream"
            )
            await response(scope, receive, send)

    async def _events(self) -> AsyncIterator[bytes]:
        """First how the guardrails went until now."""
        yield event("trails", self._hub.source.trails())
        async with aclosing(self._hub.snapshots()) as snapshots:
            async for snapshot in snapshots:
                if self._is_ending():
                    return
                yield event("snapshot", snapshot)


def event(name: str, data: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), encode_json(data))

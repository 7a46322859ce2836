"""Counts every answer by route and status. Plain ASGI: one closure a request."""

from collections.abc import Collection
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.metrics import Metrics

COUNTED_AS: Final = "understudy.counted_as"
"""Where a route with names in its path puts the one that it is counted under."""


class CountedAnswers:
    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str]) -> None:
        self._app = app
        self._requests = metrics.requests
        self._paths = frozenset(paths)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Unknown paths share one series: callers must not be able to make new ones.
                is_plain = scope["path"] in self._paths
                path = scope["path"] if is_plain else scope.get(COUNTED_AS, "other")
                self._requests.count(path, str(message["status"])).value += 1
            await send(message)

        await self._app(scope, receive, counted)

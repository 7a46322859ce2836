"""GET /v1/cache/status: how fresh the hints are, and who keeps them so."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from server.body import JSON
from server.gateway import Gateway
from server.wire import encode_json

PATH: Final = "/v1/cache/status"


class CacheStatusRoute:
    """Says no more than /metrics does and costs Redis one look a second at most: no token."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def status(self, request: Request) -> Response:
        """Raises NotReady. Without Redis the rest is told."""
        first, every = self._gateway.vertical(), self._gateway.verticals.values()
        report = await first.status.report(lane for each in every for lane in each.answering)
        return Response(encode_json(report), media_type=JSON)

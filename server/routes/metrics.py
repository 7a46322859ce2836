"""GET /metrics in the Prometheus text format."""

from starlette.requests import Request
from starlette.responses import Response

from server.gateway import Gateway


class MetricsRoute:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def page(self, request: Request) -> Response:
        body, media_type = self._gateway.metrics.page()
        return Response(body, media_type=media_type)

"""GET /metrics in the Prometheus text format."""

from starlette.requests import Request
from starlette.responses import Response

from server.gateway import Gateway
from server.workers.pages import WorkerPages


class MetricsRoute:
    def __init__(self, gateway: Gateway, pages: WorkerPages | None) -> None:
        """`pages` are those of all workers, where there are several."""
        self._gateway = gateway
        self._pages = pages

    async def page(self, request: Request) -> Response:
        body, media_type = self._gateway.metrics.page()
        if self._pages is not None:
            body = await self._pages.page()
        return Response(body, media_type=media_type)

"""GET /metrics in the Prometheus text format."""

from prometheus_client.exposition import CONTENT_TYPE_LATEST
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
        return Response(await self.text(), media_type=CONTENT_TYPE_LATEST)

    async def text(self) -> bytes:
        """Of all workers."""
        if self._pages is not None:
            return await self._pages.page()
        return self._gateway.metrics.page()

"""GET /metrics in the Prometheus text format, or as OpenMetrics where requests are traced."""

from starlette.requests import Request
from starlette.responses import Response

from server.exposition import PLAIN, Exposition, asked_for
from server.gateway import Gateway
from server.workers.pages import WorkerPages


class MetricsRoute:
    def __init__(self, gateway: Gateway, pages: WorkerPages | None) -> None:
        """`pages` are those of all workers, where there are several."""
        self._gateway = gateway
        self._has_exemplars = gateway.tracer is not None
        self._pages = pages

    async def page(self, request: Request) -> Response:
        accept = request.headers.get("accept", "")
        # Written half as long again, on the loop of requests: only where it says more.
        exposition = asked_for(accept) if self._has_exemplars else PLAIN
        return Response(await self.text(exposition), media_type=exposition.media_type)

    async def text(self, exposition: Exposition = PLAIN) -> bytes:
        """Of all workers."""
        if self._pages is not None:
            return await self._pages.page(exposition)
        return self._gateway.metrics.page(exposition)

"""GET /healthz and /readyz: what a supervisor asks."""

from starlette.requests import Request
from starlette.responses import Response

from server.body import JSON
from server.gateway import Gateway
from server.wire import Health, Ready, encode_json


class HealthRoutes:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def alive(self, request: Request) -> Response:
        """Touches nothing: a slow dependency must not get the process killed. Raises NotReady where
        the model does not come back: that nothing but a new process mends."""
        self._gateway.check_alive()
        return Response(encode_json(Health("alive")), media_type=JSON)

    async def ready(self, request: Request) -> Response:
        """Raises NotReady. Redis has no say: without it answers are degraded, not refused."""
        self._gateway.check_open()
        lane = self._gateway.vertical().lane
        model = lane.model
        ready = Ready("ready", model.manifest.name, model.version, lane.name, model.provider)
        return Response(encode_json(ready), media_type=JSON)

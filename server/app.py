"""The gateway as an ASGI application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.routing import Route

from server import problems
from server.counted import CountedAnswers
from server.gateway import Gateway
from server.openapi import TITLE, document, version
from server.routes.events import EventsRoute
from server.routes.health import HealthRoutes
from server.routes.metrics import MetricsRoute
from server.routes.rank import RankRoute
from server.settings import Settings


class GatewayApp(FastAPI):
    """Routes are plain; the document is made from the wire types rather than from handlers."""

    settings: Settings

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = document(self.settings)
        return self.openapi_schema


def create_app(settings: Settings) -> GatewayApp:
    gateway = Gateway(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await gateway.start()
        yield
        await gateway.stop()

    app = GatewayApp(title=TITLE, version=version(), redoc_url=None, lifespan=lifespan)
    app.settings = settings
    routes = _routes(gateway)
    app.router.routes.extend(routes)
    app.add_middleware(
        CountedAnswers, metrics=gateway.metrics, paths=[route.path for route in routes]
    )
    problems.install(app)
    return app


def _routes(gateway: Gateway) -> list[Route]:
    health = HealthRoutes(gateway)
    return [
        Route("/v1/rank", RankRoute(gateway), methods=["POST"]),
        Route("/v1/events", EventsRoute(gateway), methods=["POST"]),
        Route("/healthz", health.alive),
        Route("/readyz", health.ready),
        Route("/metrics", MetricsRoute(gateway).page),
    ]

"""The gateway as an ASGI application."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from server import problems
from server.console.console import Console
from server.counted import CountedAnswers
from server.gateway import Gateway
from server.open_inference.http_routes import is_protocol_path, open_inference_app
from server.open_inference.listening import grpc_listening
from server.open_inference.service import OpenInference
from server.openapi import TITLE, document
from server.routes.cache_status import PATH as STATUS_PATH
from server.routes.cache_status import CacheStatusRoute
from server.routes.events import EventsRoute
from server.routes.health import HealthRoutes
from server.routes.items import PATH as ITEMS_PATH
from server.routes.items import ItemsRoute
from server.routes.metrics import MetricsRoute
from server.routes.rank import PATH, RankRoute
from server.routes.slow import PATH as SLOW_PATH
from server.routes.slow import SlowRoute
from server.settings import Settings
from server.slow.pages import SlowPages
from server.version import version
from server.workers.pages import WorkerPages
from server.workers.pulse import Pulse
from server.workers.worker import Worker

UNTOLD: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}
"""The framework would tell of some routes a second time, and of what was in them."""


class GatewayApp(FastAPI):
    """Routes are plain; the document is made from the wire types rather than from handlers."""

    settings: Settings
    gateway: Gateway
    rank: ASGIApp
    open_inference: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Before the framework's middleware and routing: they cost a tenth of a request.
        is_http = scope["type"] == "http"
        if is_http and scope["path"] == PATH and scope["method"] == "POST":
            await self.rank(scope, receive, send)
        elif is_http and is_protocol_path(scope["path"]):
            await self.open_inference(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = document(self.settings)
        return self.openapi_schema


def create_app(
    settings: Settings, on_ready: Callable[[], None] = lambda: None, worker: Worker | None = None
) -> GatewayApp:
    """`on_ready` is called once, before the first request is answered. `worker` is this process,
    where it is one of several."""
    gateway = Gateway(settings, on_ready)
    registry, is_traced = gateway.metrics.registry, gateway.tracer is not None
    pages = None if worker is None else WorkerPages(worker, registry, has_exemplars=is_traced)
    pulse = None if worker is None else _pulse(gateway, worker)
    comes_back = worker is not None and worker.comes_back
    slow = SlowPages(gateway.slow, settings.slow_window_s, worker)
    inference = OpenInference(gateway)
    metrics = MetricsRoute(gateway, pages)
    # None without a token: nobody could be told from anybody else.
    console = None if settings.admin_token is None else Console.of(gateway, metrics.text)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        watching = nullcontext() if console is None else console.running()
        listening = grpc_listening(inference, version())
        async with pulse or nullcontext():
            async with pages or nullcontext(), slow.telling(), watching:
                await gateway.start()
                if comes_back:
                    await gateway.until_ready()  # the others answer meanwhile
                async with listening:
                    yield
            await gateway.stop()

    app = GatewayApp(
        title=TITLE, version=version(), redoc_url=None, lifespan=lifespan, telemetry=UNTOLD
    )
    app.settings = settings
    app.gateway = gateway
    rank = RankRoute(gateway)
    routes = [*_routes(gateway, rank, metrics), *_admin_routes(gateway, console, slow)]
    paths = [route.path for route in routes]
    app.rank = CountedAnswers(rank, gateway.metrics, paths)
    protocol = open_inference_app(inference, version())
    app.open_inference = CountedAnswers(protocol, gateway.metrics, paths)
    app.router.routes.extend(routes)
    app.add_middleware(CountedAnswers, metrics=gateway.metrics, paths=paths)
    problems.install(app)
    return app


def _pulse(gateway: Gateway, worker: Worker) -> Pulse:
    return Pulse(worker.pulse, worker.number, gateway.until_ready, lambda: not gateway.hung_s)


def _routes(gateway: Gateway, rank: RankRoute, metrics: MetricsRoute) -> list[Route]:
    health = HealthRoutes(gateway)
    return [
        Route(PATH, rank, methods=["POST"]),
        Route("/v1/events", EventsRoute(gateway), methods=["POST"]),
        Route(STATUS_PATH, CacheStatusRoute(gateway).status),
        Route("/healthz", health.alive),
        Route("/readyz", health.ready),
        Route("/metrics", metrics.page),
    ]


def _admin_routes(gateway: Gateway, console: Console | None, slow: SlowPages) -> list[Route]:
    """None without a token."""
    token = gateway.settings.admin_token
    if token is None or console is None:
        return []
    items = Route(ITEMS_PATH, ItemsRoute(gateway, token), methods=["POST"])
    slowest = Route(SLOW_PATH, SlowRoute(slow, token).page, methods=["GET"])
    return [items, slowest, *console.routes(token, gateway.settings.max_body_bytes)]

"""/v2: the protocol's routes as an application of its own, for its errors have their own shape."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from msgspec import Struct
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from server.body import JSON
from server.errors import ServingError
from server.open_inference import refusals
from server.open_inference.descriptions import (
    index,
    model_config,
    model_metadata,
    server_metadata,
)
from server.open_inference.infer_route import InferRoute
from server.open_inference.service import OpenInference, Served
from server.open_inference.wire import AllStatistics, IsReady, Live, ModelIsReady
from server.wire import encode_json

PREFIX: Final = "/v2"
MODEL: Final = f"{PREFIX}/models/{{name}}"
VERSION: Final = f"{MODEL}/versions/{{version}}"

Describe = Callable[[Served], Struct]


def is_protocol_path(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def open_inference_app(service: OpenInference, version: str) -> Starlette:
    """`version` is the server's."""
    http = _Http(service, version)
    return Starlette(
        routes=[*http.server_routes(), *http.model_routes()],
        exception_handlers={
            ServingError: refusals.refuse,
            HTTPException: refusals.no_such_route,
            Exception: lambda request, error: refusals.fault(error, request.url.path),
        },
    )


class _Http:
    def __init__(self, service: OpenInference, version: str) -> None:
        self._service = service
        self._version = version

    def server_routes(self) -> list[Route]:
        return [
            Route(PREFIX, self._server_metadata),
            Route(f"{PREFIX}/health/live", self._live),
            Route(f"{PREFIX}/health/ready", self._ready),
            Route(f"{PREFIX}/models/stats", self._statistics),
            Route(f"{PREFIX}/repository/index", self._index, methods=["POST"]),
        ]

    def model_routes(self) -> list[Route]:
        infer = InferRoute(self._service)
        routes = []
        for path in (MODEL, VERSION):
            routes += [
                Route(path, self._told(lambda served: model_metadata(*served))),
                Route(f"{path}/ready", self._told(_model_ready)),
                Route(f"{path}/config", self._told(lambda served: model_config(*served))),
                Route(f"{path}/stats", self._told(self._statistics_of)),
                Route(f"{path}/infer", infer, methods=["POST"]),
            ]
        return routes

    def _told(self, describe: Describe) -> Callable[[Request], Awaitable[Response]]:
        async def told(request: Request) -> Response:
            """Raises NotReady, UnknownModel."""
            return _answer(describe(self._service.model(**request.path_params)))

        return told

    async def _server_metadata(self, request: Request) -> Response:
        return _answer(server_metadata(self._version))

    async def _live(self, request: Request) -> Response:
        """Raises NotReady."""
        self._service.gateway.check_alive()
        return _answer(Live(True))

    async def _ready(self, request: Request) -> Response:
        """Raises NotReady, while draining too."""
        self._service.check_ready()
        return _answer(IsReady(True))

    async def _statistics(self, request: Request) -> Response:
        """Raises NotReady."""
        every = map(self._statistics_of, self._service.every())
        return _answer(AllStatistics([one for each in every for one in each.model_stats]))

    async def _index(self, request: Request) -> Response:
        """Raises NotReady."""
        return _answer([each for served in self._service.every() for each in index(served.lane)])

    def _statistics_of(self, served: Served) -> AllStatistics:
        model = served.lane.model
        return AllStatistics([self._service.statistics.of(model.manifest.name, model.version)])


def _model_ready(served: Served) -> ModelIsReady:
    return ModelIsReady(served.lane.model.manifest.name, True)


def _answer(answer: Struct | Sequence[Struct]) -> Response:
    return Response(encode_json(answer), media_type=JSON)

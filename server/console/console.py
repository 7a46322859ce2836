"""The console with its routes: what an operator keeps open during a rollout."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from pydantic import SecretStr
from starlette.routing import Route

from cache.rollout_board import RolloutBoard
from server.background import Background
from server.console.assets import asset_routes
from server.console.board import BoardRollouts
from server.console.hub import Hub
from server.console.loaded import Loaded
from server.console.source import ModelSource, RolloutSource
from server.console.watched import Watched
from server.errors import NotReady
from server.gateway import Gateway
from server.routes.console import PATH as LIVE_PATH
from server.routes.console import ConsoleRoute
from server.routes.models import BUNDLES_PATH, ModelRoutes
from server.routes.models import PATH as MODELS_PATH
from server.routes.rollouts import HISTORY_PATH, MODEL_PATH, RolloutActRoute, RolloutRoutes
from server.routes.rollouts import PATH as ROLLOUTS_PATH


class Console(NamedTuple):
    hub: Hub
    rollouts: RolloutSource
    models: ModelSource
    is_ending: Callable[[], bool]

    @classmethod
    def of(cls, gateway: Gateway, page: Callable[[], Awaitable[bytes]]) -> "Console":
        """`page` gives the metrics of all workers."""
        registry = gateway.settings.registry
        rollouts = BoardRollouts(lambda: _boards(gateway), registry)
        hub = Hub(Watched(page, rollouts, lambda: _status(gateway)))
        models = Loaded(lambda: gateway.verticals, registry)
        return cls(hub, rollouts, models, lambda: gateway.drain.has_begun)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        background = Background()
        background.keep("console", self.hub.run())
        background.keep("trails", self.rollouts.run())
        yield
        await background.end()

    def routes(self, token: SecretStr, max_body_bytes: int) -> list[Route]:
        rollouts, models = RolloutRoutes(self.rollouts, token), ModelRoutes(self.models, token)
        act = RolloutActRoute(self.rollouts, token, max_body_bytes)
        live = ConsoleRoute(self.hub, token, self.is_ending)
        return [
            Route(ROLLOUTS_PATH, rollouts.status),
            Route(HISTORY_PATH, rollouts.history),
            Route(MODEL_PATH, act, methods=["POST"]),
            Route(MODELS_PATH, models.models),
            Route(BUNDLES_PATH, models.bundles),
            Route(LIVE_PATH, live, methods=["GET"]),
            *asset_routes(),
        ]


def _boards(gateway: Gateway) -> dict[str, RolloutBoard]:
    """Raises NotReady."""
    boards = {name: vertical.board for name, vertical in gateway.verticals.items()}
    return {name: board for name, board in boards.items() if board is not None}


def _status(gateway: Gateway) -> str:
    try:
        gateway.check_ready()
        gateway.check_open()
    except NotReady as error:
        return error.detail
    return "ready"

"""/v1/models and /v1/bundles: what is loaded here, and what could be."""

from typing import Final

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from server.admin import AdminToken
from server.body import JSON
from server.console.source import ModelSource
from server.wire import encode_json

PATH: Final = "/v1/models"
BUNDLES_PATH: Final = "/v1/bundles"


class ModelRoutes:
    def __init__(self, source: ModelSource, token: SecretStr) -> None:
        self._source = source
        self._token = AdminToken(token)

    async def models(self, request: Request) -> Response:
        """Raises Unauthorized, NotReady."""
        self._token.check(request.scope)
        return Response(encode_json(await self._source.models()), media_type=JSON)

    async def bundles(self, request: Request) -> Response:
        """Raises Unauthorized, RegistryAway."""
        self._token.check(request.scope)
        return Response(encode_json(await self._source.bundles()), media_type=JSON)

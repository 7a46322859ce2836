"""GET /v1/slow: the slowest requests of the last minutes, and where their time went."""

import re
from typing import Final

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from server.admin import AdminToken
from server.body import JSON
from server.errors import InvalidRequest
from server.slow.pages import MAX_SHOWN, SlowPages
from server.wire import encode_json

PATH: Final = "/v1/slow"
SHOWN: Final = 50
_NUMBER: Final = re.compile(r"[0-9]{1,4}")


class SlowRoute:
    def __init__(self, pages: SlowPages, token: SecretStr) -> None:
        self._pages = pages
        self._token = AdminToken(token)

    async def page(self, request: Request) -> Response:
        """Raises Unauthorized, InvalidRequest."""
        self._token.check(request.scope)
        page = await self._pages.page(_count(request))
        return Response(encode_json(page), media_type=JSON, headers={"Cache-Control": "no-store"})


def _count(request: Request) -> int:
    """How many are asked for."""
    text = request.query_params.get("count", str(SHOWN))
    if _NUMBER.fullmatch(text) and 1 <= int(text) <= MAX_SHOWN:
        return int(text)
    raise InvalidRequest(
        f"a count is a number from 1 to {MAX_SHOWN}",
        field="count",
        value=text,
        remedy="give one, or leave count out",
    )

"""/v1/rollouts: how a new student is doing, and what an operator wants done about it."""

import asyncio
import re
from typing import Final

from pydantic import SecretStr
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from server.admin import AdminToken
from server.body import JSON, BodyReader
from server.console.source import RolloutSource
from server.counted import COUNTED_AS
from server.errors import InvalidRequest
from server.rollout_wire import RolloutAct, RolloutHistory, Rollouts
from server.wire import encode_json

PATH: Final = "/v1/rollouts"
MODEL_PATH: Final = "/v1/rollouts/{model}"
HISTORY_PATH: Final = "/v1/rollouts/{model}/history"
NOBODY: Final = "admin"
HISTORY: Final = 100
MAX_HISTORY: Final = 1000
_NUMBER: Final = re.compile(r"[0-9]{1,4}")


class RolloutRoutes:
    def __init__(self, rollouts: RolloutSource, token: SecretStr) -> None:
        self._rollouts = rollouts
        self._token = AdminToken(token)

    async def status(self, request: Request) -> Response:
        """Raises Unauthorized, NotReady."""
        self._token.check(request.scope)
        return _json(Rollouts(await self._rollouts.status()))

    async def history(self, request: Request) -> Response:
        """Raises Unauthorized, InvalidRequest, UnknownModel, RolloutUnavailable."""
        request.scope[COUNTED_AS] = HISTORY_PATH
        self._token.check(request.scope)
        model = request.path_params["model"]
        count = _count(request.query_params.get("count", str(HISTORY)))
        told = RolloutHistory(model, await self._rollouts.history(model, count))
        return await asyncio.to_thread(_json, told)  # a thousand of them take milliseconds


class RolloutActRoute:
    def __init__(self, rollouts: RolloutSource, token: SecretStr, max_body_bytes: int) -> None:
        self._rollouts = rollouts
        self._token = AdminToken(token)
        self._body = BodyReader(RolloutAct, max_body_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[COUNTED_AS] = MODEL_PATH
        self._token.check(scope)
        try:
            asked, codec = await self._body.read(scope, receive)
        except ClientDisconnect:
            return
        _check(asked)
        model = scope["path_params"]["model"]
        status = await self._rollouts.act(model, asked, _who(asked, scope))
        response = Response(codec.encode(status), media_type=codec.media_type.decode())
        await response(scope, receive, send)


def _json(answer: object) -> Response:
    return Response(encode_json(answer), media_type=JSON)


def _count(text: str) -> int:
    if not (_NUMBER.fullmatch(text) and 1 <= int(text) <= MAX_HISTORY):
        raise InvalidRequest(
            "the number of transitions is not one",
            field="count",
            value=text,
            remedy=f"give 1 to {MAX_HISTORY}",
        )
    return int(text)


def _check(asked: RolloutAct) -> None:
    """What goes with one act alone. Raises InvalidRequest."""
    given = {"to": asked.to, "plan": asked.plan}
    misplaced = next((name for name, value in given.items() if value is not None), None)
    if asked.act == "start" and asked.to is None:
        raise InvalidRequest(
            "a rollout is started to a candidate",
            field="to",
            remedy="name a bundle of the registry, or a serving folder",
        )
    if asked.act != "start" and misplaced is not None:
        raise InvalidRequest(
            f"it goes with `start`, not with `{asked.act}`",
            field=misplaced,
            value=given[misplaced],
            remedy="leave it out",
        )
    if asked.all and asked.act != "promote":
        raise InvalidRequest(
            f"it goes with `promote`, not with `{asked.act}`",
            field="all",
            value=asked.all,
            remedy="leave it out",
        )
    for name, text in {"by": asked.by, "reason": asked.reason}.items():
        if text is not None and not text.isprintable():
            raise InvalidRequest(
                "one line of printable characters is kept",
                field=name,
                value=text,
                remedy="leave out line breaks and control characters",
            )


def _who(asked: RolloutAct, scope: Scope) -> str:
    """As said, and where from."""
    host = (scope.get("client") or ("?",))[0]
    return f"{asked.by or NOBODY}@{host}"
